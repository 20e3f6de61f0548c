"""How much memory does `sightline map` take on a large scene, all processes together, and how long?

    python benchmarks/scene_memory.py                    10,000 x 10,000 x 4, uint16, tiles of 512, deflate
    python benchmarks/scene_memory.py --rows 5000        half as tall: the peak must not change by much

The scene is synthetic: smooth fields of reflectance with noise, a corner without data. It stays in /tmp for the next run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window

BANDS = ("B04", "B03", "B02", "B08")
FIELD_PIXELS = 60
"""Size of a patch of the landscape."""
SAMPLE_SECONDS = 0.1
BLOCK = 512


def write_scene(path: Path, rows: int, columns: int) -> None:
    """A GeoTIFF [4, rows, columns] of uint16 in UTM zone 31, 10 m, written in strips; each patch has a colour of its own."""
    rng = np.random.default_rng(7)
    patches = rng.uniform(200.0, 2600.0, (len(BANDS), rows // FIELD_PIXELS + 2, columns // FIELD_PIXELS + 2))
    profile = {"width": columns, "height": rows, "count": len(BANDS), "dtype": "uint16", "nodata": 0, "crs": "EPSG:32631"}
    storage = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate"}
    place = Affine(10.0, 0.0, 399_960.0, 0.0, -10.0, 5_400_000.0)
    across = np.arange(columns) // FIELD_PIXELS
    with rasterio.open(path, "w", driver="GTiff", transform=place, **profile, **storage) as raster:
        for index, name in enumerate(BANDS, start=1):
            raster.set_band_description(index, name)
        for top in range(0, rows, BLOCK):
            down = np.arange(top, min(top + BLOCK, rows)) // FIELD_PIXELS
            strip = patches[:, down][:, :, across] + rng.normal(0.0, 60.0, (len(BANDS), len(down), columns))
            strip = np.clip(strip, 1, 10_000).astype(np.uint16)
            strip[:, down < 4, : columns // 5] = 0
            raster.write(strip, window=Window(0, top, columns, len(down)))


def watched(command: list[str]) -> tuple[int, float, float]:
    """(exit status, peak of the resident memory of the process and its children in MB, seconds)."""
    started, peak = time.perf_counter(), 0
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, resident(process))
        time.sleep(SAMPLE_SECONDS)
    return int(process.returncode), peak / 1e6, time.perf_counter() - started


def resident(process: psutil.Process) -> int:
    """Bytes of a process and all that it started; those that have just ended count nothing."""
    total = 0
    try:
        for one in [process, *process.children(recursive=True)]:
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def main() -> None:
    """Make the scene where it is missing, map it, print peak and time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=10_000)
    parser.add_argument("--model", default="land-cover", help="zoo id or model folder")
    given = parser.parse_args()
    scene = Path(tempfile.gettempdir()) / f"sightline-scene-{given.rows}x{given.columns}.tif"
    if not scene.exists():
        write_scene(scene, given.rows, given.columns)
    sightline = Path(sys.executable).with_name("sightline")
    with tempfile.TemporaryDirectory() as out:
        status, peak, seconds = watched([str(sightline), "map", str(scene), "--model", given.model, "--out", out])
    rate = given.rows * given.columns / 1e6 / seconds
    print(f"{given.columns} x {given.rows} pixels: exit {status}, peak {peak:.0f} MB, {seconds:.0f} s, {rate:.2f} megapixels/s")


if __name__ == "__main__":
    main()
