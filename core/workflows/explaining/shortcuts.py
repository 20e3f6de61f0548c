"""The shortcut alarm: over a folder of cases, whether the evidence for an answer lies at one place of the image, whatever the image shows.

Marks, letters and borders lie where they lie in every image; what an image shows moves. The strongest tokens of each map are therefore
pooled in image coordinates, by answer. Where a place is among them far more often than chance explains, it is masked in every such case,
and the fall of the probability is set beside that of masks as large elsewhere. Lapuschkin et al. 2019, "Unmasking Clever Hans predictors
and assessing what machines really learn", pool heatmaps likewise. An alarm is a question and no proof: organs have their place, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label as connected
from scipy.stats import binom

from core.errors import InputError, SightlineError
from core.explain.evidence import no_progress
from core.explain.measure.opponents import on_token_grid
from core.explain.measure.verdict import is_rare, rank
from core.explain.probes.masking import Fill, masked_probabilities, strongest_tokens
from core.explain.regions import region_of
from core.explain.registry import COMMON, method_of
from core.explain.targets import target_of
from core.inference.engine import Engine, engine_for
from core.inference.prediction import predict_input
from core.readers import read_image
from core.report.notices import say
from core.sources import Source, walk
from core.types import Domain, Mask, ModelInput, Progress
from core.workflows.image import explained_input

POOLED_SHARE = 0.05
"""Share of the tokens of a map that are pooled, its strongest."""
FEWEST_CASES = 5
"""Cases of an answer from which places are pooled."""
OFTEN = 0.5
"""Share of the cases from which a place is told of."""
SIGNIFICANCE = 0.01
"""That a place is so often among the strongest by chance, over all tokens and answers together (Bonferroni)."""
PLACES_ELSEWHERE = 19
"""Masks as large elsewhere; none of so many being as good is p = 0.05."""
MOST_MASKED = 20
"""Cases in which a place is masked."""
LARGE_FALL = 0.1
"""Fall of the mean probability from which a place raises the alarm."""

Failed = Callable[[str, SightlineError], None]


@dataclass(frozen=True)
class PlaceOfEvidence:
    """A place that is among the strongest tokens of many cases with one answer.

    share: of these cases. place: in words. box: (left, top, width, height) over the sides of what the network reads. tokens: how many.
    before, masked: mean probability of the answer as it is, and with the place masked by the mean. elsewhere: mean fall under masks as
    large elsewhere. p: rank of the fall among those. changed: share of the cases whose answer changes.
    """

    label: str
    cases: int
    share: float
    place: str
    box: tuple[float, float, float, float]
    tokens: int
    before: float
    masked: float
    elsewhere: float
    p: float
    changed: float

    @property
    def is_alarm(self) -> bool:
        """Whether the answer falls by much, and by more than under masks as large elsewhere."""
        return self.before - self.masked >= LARGE_FALL and is_rare(self.p)


@dataclass(frozen=True)
class Shortcuts:
    """What was found over a folder. cases: by answer. places: those with the largest fall first."""

    model: str
    weights: str
    method: str
    n: int
    n_failed: int
    cases: dict[str, int]
    places: tuple[PlaceOfEvidence, ...]

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        told = asdict(self)
        told["places"] = [{**asdict(each), "alarm": each.is_alarm} for each in self.places]
        return told


@dataclass(frozen=True)
class _Case:
    given: ModelInput
    strongest: Mask


def find_shortcuts(model: str, data: Path, method: str, work: Path, progress: Progress, failed: Failed) -> Shortcuts:
    """Over all images of a folder that the model answers.

    work: where archives are unpacked. progress: told (done, total) in images. failed: hears of each file that could not be used.
    Raises NotFound for an unknown model or method, InputError for a folder without images.
    """
    engine, chosen = engine_for(model), method_of(method)
    items = list(walk([str(data)], work))
    found: list[tuple[str, _Case]] = []
    n_failed = 0
    for done, item in enumerate(items):
        progress(done, len(items))
        try:
            if not isinstance(item, Source):
                raise item.error
            found.append(_case(engine, explained_input(read_image(item.path), engine), chosen.name))
        except SightlineError as error:
            n_failed += 1
            failed(item.label, error)
    progress(len(items), len(items))
    if not found:
        raise InputError(f"{data} holds no image that {engine.model.id} answers.", "Choose a folder of cases that it was made for.")
    return _pooled_by_answer(engine, chosen.name, found, n_failed)


def shortcuts_among(engine: Engine, inputs: Sequence[ModelInput], method: str) -> Shortcuts:
    """The same over inputs that were made already. Raises InputError for one that the model does not answer."""
    return _pooled_by_answer(engine, method, [_case(engine, given, method) for given in inputs], 0)


def _pooled_by_answer(engine: Engine, method: str, found: Sequence[tuple[str, _Case]], n_failed: int) -> Shortcuts:
    by_label: dict[str, list[_Case]] = defaultdict(list)
    for label, case in found:
        by_label[label].append(case)
    domain = engine.model.preprocess.domain
    places = [place for label, cases in by_label.items() for place in _places(engine, domain, label, cases, len(by_label))]
    return Shortcuts(
        model=engine.model.id,
        weights=engine.model.weights_hash,
        method=method,
        n=sum(map(len, by_label.values())),
        n_failed=n_failed,
        cases={label: len(cases) for label, cases in sorted(by_label.items())},
        places=tuple(sorted(places, key=lambda each: each.masked - each.before)),
    )


def pooled(strongest: Sequence[Mask], answers: int) -> Mask:
    """bool [rows, columns]: tokens that are among the strongest so often that chance does not explain it, and in OFTEN of the cases.

    strongest: of each case, bool [rows, columns], equally many in each. answers: how many are pooled beside each other.
    """
    counts = np.sum(strongest, axis=0)
    cases, chance = len(strongest), float(np.mean(strongest[0]))
    by_luck = binom.sf(counts - 1, cases, chance) * counts.size * answers
    return np.asarray((by_luck <= SIGNIFICANCE) & (counts >= OFTEN * cases))


def _case(engine: Engine, given: ModelInput, method: str) -> tuple[str, _Case]:
    """The answer to one input, and the strongest tokens of its map. Raises InputError for what the model does not answer."""
    prediction = predict_input(engine, given)
    if prediction.outside.is_outside or prediction.logits is None:
        raise InputError(f"The model does not answer it. {say(prediction.outside.reason)}".strip(), "It is left out.")
    label = engine.model.labels[int(np.argmax(prediction.logits))]
    chosen = method_of(method)
    found = chosen.run(engine, given, target_of(engine, given, label), {**chosen.defaults, **COMMON}, no_progress)
    tokens = found.tokens.values if found.tokens is not None else on_token_grid(found.pixels, engine.model.patch)
    return label, _Case(given, strongest_tokens(tokens, POOLED_SHARE))


def _places(engine: Engine, domain: Domain, label: str, cases: list[_Case], answers: int) -> Iterator[PlaceOfEvidence]:
    if len(cases) < FEWEST_CASES:
        return
    marked = pooled([case.strongest for case in cases], answers)
    parts, count = connected(marked, structure=np.ones((3, 3)))
    for number in range(1, count + 1):
        mask = np.asarray(parts == number)
        yield _measured(engine, domain, label, cases, mask)


def _measured(engine: Engine, domain: Domain, label: str, cases: list[_Case], mask: Mask) -> PlaceOfEvidence:
    taken, index = cases[:MOST_MASKED], engine.model.labels.index(label)
    answers = np.stack([masked_probabilities(engine, case.given, mask, Fill.MEAN) for case in taken])  # [cases, 2, labels]
    before, after = answers[:, 0, index].mean(), answers[:, 1, index].mean()
    falls = np.array([before - _mean_masked(engine, taken, other, index) for other in _elsewhere(mask)])
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    return PlaceOfEvidence(
        label=label,
        cases=len(cases),
        share=float(np.mean([bool((case.strongest & mask).any()) for case in cases])),
        place=say(region_of(mask.astype(np.float32), domain)),
        box=(
            float(columns.min() / width), float(rows.min() / height),
            float((np.ptp(columns) + 1) / width), float((np.ptp(rows) + 1) / height),
        ),
        tokens=int(mask.sum()),
        before=float(before),
        masked=float(after),
        elsewhere=float(falls.mean()) if falls.size else 0.0,
        p=rank(falls >= before - after),
        changed=float(np.mean(answers[:, 1].argmax(axis=1) != index)),
    )  # fmt: skip


def _mean_masked(engine: Engine, cases: list[_Case], mask: Mask, index: int) -> float:
    return float(np.mean([masked_probabilities(engine, case.given, mask, Fill.MEAN)[1, index] for case in cases]))


def _elsewhere(mask: Mask) -> list[Mask]:
    """The same shape at other places that it does not touch, moved round the edges; always the same ones."""
    rows, columns = mask.shape
    random: NDArray[np.int64] = np.random.default_rng(0).permutation(rows * columns)
    moved = [np.roll(mask, (int(at) // columns, int(at) % columns), axis=(0, 1)) for at in random]
    return [each for each in moved if not (each & mask).any()][:PLACES_ELSEWHERE]
