"""From crops of CT to a model folder that answers windows, rates malignancy and finds places; its card says how well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.inference.engine import engine_for
from models.registry import load_model
from tests.unit.training.crops import RECIPE, SIDE, draw_crops
from training.config.recipe import read_recipe
from training.data.nodules import UNRATED, read_sides
from training.data.windows import WITH, WITHOUT
from training.evaluate.figures import Weights
from training.evaluate.localise import FALSE, HIT, NEITHER, Marks, lines, marked, sensitivity, verdict
from training.loop.checkpoints import last_checkpoint
from training.loop.window_trainer import is_seen, is_still_so, place_loss, rating_loss
from training.stages.train import train


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """(model folder, recipe, crops)."""
    home = tmp_path_factory.mktemp("ct")
    recipe = home / "tiny-ct.toml"
    recipe.write_text(RECIPE.format(steps=30))
    crops = draw_crops(home / "crops")
    return train(recipe, [crops], home / "runs"), recipe, crops


def test_a_training_on_crops_leaves_a_whole_model_with_its_heads(trained: tuple[Path, Path, Path]) -> None:
    folder, _, _ = trained
    model = load_model(str(folder))
    assert model.labels == ("no-nodule", "nodule")
    assert model.network.config.heads == {"malignancy": ["benign", "malignant"]}
    assert model.calibration is not None and model.ood_detector is not None
    assert last_checkpoint(folder.parent / "checkpoints" / "tiny-ct") is not None


def test_its_card_says_the_rating_beside_the_area(trained: tuple[Path, Path, Path]) -> None:
    text = (trained[0] / "README.md").read_text()
    assert "## Malignancy" in text and "no pathology" in text
    assert "AUROC of the area that any reader drew, on the same windows | 1.000" in text
    assert text.index("## Malignancy") < text.index("## Limits")


def test_places_are_measured_on_crops_that_were_held_back(trained: tuple[Path, Path, Path]) -> None:
    folder, recipe, data = trained
    crops = read_sides([data], read_recipe(recipe)).validation
    marks = marked(engine_for(str(folder)), crops)
    assert len(marks.holds) == len(crops) and set(marks.verdicts) <= {HIT, FALSE, NEITHER}
    ones = np.ones((1, len(crops)))
    rates = [float(sensitivity(marks, ones, number)[0]) for number in (1.0, 2.0, 4.0)]
    assert rates == sorted(rates)
    assert "| false marks a crop |" in "\n".join(lines([], crops, marks, "command"))


def test_a_mark_is_judged_by_what_readers_drew_there() -> None:
    readers = np.zeros((SIDE, SIDE), dtype=np.uint8)
    readers[30:36, 30:36] = 3
    readers[60:64, 60:64] = 1
    assert verdict(readers, 33, 33) == HIT
    assert verdict(readers, 33, 39) == HIT  # four pixels beside it
    assert verdict(readers, 33, 41) == FALSE
    assert verdict(readers, 61, 61) == NEITHER
    assert verdict(np.zeros_like(readers), 33, 33) == FALSE


def test_sensitivity_counts_nodules_above_the_score_that_the_false_marks_allow() -> None:
    # Four crops, three with a nodule; false marks of 0.8 and 0.6, hits of 0.9, 0.7 and 0.5.
    marks = Marks(
        np.array([0, 1, 2, 3, 3]),
        np.array([0.9, 0.7, 0.5, 0.8, 0.6]),
        np.array([HIT, HIT, HIT, FALSE, FALSE]),
        np.array([True, True, True, False]),
    )
    ones: Weights = np.ones((1, 4))
    assert sensitivity(marks, ones, 0.0)[0] == pytest.approx(1 / 3)
    assert sensitivity(marks, ones, 0.25)[0] == pytest.approx(2 / 3)
    assert sensitivity(marks, ones, 1.0)[0] == 1.0


def test_a_window_says_nothing_where_its_nodule_was_dropped_or_one_came_in() -> None:
    shares = torch.tensor([[0.0, 0.8, 0.1], [0.0, 0.8, 0.1], [0.0, 0.0, 0.0]])
    kept = torch.tensor([[1, 2], [0, 2], [0, 2]])
    assert is_seen(shares, kept).tolist() == [True, False, True]  # type: ignore[arg-type]
    assert is_seen(shares, None).all()
    readers = torch.zeros(3, 1, 4, 4)
    readers[1:, 0, 0, 0] = 0.5
    assert is_still_so(torch.tensor([WITHOUT, WITHOUT, WITH]), readers).tolist() == [True, False, True]


def test_the_losses_are_least_where_the_answers_are_right() -> None:
    shares = torch.tensor([[0.0, 1.0]])
    right = torch.tensor([[[5.0, -5.0], [-5.0, 5.0]]])
    assert place_loss(right, shares) < 0.01 < place_loss(-right, shares)
    ratings, seen = torch.tensor([1, UNRATED]), torch.tensor([True, True])
    logits = torch.tensor([[-5.0, 5.0], [5.0, -5.0]])
    assert rating_loss(logits, ratings, seen) < 0.01 < rating_loss(-logits, ratings, seen)
    assert rating_loss(logits, ratings, ~seen) == 0.0
