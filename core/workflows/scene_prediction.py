"""One answer for a scene that is larger than the model's input: the mean over its tiles, which are read part by part."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.errors import MissingBands
from core.inference.calibration import probabilities
from core.inference.engine import Engine
from core.inference.ood import features, ood_score
from core.inference.prediction import UNCALIBRATED, decide, parent_heads, predict_input
from core.prepare.grid.bands import read_window, rendering, resolve_bands
from core.prepare.scene_input import centre_input, filled, ground_refusal, input_at, window_size
from core.prepare.tensor import resize, standardise
from core.types import Band, FloatImage, Notice, Outside, Prediction, Preprocess, Progress, Scene, notice

_MOST_PIXELS = 4_000_000
"""Pixels of a scene that are held at a time (48 MB for three bands of float32)."""


@dataclass(frozen=True)
class _Part:
    """Neighbouring tiles of one row. lefts: their left edges; all begin at `top` and are (width, height) = size. In pixels of the scene."""

    lefts: tuple[int, ...]
    top: int
    size: tuple[int, int]

    @property
    def window(self) -> tuple[int, int, int, int]:
        """(left, top, width, height) of all of them."""
        return self.lefts[0], self.top, self.lefts[-1] + self.size[0] - self.lefts[0], self.size[1]


@dataclass
class _Sums:
    """What has been seen of the scene so far; each tile weighs as much as its share of valid pixels.

    fullest: (share, left, top) of the tile that holds most data.
    """

    probabilities: FloatImage
    logits: FloatImage
    weight: float = 0.0
    tiles: int = 0
    scores: list[float] = field(default_factory=list)
    fullest: tuple[float, int, int] = (0.0, 0, 0)
    seconds: dict[str, float] = field(default_factory=lambda: {"read": 0.0, "prepare": 0.0, "forward": 0.0})


def predict_scene(scene: Scene, engine: Engine, watch: Progress | None = None) -> Prediction:
    """Mean probabilities over the tiles of a scene, each weighted by its share of valid pixels; tiles without data do not count.

    Tiles lie side by side from the upper left; the last of a row or column is moved inside, over its neighbour.
    The outside score is the median of the tiles', so that a scene is outside where most of its tiles are.
    watch: told (done, total) in tiles; what it raises ends the work. Raises UnreadableFile, and what the engine raises.
    """
    preprocess = engine.model.preprocess
    try:
        bands, _ = resolve_bands(scene, preprocess.channels, preprocess.reflectance_top)
    except MissingBands:
        return predict_input(engine, centre_input(scene, preprocess))
    if ground_refusal(scene, preprocess):  # of every window, and there could be one for each pixel: the centre says as much
        return predict_input(engine, centre_input(scene, preprocess))
    nothing = np.zeros(len(engine.model.labels), dtype=np.float32)
    sums, parts = _Sums(nothing, nothing), list(_parts(scene, preprocess))
    done, total = 0, sum(len(part.lefts) for part in parts)
    for part in parts:
        _add(sums, scene, bands, part, engine)
        done += len(part.lefts)
        if watch is not None:
            watch(done, total)
    return _prediction(scene, engine, sums) if sums.tiles else predict_input(engine, centre_input(scene, preprocess))


def _parts(scene: Scene, preprocess: Preprocess) -> Iterator[_Part]:
    width, height = window_size(scene, preprocess)
    at_once = max(1, _MOST_PIXELS // (width * height))
    lefts = _starts(scene.width, width)
    for top in _starts(scene.height, height):
        for first in range(0, len(lefts), at_once):
            yield _Part(lefts[first : first + at_once], top, (width, height))


def _starts(whole: int, tile: int) -> tuple[int, ...]:
    """Where tiles begin along one axis, the last one moved inside."""
    return tuple(min(start, whole - tile) for start in range(0, whole, tile))


def _add(sums: _Sums, scene: Scene, bands: Sequence[Band], part: _Part, engine: Engine) -> None:
    """Read, prepare and answer the tiles of one part."""
    preprocess = engine.model.preprocess
    began = time.perf_counter()
    reflectance, valid = read_window(scene, bands, part.window)
    read = time.perf_counter()
    shown = rendering(reflectance, preprocess)
    held = [(left, cut) for left, cut in _cuts(part) if valid[:, cut].any()]
    values = _tiles(np.stack([filled(shown[..., cut], valid[:, cut]) for _, cut in held]), preprocess) if held else None
    sums.seconds["read"] += read - began
    sums.seconds["prepare"] += time.perf_counter() - read
    if values is None:
        return
    forward = engine.forward(values)
    shares = np.array([valid[:, cut].mean() for _, cut in held], dtype=np.float32)  # [tiles]
    sums.seconds["forward"] += forward.seconds
    sums.probabilities = sums.probabilities + shares @ probabilities(forward.logits, engine.model.calibration)
    sums.logits = sums.logits + shares @ forward.logits
    sums.weight += float(shares.sum())
    sums.tiles += len(held)
    sums.fullest = max(sums.fullest, *((float(share), left, part.top) for share, (left, _) in zip(shares, held, strict=True)))
    if engine.model.ood_detector is not None:
        sums.scores += ood_score(features(values, forward.embeddings), engine.model.ood_detector).tolist()


def _cuts(part: _Part) -> Iterator[tuple[int, slice]]:
    """(left edge in the scene, columns in the part) of each tile."""
    for left in part.lefts:
        yield left, slice(left - part.lefts[0], left - part.lefts[0] + part.size[0])


def _tiles(shown: FloatImage, preprocess: Preprocess) -> FloatImage:
    """[tiles, channels, rows, columns] of the scene -> the same of the model. Resized in one go, which is far faster."""
    count, channels = shown.shape[:2]
    resized = resize(shown.reshape(-1, *shown.shape[2:]), preprocess.size).reshape(count, channels, *preprocess.size)
    return np.stack([standardise(tile, preprocess) for tile in resized])


def _prediction(scene: Scene, engine: Engine, sums: _Sums) -> Prediction:
    model = engine.model
    (width, height), (_, left, top) = window_size(scene, model.preprocess), sums.fullest
    fullest = input_at(scene, model.preprocess, left + width // 2, top + height // 2)  # what is said of one tile holds for all
    probs = np.asarray(sums.probabilities / sums.weight, dtype=np.float32)
    outside = _outside(engine, sums.scores, fullest.refusal)
    likely, answer = decide(probs, model.labels, model.calibration, outside)
    mean = notice("scene.mean-of-tiles", tiles=sums.tiles, width=width, height=height)
    return Prediction(
        model=model.id,
        weights=model.weights_hash,
        labels=model.labels,
        logits=np.asarray(sums.logits / sums.weight, dtype=np.float32),
        probabilities=probs,
        conformal_set=likely,
        prediction=answer,
        outside=outside,
        assumptions=(*fullest.assumptions, mean, *(() if model.calibration is not None else (UNCALIBRATED,)), *engine.notices),
        seconds=sums.seconds,
        runtime=engine.runtime.library,
        precision=engine.runtime.precision,
        device=engine.runtime.name,
        heads=parent_heads(probs, model),
        source=scene.sha256,
        box=(0.0, 0.0, float(scene.width), float(scene.height)),
    )


def _outside(engine: Engine, scores: Sequence[float], refusal: Notice | None) -> Outside:
    known = engine.model.ood_detector
    if known is None:
        return Outside(float("nan"), float("nan"), bool(refusal), refusal)
    score, outside = float(np.median(scores)), sum(one > known.threshold for one in scores)
    reason = refusal
    if not reason and score > known.threshold:
        reason = notice("outside.tiles", outside=outside, tiles=len(scores), score=score, threshold=known.threshold)
    return Outside(score, known.threshold, bool(reason), reason)
