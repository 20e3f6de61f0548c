"""Large scenes for the other scripts: real ground, mirrored again and again, at ten metres a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window

BLOCK = 512
PLACE = Affine(10.0, 0.0, 399_960.0, 0.0, -10.0, 5_400_000.0)
"""In UTM zone 31; where it lies decides nothing but the lattice of tiles."""


def write_mirrored(path: Path, bands: Sequence[Path], rows: int, columns: int) -> Path:
    """A GeoTIFF of uint16 [bands, rows, columns], tiled and deflated, from one-band files of one size; written strip by strip.

    bands: named B02.tif and so on, or with _B02 at the end of their stem.
    """
    pixels = np.stack([_pixels(band) for band in bands])
    across = _back_and_forth(np.arange(columns), pixels.shape[2])
    profile = {"width": columns, "height": rows, "count": len(bands), "dtype": "uint16", "nodata": 0, "crs": "EPSG:32631"}
    storage = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate"}
    with rasterio.open(path, "w", driver="GTiff", transform=PLACE, **profile, **storage) as raster:
        for index, band in enumerate(bands, start=1):
            raster.set_band_description(index, band.stem.rpartition("_")[2])
        for top in range(0, rows, BLOCK):
            down = _back_and_forth(np.arange(top, min(top + BLOCK, rows)), pixels.shape[1])
            raster.write(pixels[:, down][:, :, across], window=Window(0, top, columns, len(down)))
    return path


def _pixels(band: Path) -> np.ndarray:
    with rasterio.open(band) as raster:
        return np.maximum(raster.read(1), 1).astype(np.uint16)


def _back_and_forth(places: np.ndarray, length: int) -> np.ndarray:
    """0, 1, ..., length - 1, length - 1, ..., 1, 0, 0, 1, ..."""
    turned = places % (2 * length)
    return np.minimum(turned, 2 * length - 1 - turned)
