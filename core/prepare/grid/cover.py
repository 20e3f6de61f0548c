"""How much of a scene holds data, and how much of it is cloud: from few pixels, so that it is known before anything else is read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rasterio.transform import Affine

from core.prepare.grid.bands import read_window
from core.prepare.grid.clouds import cloud_share
from core.prepare.grid.reflectance import judged_bands
from core.types import Scene

LOOKED_AT = 400
"""Pixels of the longer side."""


@dataclass(frozen=True)
class Cover:
    """Shares in [0, 1]. valid: of the scene's pixels, those with data, clouds included. clouds: of those; None where nothing tells them."""

    valid: float
    clouds: float | None


def cover_of(scene: Scene) -> Cover:
    """Raises UnreadableFile, NoOverlap where what tells the clouds lies elsewhere."""
    reduction = max(1.0, max(scene.width, scene.height) / LOOKED_AT)
    width, height = max(1, round(scene.width / reduction)), max(1, round(scene.height / reduction))
    coarser = Affine.scale(scene.width / width, scene.height / height)
    small = replace(scene, width=width, height=height, transform=scene.transform @ coarser, clouds=None)
    if scene.crs is None:  # without a place there is no other grid to read it on
        small, width, height = replace(scene, clouds=None), scene.width, min(scene.height, LOOKED_AT)
    _, valid = read_window(small, judged_bands(scene)[:1], (0, 0, width, height))
    return Cover(float(valid.mean()), cloud_share(scene))
