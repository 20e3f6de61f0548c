"""Every test of the shell begins with the settings of its own environment, and with nobody signed in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.settings import settings
from core.ui.shell.admission import admission


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.cache_clear()
    admission.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()
    admission.cache_clear()
