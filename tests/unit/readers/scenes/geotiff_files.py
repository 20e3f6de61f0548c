"""Small GeoTIFF files, made for one test each."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine, from_origin

UTM = "EPSG:32631"
GRID = from_origin(500_000.0, 5_000_000.0, 10.0, 10.0)


def write_geotiff(
    path: Path,
    pixels: NDArray[Any] | None = None,
    *,
    crs: str | None = UTM,
    transform: Affine | None = GRID,
    descriptions: Sequence[str] = (),
    colours: Sequence[ColorInterp] = (),
    tags: dict[str, str] | None = None,
    **profile: Any,
) -> Path:
    """Write pixels [bands, rows, columns]; a ramp of three bands of 40 x 50 where None."""
    pixels = np.arange(6000, dtype=np.uint16).reshape(3, 40, 50) if pixels is None else pixels
    bands, rows, columns = pixels.shape
    path.parent.mkdir(parents=True, exist_ok=True)
    profile |= {"width": columns, "height": rows, "count": bands, "dtype": pixels.dtype, "crs": crs, "transform": transform}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="GTiff", **profile) as file:
            file.write(pixels)
            for index, words in enumerate(descriptions, start=1):
                file.set_band_description(index, words)
            if colours:
                file.colorinterp = list(colours)
            if tags:
                file.update_tags(**tags)
    return path


def constant(bands: int, rows: int, columns: int, value: int = 7, dtype: str = "uint8") -> NDArray[Any]:
    """[bands, rows, columns], everywhere `value`."""
    return np.full((bands, rows, columns), value, dtype)
