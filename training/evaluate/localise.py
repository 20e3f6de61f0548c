"""Measures whether a CT model finds the place of a nodule in crops that were held back, and writes it into the card.

    python -m training.evaluate.localise models/zoo/ID training/recipes/ID.toml --data DIR

Each crop of the validation part is searched as a slice would be. A mark is a hit where it lies on a nodule that at least two readers drew,
or within REACH pixels of it; on what a single reader drew it counts neither way; elsewhere it is a false mark. Sensitivity is the share of
nodules, slice by slice, that are hit by marks of a score at which a crop has 1, 2 or 4 false marks on average (FROC; van Ginneken et al.
2010).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.inference.ct_search import search_slice
from core.inference.engine import Engine, engine_for
from core.prepare.ct import plane_of
from core.types import Picture
from models.registry import CARD
from training.config.arguments import model_arguments
from training.config.recipe import read_recipe
from training.data.nodules import READERS_OF_A_NODULE, Crops, read_sides
from training.evaluate.figures import Figure, Weights, estimated
from training.publish.card import add_section

REACH = 4.0
"""Pixels, about 3 mm."""
FALSE_MARKS = (1.0, 2.0, 4.0)
"""False marks a crop at which sensitivity is told."""
HIT, FALSE, NEITHER = 1, 0, -1


@dataclass(frozen=True)
class Marks:
    """What was found in crops.

    crops: int64 [marks], of each mark. scores: float64 [marks]. verdicts: int64 [marks], HIT, FALSE or NEITHER.
    holds: bool [crops], whether the crop shows a nodule that is looked for.
    """

    crops: NDArray[np.int64]
    scores: NDArray[np.float64]
    verdicts: NDArray[np.int64]
    holds: NDArray[np.bool_]


def marked(engine: Engine, crops: Crops) -> Marks:
    """Every mark in every crop."""
    found: list[tuple[int, float, int]] = []
    for number, (pixels, readers) in enumerate(zip(crops.images, crops.readers, strict=True)):
        plane = plane_of(Picture(crops.paths[number].name, "", pixels), engine.model.preprocess)
        for one in search_slice(engine, plane).candidates:
            found.append((number, one.score, verdict(readers, one.row, one.column)))
    numbers = np.array([each[0] for each in found], dtype=np.int64)
    scores = np.array([each[1] for each in found], dtype=np.float64)
    verdicts = np.array([each[2] for each in found], dtype=np.int64)
    return Marks(numbers, scores, verdicts, crops.drawn_by >= READERS_OF_A_NODULE)


def verdict(readers: NDArray[np.uint8], row: float, column: float) -> int:
    """HIT, FALSE or NEITHER. readers: uint8 [rows, columns], how many drew each pixel. row, column: of the mark, from 0."""
    drawn = readers > 0
    pieces, count = ndimage.label(drawn, structure=np.ones((3, 3)))
    rows, columns = np.nonzero(drawn)
    if not count:
        return FALSE
    distances = np.hypot(rows - row, columns - column)
    nearest = int(np.argmin(distances))
    if distances[nearest] > REACH:
        return FALSE
    piece = pieces[rows[nearest], columns[nearest]]
    return HIT if readers[pieces == piece].max() >= READERS_OF_A_NODULE else NEITHER


def sensitivity(marks: Marks, weights: Weights, false_marks: float) -> Weights:
    """[draws]: share of nodules that are hit where a crop has at most that many false marks on average. weights: [draws, crops]."""
    best = np.full(len(marks.holds), -np.inf)
    hits = marks.verdicts == HIT
    np.maximum.at(best, marks.crops[hits], marks.scores[hits])
    is_false = marks.verdicts == FALSE
    scores, of = marks.scores[is_false], marks.crops[is_false]
    order = np.argsort(-scores, kind="stable")
    found = []
    for each in weights:
        crowd = np.cumsum(each[of[order]])
        allowed = int(np.searchsorted(crowd, false_marks * each.sum(), side="right"))
        lowest = scores[order[allowed]] if allowed < len(order) else -np.inf
        seen = marks.holds & (best > lowest)
        found.append((each * seen).sum() / (each * marks.holds).sum())
    return np.array(found)


def lines(figures: Sequence[tuple[float, Figure]], crops: Crops, marks: Marks, command: str) -> list[str]:
    """The section of the card."""
    rows, columns = crops.images.shape[1:]
    return [
        f"The {len(crops):,} validation crops of {columns} x {rows} px were searched as slices are; {int(marks.holds.sum()):,} hold a "
        f"nodule that at least {READERS_OF_A_NODULE} readers drew. A mark within {REACH:g} px of it is a hit; marks on what one reader "
        "drew alone count neither way. 95 % intervals by bootstrap over patients (1,000 draws).",
        "",
        "| false marks a crop | sensitivity | 95 % interval |",
        "|---|---|---|",
        *(f"| {number:g} | {figure.value:.3f} | {figure.low or 0.0:.3f} to {figure.high or 0.0:.3f} |" for number, figure in figures),
        "",
        "The nodule is always in the middle of its crop; the search does not know that.",
        "",
        f"    {command}",
    ]


def main() -> None:
    """The command of the module's docstring."""
    given = model_arguments("python -m training.evaluate.localise", "Measure where a CT model finds nodules.").parse_args()
    recipe = read_recipe(given.recipe)
    crops = read_sides(given.data, recipe).validation
    marks = marked(engine_for(str(given.model)), crops)
    figures = [(number, estimated(partial(sensitivity, marks, false_marks=number), crops.patients)) for number in FALSE_MARKS]
    words = ["python", "-m", "training.evaluate.localise", str(given.model), str(given.recipe), "--data", *map(str, given.data)]
    command = shlex.join(words)
    add_section(given.model / CARD, "Localisation", lines(figures, crops, marks, command))
    print((given.model / CARD).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
