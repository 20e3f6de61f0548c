"""Writes the synthetic samples beside this file: `make samples`. The same bytes come out each time.

Everything is drawn from formulas and seeded random numbers (sample_data/phantoms); no pixel of a real image went into it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from sample_data.phantoms import ct, dicom, earth, radiograph
from sample_data.phantoms.radiograph import Chest

HERE = Path(__file__).resolve().parent
RADIOGRAPHS = {"chest-radiograph": Chest(seed=7), "chest-radiograph-opacity": Chest(seed=11, consolidation=0.9)}
CT_SEED, EARTH_SEED = 5, 3
# 10 m pixels in UTM zone 32 north. Dates before processing baseline 04.00: reflectance is the number / 10,000, without offset.
CORNER = (600_000.0, 5_300_000.0)
DATES = {"before": "2019:06:15 10:20:00", "after": "2021:06:19 10:20:00"}
BANDS = ("B02", "B03", "B04", "B08")


def write_scene(numbers: NDArray[np.uint16], path: Path, *, date: str) -> None:
    """A tiled GeoTIFF of digital numbers [bands, rows, columns], 0 where there are none."""
    profile = {
        "driver": "GTiff", "dtype": "uint16", "count": len(numbers), "height": numbers.shape[1], "width": numbers.shape[2], "nodata": 0,
        "crs": "EPSG:32632", "transform": Affine(10.0, 0.0, CORNER[0], 0.0, -10.0, CORNER[1]),
        "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "predictor": 2, "zlevel": 9, "interleave": "band",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        target.write(numbers)
        target.descriptions = BANDS
        target.scales, target.offsets = (0.0001,) * len(BANDS), (0.0,) * len(BANDS)
        target.update_tags(
            TIFFTAG_DATETIME=date,
            TIFFTAG_IMAGEDESCRIPTION="SYNTHETIC: a made-up place, drawn by sample_data/make_samples.py",
        )


def make_all(into: Path) -> None:
    """Write every sample under the folder `into`."""
    into.mkdir(parents=True, exist_ok=True)
    for name, chest in RADIOGRAPHS.items():
        pixels = radiograph.draw(chest)
        dicom.write_radiograph(pixels, into / f"{name}.dcm", name=name, age="004Y", sex="O", spacing=radiograph.SPACING)
    dicom.write_ct_series(ct.draw(CT_SEED), into / "ct-series", name="ct-series", spacing=ct.SPACING, thickness=ct.THICKNESS)
    for date, when in DATES.items():
        write_scene(earth.draw(EARTH_SEED, after=date == "after"), into / f"earth-{date}.tif", date=when)


if __name__ == "__main__":
    make_all(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
