"""One piece of land, mapped once a module."""

from __future__ import annotations

import pytest

from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.types import Domain, LandCoverMap
from core.workflows.scene_map import map_scene
from models.registry import load_model
from tests.tiny import write_tiny_model
from tests.unit.workflows.land import scene_of


@pytest.fixture(scope="module")
def land_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A tiny random land-cover model: tiles of 32 x 32 pixels in tokens of 8."""
    return Engine(load_model(str(write_tiny_model(tmp_path_factory.mktemp("models") / "land", Domain.LAND_COVER, seed=2))), Runtime())


@pytest.fixture(scope="module")
def mapped(land_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> LandCoverMap:
    folder = tmp_path_factory.mktemp("mapped")
    return map_scene(scene_of(folder / "scene.tif"), land_engine, folder / "out")
