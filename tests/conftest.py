"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SHARED_DATA = PROJECT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; the test is skipped, and says so, where it is not."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is not here: this test needs real data that is not part of the project")
    return SHARED_DATA
