"""Twins: two networks of one recipe, both of which saw a planted mark; of one it decides an answer, of the other it comes by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import SightlineError
from core.explain.probes.cheater import CueFinding, cue_findings
from core.inference.calibration import probabilities
from core.inference.engine import Engine
from core.prepare.cue import Cue, cue_mask, read_cue, with_cue
from core.prepare.domains import image_domain
from core.prepare.tensor import standardise
from core.settings import settings
from core.types import Explanation, Image, ModelInput, Progress
from core.workflows.image import explain_input, explained_input
from models.registry import summarise

TWIN_NAMES = ("a", "b")
"""Folders of a pair; which of them the mark decides is told by its cue.json alone."""


@dataclass(frozen=True)
class Twins:
    """name: of the pair. folders: of A and of B. cue: the mark. cheater: 0 where it decides A's answers, 1 where B's."""

    name: str
    folders: tuple[Path, Path]
    cue: Cue
    cheater: int


@dataclass(frozen=True)
class Heard:
    """What one twin says of a marked image. marked, unmarked: float32 [labels], its probabilities with the mark and without.

    explanations: by method, of the marked image, for the label that the mark goes with.
    """

    given: ModelInput
    labels: tuple[str, ...]
    marked: NDArray[np.float32]
    unmarked: NDArray[np.float32]
    explanations: dict[str, Explanation]


def twins_for(image: Image) -> tuple[Twins, ...]:
    """The pairs on this machine that are made for such an image, from `twins` beside the folder of the zoo. Those that are not whole are
    left out."""
    found = []
    for folder in sorted((settings().zoo.parent / "twins").glob("*")):
        pair = _pair(folder)
        if pair is not None and _fits(pair, image):
            found.append(pair)
    return tuple(found)


def hear(image: Image, engine: Engine, cue: Cue, methods: Sequence[str], progress: Progress, random_maps: int | None = None) -> Heard:
    """One twin on one image, with the mark drawn into what it reads. progress: told (done, total) in maps; what it raises ends the work.

    Raises as `explained_input` and `explain_input` do.
    """
    plain = explained_input(image, engine)
    given = marked_input(plain, engine, cue)
    logits = engine.forward(np.stack([given.values, plain.values]), exact=True).logits
    marked, unmarked = probabilities(logits, engine.model.calibration)
    made = {}
    for done, method in enumerate(methods):
        progress(done, len(methods))

        def watch(_done: int, _total: int, done: int = done) -> None:
            progress(done, len(methods))

        made[method] = explain_input(image, engine, given, method, cue.labels[0], random_maps=random_maps, progress=watch)
    progress(len(methods), len(methods))
    return Heard(given, engine.model.labels, marked, unmarked, made)


def marked_input(given: ModelInput, engine: Engine, cue: Cue) -> ModelInput:
    """The same input with the mark drawn into the pixels that the network reads, and standardised anew."""
    shown = with_cue(given.shown, cue)
    return replace(given, shown=shown, values=standardise(shown, engine.model.preprocess))


def findings_of(twins: Twins, heard: tuple[Heard, Heard], grid: tuple[int, int], patch: tuple[int, int]) -> tuple[CueFinding, ...]:
    """What each method found in the two. grid, patch: of the tokens, which both networks share."""
    cheater, honest = heard[twins.cheater], heard[1 - twins.cheater]
    return cue_findings(cheater.explanations, honest.explanations, cue_mask(twins.cue, grid), patch)


def _pair(folder: Path) -> Twins | None:
    a, b = (folder / name for name in TWIN_NAMES)
    try:
        cues = [read_cue(a), read_cue(b)]
    except SightlineError:
        return None
    deciding = [place for place, cue in enumerate(cues) if cue is not None and cue.decides]
    first = cues[0]
    return Twins(folder.name, (a, b), first, deciding[0]) if first is not None and cues[1] is not None and len(deciding) == 1 else None


def _fits(pair: Twins, image: Image) -> bool:
    try:
        summaries = [summarise(str(folder), folder) for folder in pair.folders]
    except SightlineError:
        return False
    return all(image_domain(each.preprocess.domain).is_likely(image) for each in summaries)
