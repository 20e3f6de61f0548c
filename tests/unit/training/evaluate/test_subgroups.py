"""Figures by age, sex and view: each image counts in its own rows alone, and small rows stay silent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.types import Calibration
from training.config.recipe import read_recipe
from training.data.patients import read_index, subgroups_of
from training.evaluate.figures import Held, Measured, measure
from training.evaluate.subgroups import FEWEST, subgroup_lines

RECIPE = read_recipe(Path(__file__).resolve().parents[4] / "training" / "recipes" / "land-cover.toml")
CALIBRATION = Calibration(1.0, 0.9)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"age": "36", "sex": "F", "view": "PA"}, (("age", "18 to 39"), ("sex", "F"), ("view", "PA"))),
        ({"age": "17", "sex": "M"}, (("age", "0 to 17"), ("sex", "M"))),
        ({"age": "060"}, (("age", "60 and over"),)),
        ({"age": "", "sex": "", "view": ""}, ()),
        ({"age": "unknown"}, ()),
        ({}, ()),
    ],
)
def test_a_row_puts_its_image_into_the_subgroups_that_it_tells(row: dict[str, str], expected: tuple[tuple[str, str], ...]) -> None:
    assert subgroups_of(row) == expected


def test_an_index_tells_the_subgroups_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("file,patient,age,sex,view\nnormal/a.jpg,1,70,M,AP\n", encoding="utf-8")
    assert read_index(tmp_path).subgroups == {"normal/a.jpg": (("age", "60 and over"), ("sex", "M"), ("view", "AP"))}


def held(right_in_women: bool) -> Held:
    """Two dozen women and as many men of label 0; men are always answered rightly."""
    probs = np.full((48, len(RECIPE.labels)), 0.01, dtype=np.float32)
    answers = np.r_[np.full(24, 0 if right_in_women else 1), np.zeros(24, dtype=int)]
    probs[np.arange(48), answers] = 0.9
    groups = [(("sex", "F"),)] * 24 + [(("sex", "M"),)] * 24
    return Held(np.zeros(48, dtype=np.int64), probs, [str(number) for number in range(48)], groups)


def lines_of(some: Held) -> list[str]:
    figures = measure(some, RECIPE.labels, CALIBRATION, {})
    return subgroup_lines(RECIPE, Measured("here", some, figures), CALIBRATION)


def test_a_model_that_fails_one_sex_is_seen_to() -> None:
    women, men = (next(line for line in lines_of(held(right_in_women=False)) if f"sex {sex} " in line) for sex in "FM")
    assert "| 24 | 0.000" in women and "| 24 | 1.000" in men


def test_few_images_give_no_figure() -> None:
    whole = held(right_in_women=True)
    few = Held(whole.labels, whole.probabilities, whole.groups, [(("sex", "F"),)] * (FEWEST - 1) + [()] * (49 - FEWEST))
    assert lines_of(few)[-1].endswith(f"| {FEWEST - 1} | too few |")


def test_without_subgroups_there_is_no_table() -> None:
    whole = held(right_in_women=True)
    assert lines_of(Held(whole.labels, whole.probabilities, whole.groups)) == []
