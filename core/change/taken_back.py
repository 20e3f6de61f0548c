"""A change is taken back: the old pixels are put into a polygon, and both dates are compared anew by the same method.

Where the change is in the polygon's pixels it must vanish, and old pixels that are put elsewhere must leave it. Since putting everything
back is trivial for a network that compares two dates, the polygon is divided too: cells that bring most when they alone are put back
are ranked first, and the half of its ground that they make must undo more than the other half (deletion, as of Samek et al. 2017,
"Evaluating the Visualization of What a Deep Neural Network Has Learned", with the other date as its baseline).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as connected

from core.change.evidence import NODATA, Evidence, is_changed
from core.change.methods.base import Method
from core.change.polygon_ground import PolygonGround
from core.errors import InputError
from core.types import ChangePolygon, FloatImage, Mask, Progress, Scene, TakenBack

CELLS_A_SIDE = 4
_STEPS = tuple(number / 2 for number in range(2, 12))
"""How far, in its own sides, a polygon's shape may be moved."""
_TURNS = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))


def take_back(
    before: Scene,
    aligned: Scene,
    method: Method,
    threshold: float,
    polygon: ChangePolygon,
    scratch: Path,
    progress: Progress | None = None,
) -> TakenBack:
    """What becomes of one polygon when the old pixels are put back.

    aligned: the second date on the grid of the first. method: that found the polygon, with the statistics that it took (Method.of_part).
    threshold: of that comparison. scratch: a folder that is written to. progress: told (done, comparisons); what it raises ends the work.
    Raises InputError where the polygon is too large, is not found when its surroundings are compared alone, or was found by a method that
    compares whole scenes; UnreadableFile, DeviceError.
    """
    check_local(method)
    ground = PolygonGround.about(before, aligned, method, polygon.window, scratch)
    found = ground.compare(ground.after)
    changed = _changed(found, threshold, method)
    own = _piece(found, changed, ground.inside)
    if own is None:
        raise InputError("This polygon is not found when its surroundings are compared alone.", "Look at its neighbours.")
    cells = _cells(own, ground.inside)
    elsewhere = _elsewhere(own, changed | ~ground.valid)
    steps = _Steps(1 + (elsewhere is not None) + len(cells) + 2 * (len(cells) > 1) + len(ground.colours), progress)

    def fall(where: Mask, colour: str = "") -> float:
        """Of the polygon's mean score."""
        return _score(found, own) - _score(steps.after(ground.compare(ground.put_back(where, colour))), own)

    without = steps.after(ground.compare(ground.put_back(own)))
    whole = _score(found, own) - _score(without, own)
    effects = [fall(cell) for cell in cells]
    halves = [_share(fall(half), whole) for half in _halves(cells, effects)]
    bands = [(colour, _share(fall(own, colour), whole)) for colour in ground.colours]
    return TakenBack(
        polygon.id,
        undone=1.0 - float(_changed(without, threshold, method)[own].mean()),
        kept=None if elsewhere is None else _still(steps.after(ground.compare(ground.put_back(elsewhere))), own, threshold, method),
        first=halves[0] if halves else None,
        second=halves[1] if halves else None,
        cells=_drawn(cells, effects, ground.inside),
        bands=tuple(sorted(bands, key=lambda each: -each[1])),
    )


def check_local(method: Method) -> None:
    """Nothing where polygons of a method can be taken back. Raises InputError where it compares whole scenes."""
    if not method.is_local:
        raise InputError(f"The method {method.name} compares whole scenes, of which a polygon cannot be taken back.", "Use another method.")


class _Steps:
    """Tells how many comparisons are done."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._done, self._progress = total, 0, progress

    def after(self, found: Evidence) -> Evidence:
        """The evidence, of one comparison more."""
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)
        return found


def _changed(found: Evidence, threshold: float, method: Method) -> Mask:
    classes = (found.before, found.after) if method.is_by_class else (None, None)
    return is_changed(found.score, threshold, *classes)


def _still(found: Evidence, own: Mask, threshold: float, method: Method) -> float:
    return float(_changed(found, threshold, method)[own].mean())


def _piece(found: Evidence, changed: Mask, inside: tuple[slice, slice]) -> Mask | None:
    """The largest connected change of one pair of classes within the window, as polygons are outlined; None where nothing changed."""
    pairs = np.where(changed, found.before.astype(np.int32) * (NODATA + 1) + found.after, -1)[inside]
    pieces = np.asarray(connected(pairs, connectivity=1, background=-1))  # type: ignore[no-untyped-call]
    if not pieces.any():
        return None
    own = np.zeros_like(changed)
    own[inside] = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return own


def _cells(own: Mask, inside: tuple[slice, slice]) -> list[Mask]:
    """The pixels of the polygon, cell by cell; cells without any are left out."""
    found = []
    for rows in _pieces(inside[0]):
        for columns in _pieces(inside[1]):
            cell = np.zeros_like(own)
            cell[rows, columns] = own[rows, columns]
            if cell.any():
                found.append(cell)
    return found


def _pieces(side: slice) -> Iterator[slice]:
    edges = np.unique(np.linspace(side.start, side.stop, CELLS_A_SIDE + 1).round().astype(int))
    for start, stop in pairwise(edges):
        yield slice(int(start), int(stop))


def _elsewhere(own: Mask, taken: Mask) -> Mask | None:
    """The polygon's shape on unchanged ground, as far away as there is room; else as many such pixels, or all; None of none."""
    rows, columns = np.nonzero(own)
    height, width = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    moves = [(round(down * step * height), round(across * step * width)) for step in _STEPS for down, across in _TURNS]
    for down, across in sorted(moves, key=lambda move: -math.hypot(*move)):
        moved = rows + down, columns + across
        is_there = all(side.min() >= 0 and side.max() < length for side, length in zip(moved, own.shape, strict=True))
        if is_there and not taken[moved].any():
            found = np.zeros_like(own)
            found[moved] = True
            return found
    free = np.flatnonzero(~taken & ~own)[: len(rows)]
    if not len(free):
        return None
    found = np.zeros_like(own)
    found.ravel()[free] = True
    return found


def _halves(cells: Sequence[Mask], effects: Sequence[float]) -> list[Mask]:
    """The cells with the largest effect a pixel, up to half of the ground, and the others; [] of one cell."""
    if len(cells) < 2:
        return []
    pixels = np.array([int(cell.sum()) for cell in cells])
    order = np.argsort(-np.asarray(effects) / pixels, kind="stable")
    count = min(1 + int(np.searchsorted(np.cumsum(pixels[order]), pixels.sum() / 2)), len(cells) - 1)
    return [_united(cells, order[:count]), _united(cells, order[count:])]


def _united(cells: Sequence[Mask], places: NDArray[np.intp]) -> Mask:
    return np.asarray(np.logical_or.reduce([cells[place] for place in places]), dtype=np.bool_)


def _score(found: Evidence, own: Mask) -> float:
    return float(np.nan_to_num(found.score[own], nan=0.0).mean())


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _drawn(cells: Sequence[Mask], effects: Sequence[float], inside: tuple[slice, slice]) -> FloatImage:
    drawn = np.full(cells[0][inside].shape, np.nan, dtype=np.float32)
    for cell, effect in zip(cells, effects, strict=True):
        drawn[cell[inside]] = effect
    return drawn
