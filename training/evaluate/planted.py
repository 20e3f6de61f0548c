"""How many planted nodules a search of whole series finds, and how many false marks it makes.

    python -m training.evaluate.planted chest-ct training/recipes/chest-ct.toml --data ../shared/data/chest-ct-nodules \\
        --series ../shared/data/dicom/ct-chest-series --rounds 14

sets four nodules of the validation part, and two pieces of healthy tissue, into the series of the folder, searches it as `predict --series`
does, and does so again with others. A mark that lies on no planted nodule is false: one on healthy tissue that was set in, and one on what
the patient had before, of which nobody told the truth. Prints the free-response ROC curve at a few thresholds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.inference.engine import Engine, engine_for
from core.readers import read_series
from core.types import Candidate, Study
from core.workflows.ct_search import search_ct
from core.workflows.evaluation.series import Nodule, hit_by
from training.config.recipe import read_recipe
from training.data.nodules import Crops, read_sides
from training.data.planted import Plant, Planted, middle_crops, plant_of, with_plants

NODULES, SHAMS = 4, 2
"""Set into a series at a time."""
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SIZES_MM = (0.0, 4.0, 6.0)
"""Smallest diameters of which the sensitivity is told apart."""
SEED = 1


@dataclass(frozen=True)
class Round:
    """What was planted, the candidates, best first, and on which of the planted each lies (None on none); slices that were searched."""

    planted: tuple[Planted, ...]
    candidates: tuple[Candidate, ...]
    hits: tuple[int | None, ...]
    slices: int


def rounds(engine: Engine, study: Study, crops: Crops, count: int, random: np.random.Generator) -> Iterator[Round]:
    """The series, `count` times, each time with others set in."""
    middles = middle_crops(crops)
    for _ in range(count):
        plants = [*_plants(crops, middles, NODULES, random, is_sham=False), *_plants(crops, middles, SHAMS, random, is_sham=True)]
        marked, planted = with_plants(study, engine.model.preprocess, plants, random)
        searched = search_ct(marked, engine)
        places = [Nodule("", one.column, one.row, one.frame, one.radius_mm, 0) for one in planted]
        found = searched.prediction.candidates or ()
        yield Round(tuple(planted), found, tuple(hit_by(one, places, marked) for one in found), len(searched.by_slice))


def sensitivity(done: Sequence[Round], threshold: float, smallest_mm: float) -> tuple[int, int]:
    """(found, planted) of the nodules of that diameter or a larger one."""
    found = planted = 0
    for each in done:
        hit = {place for one, place in zip(each.candidates, each.hits, strict=True) if one.score >= threshold}
        meant = [number for number, one in enumerate(each.planted) if not one.is_sham and 2.0 * one.radius_mm >= smallest_mm]
        found, planted = found + len(hit & set(meant)), planted + len(meant)
    return found, planted


def false_marks(done: Sequence[Round], threshold: float) -> tuple[int, int, int]:
    """(marks on nothing that was planted, marks on healthy tissue that was, slices)."""
    elsewhere = sham = 0
    for each in done:
        for one, place in zip(each.candidates, each.hits, strict=True):
            if one.score >= threshold:
                elsewhere += place is None
                sham += place is not None and each.planted[place].is_sham
    return elsewhere, sham, sum(each.slices for each in done)


def table(done: Sequence[Round], spacing_mm: float) -> list[str]:
    """The lines that are printed."""
    names = " | ".join("nodules found" if size == 0.0 else f"of {size:g} mm or more" for size in SIZES_MM)
    lines = [f"| score | {names} | false marks per 100 slices of {spacing_mm:.2g} mm | of healthy tissue that was set in |"]
    lines += ["|---" * (len(SIZES_MM) + 3) + "|"]
    shams = sum(one.is_sham for each in done for one in each.planted)
    for threshold in THRESHOLDS:
        shares = [sensitivity(done, threshold, size) for size in SIZES_MM]
        elsewhere, sham, slices = false_marks(done, threshold)
        cells = [f"{found / max(planted, 1):.2f} of {planted}" for found, planted in shares]
        lines.append(f"| {threshold:g} | {' | '.join(cells)} | {100.0 * (elsewhere + sham) / max(slices, 1):.1f} | {sham} of {shams} |")
    return lines


def _plants(crops: Crops, middles: Sequence[int], count: int, random: np.random.Generator, *, is_sham: bool) -> list[Plant]:
    made: list[Plant] = []
    for place in random.permutation(middles):
        plant = plant_of(crops.images[place], crops.readers[place], random, is_sham=is_sham) if len(made) < count else None
        made += [plant] if plant is not None else []
    return made


def main() -> None:
    """The command of the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--series", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=14)
    parser.add_argument(
        "--part", choices=("calibration", "validation"), default="validation", help="calibration is what thresholds are for"
    )
    asked = parser.parse_args()
    files = sorted(path for path in asked.series.rglob("*") if path.is_file())
    study = max(read_series(files, asked.series.name), key=lambda one: one.shape[0])
    sides = read_sides([asked.data], read_recipe(asked.recipe))
    crops = sides.calibration if asked.part == "calibration" else sides.validation
    random, done = np.random.default_rng(SEED), list[Round]()
    for each in rounds(engine_for(asked.model), study, crops, asked.rounds, random):
        done.append(each)
        print(f"{len(done)} of {asked.rounds}: {len(each.candidates)} candidates", flush=True)
    print("\n".join(table(done, study.slice_spacing_mm or 0.0)))


if __name__ == "__main__":
    main()
