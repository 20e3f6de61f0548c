"""Tiny engines and inputs for the tests of inference."""

from __future__ import annotations

import numpy as np
import pytest

from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.types import FloatImage
from models.registry import load_model
from tests.tiny import write_tiny_model


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A tiny radiograph model on the CPU."""
    return Engine(load_model(str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny"))), Runtime())


@pytest.fixture(scope="session")
def values() -> FloatImage:
    """Forty inputs of the tiny radiograph model, float32 [40, 1, 32, 32]."""
    return np.random.default_rng(3).normal(size=(40, 1, 32, 32)).astype(np.float32)
