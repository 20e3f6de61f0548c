"""All methods of explanation by all measures on a folder of images: by the answer that was explained, never pooled over answers.

One line of the record is one image with all its methods, so that a benchmark that was stopped goes on with the next image. Of an image that
the time ran out on, the methods that were finished count; they are made again when it goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import BadRecipe, NotFound, OutOfRange, SightlineError
from core.explain.baselines import baseline_of
from core.explain.catalogue import check_explained_by
from core.explain.measure.dropping import dropping_gain, reads_what_is_left
from core.explain.measure.filling import filling_gain
from core.explain.measure.localisation import best_centred, localised, resized_to
from core.explain.measure.opponents import on_token_grid
from core.explain.measure.saco import saco
from core.explain.measure.sanity import rank_correlation
from core.explain.measure.sensitivity import removed_sets
from core.explain.registry import COMMON, explain, method_of, methods_for
from core.inference.engine import Engine, engine_for
from core.inference.prediction import predict_input
from core.readers import read_image
from core.settings import settings
from core.sources import Source, Unusable, walk
from core.types import Explanation, FloatImage, Mask, ModelInput, Target
from core.workflows.evaluation.drawn import Drawings, drawings_in, is_drawing
from core.workflows.faults import our_fault
from core.workflows.image import explained_input

PRIOR = "centred-prior"
"""The row that localisation stands beside."""
LIMIT = 24
"""Images that are explained where nobody says how many."""
DRAWS, INTERVAL = 1000, (2.5, 97.5)
"""Bootstrap over images, and the percentiles of its means."""
_SEED = 5
RECORD = "images.jsonl"
MEASURES = (
    "gain", "supported", "p", "deletion", "insertion", "saco", "sensitivity", "filling", "dropping", "agreement",
    "energy", "pointing", "overlap", "completeness_error", "conservation_error", "seconds",
)  # fmt: skip
"""In the order of the table. filling, dropping: gains with removed tokens filled from their neighbours, and left out. agreement: the mean
rank correlation with the other methods, in [-1, 1]. seconds: of the map alone."""

_Told = Callable[[int, int], None]
Figures = dict[str, float | None]


@dataclass(frozen=True)
class MeasuredCell:
    """One measure of one method on images of one answer. low, high: 95 % interval of the mean, by bootstrap over images; None of one
    image."""

    label: str
    method: str
    measure: str
    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ExplanationBenchmark:
    """n: images that were explained. n_drawn: of them, those in which something was drawn. n_failed, n_outside: files that could not be
    read, and images outside what the model knows. is_whole: whether the time sufficed. cells: in order of answer, method and measure."""

    model: str
    weights: str
    methods: tuple[str, ...]
    n: int
    n_drawn: int
    n_failed: int
    n_outside: int
    is_whole: bool
    seconds: float
    cells: tuple[MeasuredCell, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it by name."""
        return asdict(self)

    def value(self, label: str, method: str, measure: str) -> MeasuredCell | None:
        """The cell of that place; None where nothing was measured."""
        return next((each for each in self.cells if (each.label, each.method, each.measure) == (label, method, measure)), None)


@dataclass(frozen=True)
class BenchmarkPlan:
    """What is measured. methods: () for all that explain the model. limit: images in all, as many of each answer where there are. seconds:
    after which no further map is begun; None for no end. maps: random ones. record: a file to go on from and to write to."""

    methods: tuple[str, ...] = ()
    limit: int = LIMIT
    seconds: float | None = None
    maps: int | None = None
    record: Path | None = None

    def check(self) -> None:
        """Raises OutOfRange, and NotFound for methods that are not there."""
        if self.limit < 1:
            raise OutOfRange("limit", self.limit, "at least 1")
        if self.seconds is not None and self.seconds <= 0:
            raise OutOfRange("seconds", self.seconds, "above 0")
        for method in self.methods:
            method_of(method)


def benchmark_explanations(
    model: str, data: Path, workspace: Path, plan: BenchmarkPlan, progress: _Told, failed: Callable[[str, SightlineError], None]
) -> ExplanationBenchmark:
    """The table of a model on the images of a folder and its sub-folders, in an order that a fixed seed shuffles, those first in which
    something was drawn.

    What was drawn in them (core/workflows/evaluation/drawn.py) is found there. workspace: where archives are unpacked. progress: told
    (done, total) in images. failed: told of each file that cannot be read. Raises NotFound, OutOfRange, BadRecipe where nothing could be
    explained.
    """
    plan.check()
    began = time.monotonic()
    end = None if plan.seconds is None else began + plan.seconds
    if not data.is_dir():
        raise NotFound(f"{data} is not a folder.", "Give the folder that holds the images.")
    engine = engine_for(model)
    methods = plan.methods or methods_for(engine.model)
    for method in methods:
        check_explained_by(engine.model, method)
    maps = settings().random_maps if plan.maps is None else plan.maps
    key = {"weights": engine.model.weights_hash, "methods": list(methods), "maps": maps}
    known = _recorded(plan.record, key)
    drawings, rows, counts, taken = drawings_in(data), list[dict[str, Any]](), {"failed": 0, "outside": 0}, dict[str, int]()
    most, is_whole = max(1, -(-plan.limit // len(engine.model.labels))), True
    for source in _shuffled(data, workspace, drawings):
        if len(rows) >= plan.limit:
            break
        if end is not None and time.monotonic() >= end:
            is_whole = False
            break
        progress(len(rows), plan.limit)
        try:
            found = _of_file(engine, source, methods, maps, drawings, taken, most, known, end)
        except SightlineError as error:
            counts["failed"] += 1
            failed(source.label, error)
            continue
        if found is None or isinstance(found, str):
            counts["outside"] += found is None
            continue
        taken[found["label"]] = taken.get(found["label"], 0) + 1
        rows.append(found)
        if found["is_whole"] and found["image"] not in known:
            _record(plan.record, {**key, **found})
    if not any(row["figures"] for row in rows):
        raise BadRecipe(f"Nothing in {data} was explained.", "Give images that the model knows, or more --seconds.")
    return ExplanationBenchmark(
        model=engine.model.id,
        weights=engine.model.weights_hash,
        methods=tuple(methods),
        n=len(rows),
        n_drawn=sum(row["is_drawn"] for row in rows),
        n_failed=counts["failed"],
        n_outside=counts["outside"],
        is_whole=is_whole and all(row["is_whole"] for row in rows),
        seconds=time.monotonic() - began,
        cells=tuple(_cells(rows, (*methods, PRIOR))),
    )


def _shuffled(data: Path, workspace: Path, drawings: Drawings) -> list[Source]:
    """Those first in which something was drawn: only they tell where maps lie."""
    found = [each for each in walk([data], workspace) if not isinstance(each, Unusable)]
    images = [each for each in found if not is_drawing(each.path) and each.path.suffix.lower() != ".csv"]
    order = [images[place] for place in np.random.default_rng(_SEED).permutation(len(images))]
    return sorted(order, key=lambda each: not drawings.has(each.path))


def _of_file(
    engine: Engine,
    source: Source,
    methods: Sequence[str],
    maps: int,
    drawings: Drawings,
    taken: Mapping[str, int],
    most: int,
    known: Mapping[str, dict[str, Any]],
    end: float | None,
) -> dict[str, Any] | str | None:
    """The record of one image; None for one outside what the model knows, "" where there are enough of its answer.

    Raises SightlineError for a file that cannot be read.
    """
    try:
        image = read_image(source.path)
        given = explained_input(image, engine)
    except SightlineError:
        raise
    except Exception as error:  # of one file; the others go on
        raise our_fault(error) from None
    prediction = None if given.is_empty else predict_input(engine, given)
    if prediction is None or prediction.outside.is_outside or prediction.logits is None:
        return None
    label = engine.model.labels[int(np.argmax(prediction.logits))]
    if taken.get(label, 0) >= most:
        return ""
    if given.source in known:
        return known[given.source]
    drawn = _drawn(drawings, source.path, image, given)
    figures, is_whole = _measured(engine, given, label, methods, maps, drawn, end)
    return {"image": given.source, "label": label, "is_drawn": drawn is not None, "is_whole": is_whole, "figures": figures}


def _drawn(drawings: Drawings, path: Path, image: Any, given: ModelInput) -> Mask | None:
    """What was drawn in the part of the image that is explained, on the input's grid."""
    left, top, width, height = (round(each) for each in given.box)
    sides = image.pixels.shape[:2] if hasattr(image, "pixels") else (top + height, left + width)
    drawn = drawings.of(path, sides)
    if drawn is None:
        return None
    part = resized_to(drawn[top : top + height, left : left + width], (given.values.shape[1], given.values.shape[2]))
    return part if part.any() else None


def _measured(
    engine: Engine, given: ModelInput, label: str, methods: Sequence[str], maps: int, drawn: Mask | None, end: float | None
) -> tuple[dict[str, Figures], bool]:
    """(figures by method, whether all methods were made)."""
    target, seed, steps = Target.of_label(label), int(COMMON["seed"]), int(COMMON["removal_steps"])
    baseline = baseline_of(str(COMMON["baseline"]), given.values, engine.model.preprocess)
    sets, drops = removed_sets(engine, given, target, baseline, seed), reads_what_is_left(engine.model)
    figures, tokens = dict[str, Figures](), dict[str, FloatImage]()
    for method in methods:
        if end is not None and time.monotonic() >= end and figures:
            break
        made = explain(engine, given, method, target, random_maps=maps)
        pixels = _signed_pixels(made)
        tokens[method] = on_token_grid(pixels, engine.model.patch)
        figures[method] = {
            "gain": made.gain.value,
            "supported": float(made.gain.is_supported),
            "p": made.gain.p,
            "deletion": made.deletion.value,
            "insertion": made.insertion.value,
            "saco": saco(engine, given, target, tokens[method], baseline, seed),
            "sensitivity": sets.correlation(tokens[method]),
            "filling": filling_gain(engine, given, target, tokens[method], steps, seed),
            "dropping": dropping_gain(engine, given, target, tokens[method], steps, seed) if drops else None,
            "completeness_error": made.completeness_error,
            "conservation_error": made.conservation_error,
            "seconds": made.map_seconds,
            **({} if drawn is None else asdict(localised(pixels, made.zero, drawn))),
        }
    for method, mine in tokens.items():
        others = [rank_correlation(mine, other) for name, other in tokens.items() if name != method]
        numbers = [each for each in others if isinstance(each, float)]
        figures[method]["agreement"] = float(np.mean(numbers)) if numbers else None
    if drawn is not None:
        figures[PRIOR] = {**asdict(best_centred(drawn, engine.model.patch))}
    return figures, len(tokens) == len(methods)


def _signed_pixels(made: Explanation) -> FloatImage:
    """float32 [rows, columns]: the map as its method found it, with what speaks against the target where it has that."""
    if made.tokens is not None:
        return made.tokens.at_pixels()
    assert made.attribution is not None
    return np.asarray(made.attribution.sum(axis=0) if made.is_signed else np.abs(made.attribution).sum(axis=0))


def _cells(rows: Sequence[dict[str, Any]], methods: Sequence[str]) -> Iterator[MeasuredCell]:
    for label in sorted({row["label"] for row in rows}):
        of_label = [row["figures"] for row in rows if row["label"] == label]
        for method in methods:
            for measure in MEASURES:
                told = [each[method].get(measure) for each in of_label if method in each]
                values = np.array([each for each in told if each is not None], dtype=np.float64)
                if len(values):
                    yield MeasuredCell(label, method, measure, len(values), float(values.mean()), *_interval(values))


def _interval(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float | None, float | None]:
    if len(values) < 2:
        return None, None
    drawn = np.random.default_rng(_SEED).integers(0, len(values), (DRAWS, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), INTERVAL)
    return float(low), float(high)


def _recorded(record: Path | None, key: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Images that were measured before by the same weights, methods and random maps; a line that was cut off is made again."""
    found: dict[str, dict[str, Any]] = {}
    if record is None or not record.is_file():
        return found
    text = record.read_text(encoding="utf-8")
    if text and not text.endswith("\n"):  # it was killed while it wrote
        with record.open("a", encoding="utf-8") as file:
            file.write("\n")
    for line in text.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and all(told.get(name) == value for name, value in key.items()) and "figures" in told:
            found[str(told["image"])] = told
    return found


def _record(record: Path | None, row: Mapping[str, Any]) -> None:
    if record is None:
        return
    with record.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
