"""What does `sightline map` cost a megapixel, and does its memory grow with the scene?

    python benchmarks/scene_scaling.py BAND... --megapixels 1 5 25 100      one-band files at one size (..._B02.tif ..._B03.tif ..._B04.tif)

Each scene is mirrored from the bands at ten metres, and mapped by a process of its own, whose processor time and largest resident memory
are the operating system's own figures. Options behind `--` go to `sightline map`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from large_scenes import write_mirrored

COMMAND = (sys.executable, "-c", "from core.cli import main; main()")


def mapped(scene: Path, out: Path, model: str, options: Sequence[str]) -> tuple[float, float, float]:
    """(seconds of the processor, seconds of the clock, largest resident memory in MB) of one map."""
    started = time.perf_counter()
    process = subprocess.Popen([*COMMAND, "map", str(scene), "--model", model, "--out", str(out), *options], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the map ended with {status}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss / 1e3


def main() -> None:
    """One row of the table for each scene."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bands", type=Path, nargs="+")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1.0, 5.0, 25.0])
    parser.add_argument("--model", default="land-cover")
    given, options = parser.parse_known_args()
    print("megapixels | CPU s | clock s | CPU s a further megapixel | peak MB")
    before: tuple[float, float] | None = None
    for megapixels in given.megapixels:
        side = round((megapixels * 1e6) ** 0.5)
        with tempfile.TemporaryDirectory() as folder:
            scene = write_mirrored(Path(folder) / "scene.tif", given.bands, side, side)
            processor, clock, peak = mapped(scene, Path(folder) / "out", given.model, [one for one in options if one != "--"])
        further = "" if before is None else f"{(processor - before[1]) / (megapixels - before[0]):.2f}"
        before = (megapixels, processor)
        print(f"{megapixels:g} | {processor:.1f} | {clock:.0f} | {further} | {peak:.0f}", flush=True)


if __name__ == "__main__":
    main()
