"""A tiny model, its engine, and an input."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.inference.engine import Engine, engine_for
from core.types import ModelInput
from tests.tiny import write_tiny_model
from tests.unit.explain.constructed import random_input


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("explain") / "tiny")


@pytest.fixture(scope="session")
def engine(folder: Path) -> Engine:
    return engine_for(str(folder))


@pytest.fixture
def image() -> ModelInput:
    return random_input()
