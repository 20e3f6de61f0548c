"""A tiny land-cover model for the tests of change."""

from __future__ import annotations

import pytest

from core.inference.engine import Engine
from tests.unit.change.pairs import tiny_engine


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A tiny random land-cover model on the CPU."""
    return tiny_engine(tmp_path_factory.mktemp("models") / "tiny")
