"""Scenes of a few pixels for the tests of the Earth page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.readers import read_scene
from core.types import Scene
from tests.unit.readers.scenes.geotiff_files import write_geotiff


def scene_of(path: Path, pixels: np.ndarray | None = None, **facts: object) -> Scene:
    return read_scene([write_geotiff(path, pixels, descriptions=("B04", "B03", "B02"), **facts)])  # type: ignore[arg-type]
