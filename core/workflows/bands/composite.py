"""A composite of several dates as files: composite.tif, and count.tif, which says how many dates each pixel had."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import MissingBands, OutOfRange
from core.export.geotiff import StripWriter
from core.export.staging import staged
from core.prepare.composite import COMPOSITES, composite_of
from core.prepare.grid.align import on_grid_of, overlap_or_refuse
from core.prepare.grid.bands import read_window, resolve_bands
from core.prepare.grid.clouds import cloud_notice
from core.prepare.grid.ground import refuse_off_earth
from core.types import Notice, Progress, Scene, notice

COMPOSITE, COUNT = "composite.tif", "count.tif"
MOST_DATES = 50
STRIP_VALUES = 4_000_000
"""Values of all dates and bands that are held at a time; the work on them needs some five times as much (80 MB)."""


@dataclass(frozen=True)
class Composite:
    """What was made of several dates. bands: common names. mean_dates: valid dates a pixel; empty_share: of pixels that no date shows."""

    composite: Path
    count: Path
    method: str
    bands: tuple[str, ...]
    dates: tuple[str, ...]
    mean_dates: float
    empty_share: float
    assumptions: tuple[Notice, ...]
    seconds: float


def make_composite(scenes: Sequence[Scene], out: Path, method: str = "median", progress: Progress | None = None) -> Composite:
    """The composite of scenes in the bands that all of them have, on the grid of the first, written strip by strip.

    Reflectance, float32, NaN where no date has data. progress: told of rows; what it raises ends the work, and nothing is left of it.
    Raises OutOfRange, NoGrid, NoOverlap, MissingBands, UnreadableFile.
    """
    started = time.perf_counter()
    first, bands = _check(scenes, method)
    placed = [first, *(on_grid_of(scene, first) for scene in scenes[1:])]
    resolved = [resolve_bands(scene, bands) for scene in placed]
    grid: dict[str, Any] = {"width": first.width, "height": first.height, "crs": first.crs, "transform": first.transform}
    rows = max(1, STRIP_VALUES // (len(placed) * len(bands) * first.width))
    total, empty = 0, 0
    with staged(out) as folder, ExitStack() as stack:
        picture = stack.enter_context(StripWriter(folder / COMPOSITE, **grid, dtype="float32", nodata=float("nan"), bands=bands))
        counted = stack.enter_context(StripWriter(folder / COUNT, **grid, dtype="uint8", nodata=255, description="valid dates"))
        for top in range(0, first.height, rows):
            window = (0, top, first.width, min(rows, first.height - top))
            read = [read_window(scene, used, window) for scene, (used, _) in zip(placed, resolved, strict=True)]
            made, count = composite_of(np.stack([values for values, _ in read]), np.stack([valid for _, valid in read]), method)
            picture.write(top, made)
            counted.write(top, count)
            total, empty = total + int(count.sum()), empty + int((count == 0).sum())
            if progress is not None:
                progress(top + window[3], first.height)
    pixels = first.width * first.height
    told = [notice("scene.of-one", name=scene.called, said=cloud_notice(scene)) for scene in scenes if scene.clouds is not None]
    clouds = told if len(told) == len(scenes) else [notice("clouds.not-masked"), *told]
    assumed = [note for scene, (_, notes) in zip(placed, resolved, strict=True) for note in (*notes, *scene.assumptions)]
    return Composite(
        composite=out / COMPOSITE,
        count=out / COUNT,
        method=method,
        bands=bands,
        dates=tuple(scene.called for scene in scenes),
        mean_dates=total / pixels,
        empty_share=empty / pixels,
        assumptions=tuple(dict.fromkeys([*clouds, *assumed])),
        seconds=time.perf_counter() - started,
    )


def _check(scenes: Sequence[Scene], method: str) -> tuple[Scene, tuple[str, ...]]:
    """The scene on whose grid all is written, and the bands that all have."""
    if method not in COMPOSITES:
        raise OutOfRange("--method", method, f"one of {', '.join(COMPOSITES)}")
    if not 2 <= len(scenes) <= MOST_DATES:
        raise OutOfRange("number of scenes", len(scenes), f"2 to {MOST_DATES}")
    first = scenes[0]
    refuse_off_earth(first)
    for other in scenes[1:]:
        overlap_or_refuse(first, other)
    names = [[band.common_name for band in scene.bands if band.common_name] for scene in scenes]
    shared = tuple(name for name in dict.fromkeys(names[0]) if all(name in others for others in names))
    if not shared:
        poorest = min(scenes, key=lambda scene: sum(bool(band.common_name) for band in scene.bands))
        raise MissingBands(poorest.name, names[0] or ["red"], [band.name for band in poorest.bands])
    return first, shared
