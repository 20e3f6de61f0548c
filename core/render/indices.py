"""A spectral index of one date as a picture over the map."""

from __future__ import annotations

import numpy as np

from core.explain.overlay import table
from core.prepare.grid.bands import resolve_bands
from core.prepare.indices import INDICES
from core.render.scene import Piece, band_values, png
from core.types import Scene

INDEX_COLOURS = {
    "ndvi": ("#7a5230", "#c9b27c", "#efe9c9", "#8fc06a", "#1f7a3a"),
    "ndwi": ("#7a5230", "#c9b27c", "#efe9e0", "#6fb3dc", "#1c5fae"),
    "ndbi": ("#2f7d4f", "#a9c99a", "#efe9e0", "#d79a7e", "#b0402f"),
    "nbr": ("#3a1f1a", "#a35a3a", "#efe3c9", "#9cc27c", "#2a7a44"),
}
"""From -1 to 1: bare ground to vegetation, land to water, vegetation to built-up land, burnt to unburnt."""


def indices_of(scene: Scene) -> dict[str, str]:
    """The indices that the bands of one scene form, by name: "NDVI, vegetation"."""
    colours = {band.common_name for band in scene.bands}
    return {name: f"{name.upper()}, {index.shows}" for name, index in INDICES.items() if set(index.colours) <= colours}


def index_picture(scene: Scene, name: str, grid: Scene, piece: Piece) -> bytes:
    """PNG of an index from -1 to 1 on a part of a grid; clear where a band holds no data. Raises MissingBands, UnreadableFile."""
    index = INDICES[name]
    first, second = (band_values(band, grid, piece) for band in resolve_bands(scene, index.colours)[0])
    known = np.isfinite(first) & np.isfinite(second)
    values = index.of(np.where(known, first, 0.0).astype(np.float32), np.where(known, second, 0.0).astype(np.float32))
    colours = table(INDEX_COLOURS[name])[np.rint((values + 1.0) / 2.0 * 255).astype(np.uint8)]
    return png(np.dstack([colours, np.where(known, 255, 0).astype(np.uint8)]))
