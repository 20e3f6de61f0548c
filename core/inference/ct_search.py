"""Slices searched window by window for what a model of CT finds.

First windows lie side by side over the lungs; the model's token head says which tokens hold a find, and that is averaged where windows
overlap. Where that is highest, a window is put about the place. The score of the candidate is the window's probability times the strongest
token there as a share of the window's strongest: a window is no witness for a place that its tokens do not point to. The best place is
followed through the neighbouring slices of a volume, so that a lesion is one candidate; what lies closer to it is none of its own
(non-maximum suppression).
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import scipy

from core.inference.calibration import probabilities
from core.inference.engine import Engine, Forward
from core.inference.ood import features, ood_score
from core.inference.tta import answered
from core.prepare.ct import Plane, corners, window_about, window_at
from core.prepare.nodule_outline import outline_about
from core.types import Candidate, FloatImage, Mark, ModelInput
from models.registry import LoadedModel

STRIDE_TOKENS = 3
"""Tokens between neighbouring windows: with seven tokens a side each place is seen by about five windows, and mostly away from an edge."""
APART_MM = 12.0
"""Candidates nearer to each other than this are one."""
FAINTEST = 0.05
"""Mean evidence below which no place is looked at again."""
MOST_PLACES = 8
"""Places of a slice that are looked at again."""
FOLLOWED_MM = 8.0
"""How far a lesion may move across between one slice and the next in which it is found."""
GAP_MM = 5.0
"""Slices nearer than this show one lesion, also where one between them does not; slices of a series may lie up to APART_MM apart."""
FIRST_LOOK = 8
"""Every such plane of a series (a slice, or the mean of a slab of thin ones) is searched before the others."""
SEARCHERS = 2
"""Slices that are searched at a time: the network reads one, another is prepared or judged."""
NICENESS = 10
"""Of the threads that search; 0 is that of the others, 19 the least."""
LOWEST_SCORE = 0.5
"""A candidate with a lower score is not told: it is less likely a find than not."""
HELD_SCORE = 0.6
"""The same where a score is a mean over slices: nodules of the calibration part that hold less are none the more for it, false
marks are (training/RESULTS.md)."""
CONTINUED_SCORE = 0.2
"""A lesion goes on in the next slice where a place has at least this score."""
HELD_MM = 4.0
"""A lesion's score is the mean over so much of its course: vessels that are cut across look like one in a slice or two of a thin series
(training/RESULTS.md)."""


@dataclass(frozen=True)
class SliceSearch:
    """What was found in one slice.

    candidates: best first. distances: of its windows from the training's features. windows: how many were read.
    best: the probability of a find in the best candidate's window, and that window; where there is no candidate, in the likeliest window;
    None where nothing was searched. middle: column of the source at the middle of the body. lung_pixels: how many were searched.
    """

    frame: int
    candidates: tuple[Candidate, ...] = ()
    distances: tuple[float, ...] = ()
    windows: int = 0
    best: tuple[float, ModelInput] | None = None
    middle: float = 0.0
    lung_pixels: int = 0


Searching = Callable[[Sequence[SliceSearch]], None]
"""Told the slices that were searched so far, in the order in which that was done."""


def found_label(model: LoadedModel) -> int:
    """Which of the model's labels the token head looks for: the one that it shares with the labels."""
    heads = model.config.token_heads or {}
    shared = [label for labels in heads.values() for label in labels if label in model.labels]
    return model.labels.index(shared[-1]) if shared else len(model.labels) - 1


def search_slice(engine: Engine, plane: Plane) -> SliceSearch:
    """All places of one slice, however low their score. A slice in which nothing is searched gives none.

    Raises OutOfRange where the model does not fit, DeviceError where memory gives out.
    """
    preprocess = engine.model.preprocess
    places = corners(plane, preprocess.size, STRIDE_TOKENS * engine.model.patch[0]) if not plane.suitable.refusal else []
    if not places:
        return SliceSearch(plane.frame)
    values = np.stack([window_at(plane, left, top, preprocess).values for left, top in places])
    forward = engine.forward(values)
    evidence = _averaged(plane, places, _tokens(engine.model, forward), engine.model.patch)
    apart = APART_MM / (preprocess.pixel_spacing_mm or 1.0)
    looked_at = _peaks(evidence, apart, engine.model.patch[0])
    found = _scored(engine, plane, looked_at, apart)
    known = engine.model.ood_detector
    distances = () if known is None else tuple(ood_score(features(values, forward.embeddings), known).tolist())
    best = (found[0].probability, found[0].window) if found else _likeliest(engine.model, forward, plane, places)
    return SliceSearch(plane.frame, found, distances, len(places), best, plane.middle, int(plane.searched.sum()))


def search(engine: Engine, plane: Callable[[int], Plane], frames: Sequence[int], watch: Searching | None = None) -> list[SliceSearch]:
    """Slice by slice: every eighth first, so that what is large is seen early, and several at a time, so that one is prepared while the
    network reads another. What is found is that of one slice after another, in the order of the frames.

    plane: the slice of a frame. watch: told what has been found so far, after each slice; what it raises ends the work.
    """
    coarse = frames[::FIRST_LOOK]
    found: dict[int, SliceSearch] = {}
    threads = ThreadPoolExecutor(SEARCHERS, "search", initializer=_give_way)
    try:
        for made in [
            threads.submit(lambda frame: search_slice(engine, plane(frame)), frame) for frame in dict.fromkeys((*coarse, *frames))
        ]:
            each = made.result()
            found[each.frame] = each
            if watch is not None:
                watch(list(found.values()))
    finally:
        threads.shutdown(cancel_futures=True)
    return [found[frame] for frame in frames]


def _give_way() -> None:
    """Whoever scrolls goes first: this thread gets what others leave of the processor, where threads have a priority of their own."""
    if sys.platform == "linux":
        this = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, this, max(NICENESS, os.getpriority(os.PRIO_PROCESS, this)))


def candidates_of(
    slices: Sequence[SliceSearch], spacing_mm: tuple[float, float, float], *, is_volume: bool = True
) -> tuple[Candidate, ...]:
    """The candidates of an image, best first, one a lesion, with its marks in every slice that shows it.

    In a volume a lesion is scored by what it holds over HELD_MM, and placed where it is likeliest.

    spacing_mm: of the source, (slice, row, column). is_volume: else every slice stands for itself.
    """
    ranked = sorted((one for each in slices for one in each.candidates if one.score >= CONTINUED_SCORE), key=lambda one: -one.score)
    searched = [each.frame for each in slices if each.windows or each.candidates]
    reach = max(1, round(HELD_MM / spacing_mm[0])) if is_volume else 1
    lowest = HELD_SCORE if reach > 1 else LOWEST_SCORE
    kept: list[Candidate] = []
    while ranked and ranked[0].score >= LOWEST_SCORE:
        lesion = _followed(ranked[0], ranked, spacing_mm) if is_volume else [ranked[0]]
        marks = tuple(mark for one in sorted(lesion, key=lambda one: one.frame) for mark in one.marks if one.score >= LOWEST_SCORE)
        score = _held(lesion, searched, reach)
        is_told = score >= lowest
        kept += [replace(ranked[0], marks=marks, score=score)] if is_told else []
        ranked = [one for one in ranked[1:] if one not in lesion and not (is_told and _is_beside(one, lesion, spacing_mm, is_volume))]
    return tuple(sorted(kept, key=lambda one: -one.score))


def _held(lesion: Sequence[Candidate], searched: Sequence[int], reach: int) -> float:
    """The highest mean score over `reach` frames of the slices that were searched; one that does not show the lesion counts as 0."""
    scores = {one.frame: one.score for one in lesion}
    last = max(min(searched), max(searched) - reach + 1)  # a course does not reach beyond the series
    starts = {min(frame, last) for frame in scores}
    courses = [[scores.get(frame, 0.0) for frame in searched if first <= frame < first + reach] for first in starts]
    return max(sum(course) / len(course) for course in courses)


def _followed(best: Candidate, others: Sequence[Candidate], spacing_mm: tuple[float, float, float]) -> list[Candidate]:
    """A place, and the places that go on from it slice by slice, up and down, at most one a slice."""
    found = [best]
    for direction in (1, -1):
        last = best
        while True:
            after = [one for one in others if _goes_on(last, one, direction, spacing_mm)]
            if not after:
                break
            last = min(after, key=lambda one: (abs(one.frame - last.frame), _across(one, last, spacing_mm)))
            found.append(last)
    return found


def _goes_on(last: Candidate, one: Candidate, direction: int, spacing_mm: tuple[float, float, float]) -> bool:
    steps = (one.frame - last.frame) * direction
    reach = max(GAP_MM, spacing_mm[0] if spacing_mm[0] <= APART_MM else 0.0)
    return steps > 0 and steps * spacing_mm[0] <= reach and _across(one, last, spacing_mm) <= FOLLOWED_MM


def _is_beside(one: Candidate, lesion: Sequence[Candidate], spacing_mm: tuple[float, float, float], is_volume: bool) -> bool:
    near = (other for other in lesion if is_volume or other.frame == one.frame)
    return any(_distance(one, other, spacing_mm) <= APART_MM for other in near)


def _likeliest(model: LoadedModel, forward: Forward, plane: Plane, places: Sequence[tuple[int, int]]) -> tuple[float, ModelInput]:
    """The probability of a find in the window that has most of it, and that window."""
    probs = probabilities(forward.logits, model.calibration)[:, found_label(model)]
    highest = int(np.argmax(probs))
    return float(probs[highest]), window_at(plane, *places[highest], model.preprocess)


def _tokens(model: LoadedModel, forward: Forward) -> FloatImage:
    """float32 [windows, rows, columns] in [0, 1]: how sure each token is that it holds a find."""
    for name, labels in (model.config.token_heads or {}).items():
        shared = [index for index, label in enumerate(labels) if label in model.labels]
        if shared:
            return probabilities(forward.heads[name], None)[..., shared[-1]]
    assert forward.token_logits is not None  # the registry lets no other model of CT in
    return probabilities(forward.token_logits, model.calibration)[..., found_label(model)]


def _averaged(plane: Plane, places: Sequence[tuple[int, int]], tokens: FloatImage, patch: tuple[int, int]) -> FloatImage:
    """float32 [rows, columns] of the plane: mean of the windows that see a pixel; 0 outside of what is searched."""
    sums, counts = np.zeros(plane.values.shape, dtype=np.float32), np.zeros(plane.values.shape, dtype=np.float32)
    for (left, top), grid in zip(places, tokens, strict=True):
        pixels = grid.repeat(patch[0], axis=0).repeat(patch[1], axis=1)
        window = np.s_[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        sums[window] += pixels
        counts[window] += 1.0
    return np.where(plane.searched, sums / np.maximum(counts, 1.0), 0.0).astype(np.float32)


def _peaks(evidence: FloatImage, apart: float, patch: int) -> list[tuple[int, int]]:
    """(row, column) of the strongest places, each further than `apart` pixels from the stronger ones."""
    smooth = scipy.ndimage.uniform_filter(evidence, size=patch, mode="constant")
    rows, columns = np.ogrid[: smooth.shape[0], : smooth.shape[1]]
    found: list[tuple[int, int]] = []
    while len(found) < MOST_PLACES:
        row, column = (int(each) for each in np.unravel_index(int(np.argmax(smooth)), smooth.shape))
        if smooth[row, column] < FAINTEST:
            break
        found.append((row, column))
        smooth = np.where((rows - row) ** 2 + (columns - column) ** 2 <= apart**2, 0.0, smooth)
    return found


def _scored(engine: Engine, plane: Plane, places: Sequence[tuple[int, int]], apart: float) -> tuple[Candidate, ...]:
    """A window about each place; the place is then the middle of what its tokens mark nearby."""
    if not places:
        return ()
    model = engine.model
    windows = [window_about(plane, (column + 0.5) * plane.across, (row + 0.5) * plane.down, model.preprocess) for row, column in places]
    forward = answered(engine, np.stack([window.values for window in windows]))
    probs = probabilities(forward.logits, model.calibration)[:, found_label(model)]
    tokens, rated = _tokens(model, forward), _ratings(model, forward)
    found = []
    for number, (place, window, grid, probability) in enumerate(zip(places, windows, tokens, probs.tolist(), strict=True)):
        row, column, share = _middle(plane, window, grid, place, model.patch, apart)
        ratings = {name: float(scores[number]) for name, scores in rated.items()}
        mark = _mark(plane, row, column, model.preprocess.pixel_spacing_mm or 1.0, is_measured=probability * share >= LOWEST_SCORE)
        one = Candidate(mark.column, mark.row, plane.frame, probability * share, probability, window, (mark,), ratings)
        found.append(one)
    return tuple(sorted(found, key=lambda one: -one.score))


def _ratings(model: LoadedModel, forward: Forward) -> dict[str, FloatImage]:
    """Of each further head that speaks for a window the score of its last label, [N]."""
    return {name: probabilities(forward.heads[name], None)[:, -1] for name in model.config.heads or {}}


def _mark(plane: Plane, row: float, column: float, pixel_mm: float, *, is_measured: bool) -> Mark:
    """The place in pixels of the source, with the outline of what is solid there. row, column: of the plane, edges at whole numbers."""
    outline = None
    if is_measured and plane.has_units:
        outline = outline_about(plane.values, row - 0.5, column - 0.5, pixel_mm)
    place = (column * plane.across - 0.5, row * plane.down - 0.5, plane.frame)
    if outline is None:
        return Mark(*place)
    size_mm, (left, top, width, height) = outline
    return Mark(*place, size_mm, (left * plane.across, top * plane.down, width * plane.across, height * plane.down))


def _middle(
    plane: Plane, window: ModelInput, grid: FloatImage, place: tuple[int, int], patch: tuple[int, int], apart: float
) -> tuple[float, float, float]:
    """(row, column) in the plane: the mean place of the tokens about `place`, weighted by how sure each is; `place` where none is.

    With it the strongest token there, as a share of the strongest of the window.
    """
    left, top = window.box[0] / plane.across, window.box[1] / plane.down
    rows = top + (np.arange(grid.shape[0]) + 0.5)[:, np.newaxis] * patch[0]
    columns = left + (np.arange(grid.shape[1]) + 0.5)[np.newaxis, :] * patch[1]
    near = (rows - place[0]) ** 2 + (columns - place[1]) ** 2 <= apart**2
    weights = np.where(near, grid, 0.0).astype(np.float64)
    total, share = float(weights.sum()), float(weights.max() / max(float(grid.max()), FAINTEST))
    if total < FAINTEST:
        return place[0] + 0.5, place[1] + 0.5, share
    return float((weights * rows).sum() / total), float((weights * columns).sum() / total), share


def _across(one: Candidate, other: Candidate, spacing_mm: tuple[float, float, float]) -> float:
    """How far apart two places are when their slices are laid on each other, in mm."""
    return float(np.hypot((one.row - other.row) * spacing_mm[1], (one.column - other.column) * spacing_mm[2]))


def _distance(one: Candidate, other: Candidate, spacing_mm: tuple[float, float, float]) -> float:
    steps = (one.frame - other.frame, one.row - other.row, one.column - other.column)
    return float(np.linalg.norm([step * side for step, side in zip(steps, spacing_mm, strict=True)]))
