"""A CT slice or series: searched window by window, answered by its best window, with the places that were found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.inference.ct_search import FIRST_LOOK, SliceSearch, candidates_of, found_label, search
from core.inference.engine import Engine
from core.inference.prediction import decide, predict_input
from core.prepare.ct import centre_window, middle_of, plane_of, slab_about, slab_mm, slabs_of
from core.prepare.domains import ReadingMode, image_domain
from core.prepare.inputs import frame_answered
from core.types import Candidate, Image, ModelInput, Notice, Outside, Picture, Prediction, Preprocess, Progress, Study, notice
from core.workflows.ct_places import placed

_Slice = Study | Picture
RANKED_EVERY = 16
"""Slices between one ranking and the next."""
FEWEST_SERIES = 20
"""Whole series without which nothing is said of how many candidates are false: of fewer, one patient decides on the figure."""


@dataclass(frozen=True)
class Searched:
    """What was found in an image.

    prediction: of the best window of all, candidates included; window: that input.
    by_slice: probability of the best window of each slice that was searched, by its number from 0. label: what is found.
    pixel_mm: (width, height) of a pixel of the image; the model's own where the image does not tell.
    """

    prediction: Prediction
    window: ModelInput
    by_slice: dict[int, float]
    label: str
    pixel_mm: tuple[float, float]


@dataclass(frozen=True)
class Ranking:
    """What the search of a series has found so far, best first, in `slices` of `total` slices.

    Better may come, and some may go: what is not yet searched about a place says nothing against it.
    """

    candidates: tuple[Candidate, ...]
    slices: int
    total: int


def is_searched_by(image: Image, preprocess: Preprocess) -> bool:
    """Whether a model of CT reads the image window by window."""
    return image_domain(preprocess.domain).reading(image, preprocess) is ReadingMode.SEARCHED


def search_ct(
    image: _Slice,
    engine: Engine,
    frame: int | None = None,
    watch: Progress | None = None,
    rank: Callable[[Ranking], None] | None = None,
) -> Searched:
    """Search one slice, or all of a series. frame: of a series, from 0. watch: told (done, total) in slices; what it raises ends the work.

    rank: told what has been found of a series once every eighth slice was searched, and now and then after that.
    An image that the model is not made for by its header, and one that shows no lung, is answered by one window and is outside.
    Raises OutOfRange for a frame that is not there, UnreadableFile for pixels that cannot be decoded, DeviceError.
    """
    preprocess, began = engine.model.preprocess, time.perf_counter()
    slabs = {middle_of(slab): slab for slab in slabs_of(image)} if frame is None else {frame: slab_about(image, frame)}
    frames = list(slabs)
    total = sum(len(slab) for slab in slabs.values()) if frame is None else 1
    spacing = _spacing(image, preprocess)

    def searched(slices: Sequence[SliceSearch]) -> None:
        done = min(total, sum(len(slabs[each.frame]) for each in slices))
        if watch is not None:
            watch(done, total)
        if rank is not None and _is_ranked(len(slices), len(frames)):
            rank(Ranking(_told(image, engine, slices, spacing), done, total))

    slices = search(engine, lambda each: plane_of(image, preprocess, each), frames, searched)
    by_slice = {one: each.best[0] for each in slices if each.best is not None for one in (slabs[each.frame] if frame is None else (frame,))}
    if not by_slice:
        return _unsearched(image, engine, frame)
    best = max(slices, key=lambda each: -1.0 if each.best is None else each.best[0])
    assert best.best is not None
    window = best.best[1]
    label = engine.model.labels[found_label(engine.model)]
    loose = isinstance(image, Study) and len(slices) > 1 and not image.is_volume
    outside = _outside(slices, engine)
    how = (
        ()
        if outside.is_outside
        else (*_how(slices, len(by_slice)), *slab_words(image), *((notice("ct.searched-one-by-one"),) if loose else ()))
    )
    assumptions = (*image.assumptions, *how)
    prediction = predict_input(engine, window, assumptions=assumptions, frame=frame_answered(image, window))
    assert prediction.probabilities is not None
    likely, answer = decide(prediction.probabilities, engine.model.labels, engine.model.calibration, outside)
    seconds = {"read": 0.0, "prepare": 0.0, "forward": time.perf_counter() - began}
    told = replace(
        prediction,
        conformal_set=likely,
        prediction=answer,
        outside=outside,
        seconds=seconds,
        searched_for=label if sum(each.windows for each in slices) > 1 else None,
        heads=None,  # they rate what was found, each candidate by itself
        candidates=_found(image, slices, spacing),
        expected_false=expected_false(engine.model.card.metrics, len(by_slice)),
    )
    return Searched(told, window, by_slice, label, (spacing[2], spacing[1]))


def expected_false(metrics: Mapping[str, Any], slices: int) -> float | None:
    """How many candidates of so many slices are false, by the card's figures of whole series; None where too few series measured it.

    metrics: "false_marks_per_100_slices" and "series", a number each or with its interval.
    """
    rate, series = (_figure(metrics.get(name)) for name in ("false_marks_per_100_slices", "series"))
    if rate is None or series is None or series < FEWEST_SERIES:
        return None
    return rate * slices / 100.0


def _figure(value: Any) -> float | None:
    first = value[0] if isinstance(value, (list, tuple)) and value else value
    return float(first) if isinstance(first, (int, float)) and not isinstance(first, bool) else None


def _is_ranked(done: int, total: int) -> bool:
    """Whether so many slices of a series are worth a ranking that is not the last one."""
    first = len(range(0, total, FIRST_LOOK))
    return first > 1 and done < total and (done - first) % RANKED_EVERY == 0 and done >= first


def _told(image: _Slice, engine: Engine, slices: Sequence[SliceSearch], spacing: tuple[float, float, float]) -> tuple[Candidate, ...]:
    """What may be said so far: nothing of an image that most windows say is outside."""
    return () if _outside(slices, engine).is_outside else _found(image, sorted(slices, key=lambda each: each.frame), spacing)


def _found(image: _Slice, slices: Sequence[SliceSearch], spacing: tuple[float, float, float]) -> tuple[Candidate, ...]:
    found = candidates_of(slices, spacing, is_volume=isinstance(image, Study) and image.is_volume)
    return tuple(placed(_in_each_slice(one, image), image, slices) for one in found)


def _in_each_slice(candidate: Candidate, image: _Slice) -> Candidate:
    """The candidate with a mark in each slice of the slabs that show it: place and size are of a slab's mean."""
    marks = {frame: replace(mark, frame=frame) for mark in candidate.marks for frame in slab_about(image, mark.frame)}
    return replace(candidate, marks=tuple(marks[frame] for frame in sorted(marks)))


def _unsearched(image: _Slice, engine: Engine, frame: int | None) -> Searched:
    window = centre_window(image, engine.model.preprocess, frame)
    prediction = predict_input(engine, window, assumptions=image.assumptions, frame=frame_answered(image, window))
    _, rows, columns = _spacing(image, engine.model.preprocess)
    label = engine.model.labels[found_label(engine.model)]
    return Searched(replace(prediction, candidates=()), window, {}, label, (columns, rows))


def _how(slices: Sequence[SliceSearch], searched: int) -> tuple[Notice, ...]:
    """What the highest score is one of. searched: slices that show lung."""
    windows = sum(each.windows for each in slices)
    if windows == 1:
        return ()
    if len(slices) > 1:
        return (notice("ct.best-of-slices", windows=windows, slices=searched),)
    return (notice("ct.best-of-windows", windows=windows),)


def slab_words(image: _Slice) -> tuple[Notice, ...]:
    """How many thin slices are read as one; nothing where each is read by itself."""
    count = len(slabs_of(image)[0])
    if count == 1 or not isinstance(image, Study):
        return ()
    return (notice("ct.thin-slices-averaged", count=count, mm=slab_mm(image, count)),)


def _outside(slices: Sequence[SliceSearch], engine: Engine) -> Outside:
    """By the median window, so that an image is outside where most of it is."""
    known = engine.model.ood_detector
    distances = np.array([distance for each in slices for distance in each.distances])
    if known is None or not len(distances):
        return Outside(float("nan"), float("nan"), False)
    score, outside = float(np.median(distances)), int((distances > known.threshold).sum())
    if score <= known.threshold:
        return Outside(score, known.threshold, False)
    reason = notice("outside.windows", outside=outside, windows=len(distances), score=score, threshold=known.threshold)
    return Outside(score, known.threshold, True, reason)


def _spacing(image: _Slice, preprocess: Preprocess) -> tuple[float, float, float]:
    """(slice, row, column) in mm; where the image does not tell, the model's own, and slices as far apart as pixels are."""
    assumed = preprocess.pixel_spacing_mm or 1.0
    if isinstance(image, Picture):
        return assumed, assumed, assumed
    rows, columns = image.spacing_mm or (assumed, assumed)
    return image.slice_spacing_mm or assumed, rows, columns
