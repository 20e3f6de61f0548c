"""Dates of one place in the order of time, on the grid of the first, and how far each lies off it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rasterio.transform import Affine

from core.change.shift import measure_shift
from core.errors import InputError, MissingBands, OutOfRange
from core.prepare.grid.align import on_grid_of, overlap_or_refuse
from core.prepare.grid.bands import resolve_bands
from core.prepare.grid.clouds import cloud_share
from core.prepare.indices import INDICES, Index
from core.types import Band, Scene
from core.workflows.bands.composite import MOST_DATES

CORRECTED_FROM = 0.2
"""Pixels: a smaller shift is within what tie windows can tell."""
LEFT_SHARE = 0.5
"""A correction is kept where no more than so much of the shift is left."""


@dataclass(frozen=True)
class PlacedDate:
    """One date of a series. scene: as it is read on the grid of the first, corrected where that helped.

    shift: (right, down) in pixels by which it lay off the first; None where tie windows do not agree. left: what is left of it, None where
    nothing was corrected. is_corrected: whether the correction was kept. clouds: share that is masked, None where nothing tells clouds.
    """

    scene: Scene
    bands: tuple[Band, ...]
    shift: tuple[float, float] | None
    left: tuple[float, float] | None = None
    is_corrected: bool = False
    clouds: float | None = None


def in_order(scenes: Sequence[Scene]) -> list[Scene]:
    """By date. Raises OutOfRange for too few or too many, InputError for a scene without a date, NoOverlap and NoGrid."""
    if not 2 <= len(scenes) <= MOST_DATES:
        raise OutOfRange("number of scenes", len(scenes), f"2 to {MOST_DATES}")
    for scene in scenes:
        if scene.date is None:
            raise InputError(
                f"{scene.name} has no date, so it has no place in a series.", "Say it with --date YYYY-MM-DD, once for each scene."
            )
    ordered = sorted(scenes, key=lambda scene: (scene.date, scene.name))
    for scene in ordered[1:]:
        overlap_or_refuse(ordered[0], scene)
    return ordered


def shared_bands(scenes: Sequence[Scene]) -> tuple[str, ...]:
    """Common names that all scenes have, in the order of the first. Raises MissingBands where there is none."""
    names = [[band.common_name for band in scene.bands if band.common_name] for scene in scenes]
    shared = tuple(name for name in dict.fromkeys(names[0]) if all(name in others for others in names))
    if not shared:
        poorest = min(scenes, key=lambda scene: sum(bool(band.common_name) for band in scene.bands))
        raise MissingBands(poorest.name, names[0] or ["red"], [band.name for band in poorest.bands])
    return shared


def shared_indices(bands: Sequence[str], wanted: str = "") -> tuple[Index, ...]:
    """Indices that these bands form, the wanted one first. Raises OutOfRange for an unknown name, MissingBands is for the caller."""
    if wanted and wanted not in INDICES:
        raise OutOfRange("--index", wanted, f"one of {', '.join(INDICES)}")
    formed = [index for index in INDICES.values() if set(index.colours) <= set(bands)]
    return tuple(sorted(formed, key=lambda index: index.name != wanted))


def place_dates(scenes: Sequence[Scene], bands: Sequence[str], *, is_corrected: bool) -> list[PlacedDate]:
    """scenes: in order. is_corrected: whether shifts are taken out where that makes them smaller. Raises UnreadableFile."""
    first = scenes[0]
    reference = resolve_bands(first, bands)[0]
    placed = [PlacedDate(first, reference, (0.0, 0.0), clouds=cloud_share(first))]
    for scene in scenes[1:]:
        aligned = on_grid_of(scene, first)
        used = resolve_bands(aligned, bands)[0]
        shift = measure_shift((first, reference), (aligned, used))
        date = PlacedDate(aligned, used, shift, clouds=cloud_share(scene))
        is_worth = is_corrected and shift is not None and math.hypot(*shift) >= CORRECTED_FROM
        placed.append(_corrected(date, (first, reference)) if is_worth else date)
    return placed


def _corrected(date: PlacedDate, reference: tuple[Scene, tuple[Band, ...]]) -> PlacedDate:
    """With the shift taken out; as it was where what is left is not clearly smaller."""
    assert date.shift is not None
    right, down = date.shift
    moved = replace(date.scene, transform=date.scene.transform @ Affine.translation(right, down))
    left = measure_shift(reference, (moved, date.bands))
    is_better = left is not None and math.hypot(*left) <= LEFT_SHARE * math.hypot(right, down)
    return replace(date, scene=moved if is_better else date.scene, left=left, is_corrected=is_better)
