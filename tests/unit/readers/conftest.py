"""What every reader's test may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from core.settings import settings


@pytest.fixture
def set_limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set settings for one test: set_limits(decoded_megapixels=1)."""

    def set_them(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"SIGHTLINE_{name.upper()}", str(value))
        settings.cache_clear()

    yield set_them
    monkeypatch.undo()
    settings.cache_clear()
