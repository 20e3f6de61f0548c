"""After everything was measured a network goes on with every image; what is shipped says so, and keeps what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import BadRecipe
from core.ui.models.cards import measured_words
from models.bert_image import BertImageForImageClassification
from models.registry import load_model, summarise
from tests.unit.training import crops
from tests.unit.training.conftest import RECIPE, draw_images
from training.config.recipe import read_recipe
from training.publish.zoo import loaded_back
from training.stages import final_fit as final_fit
from training.stages.final_fit import TITLE, go_on, margin
from training.stages.train import train

MORE = """
[final_fit]
steps = 6
batch_size = 8
learning_rate = 0.003
warmup_steps = 2
averaging = 0.9
checkpoint_every = 4
threads = 1
"""
COMMAND = "python -m training.stages.final_fit runs/tiny tiny.toml --data images"


@dataclass(frozen=True)
class Shipped:
    """A model folder that went on with every image, and what it was before."""

    folder: Path
    measured: Path
    recipe: Path
    images: Path


def shipped(home: Path, text: str, images: Path) -> Shipped:
    recipe = home / "tiny.toml"
    recipe.write_text(text + MORE)
    folder = train(recipe, [images], home / "runs")
    go_on(folder, recipe, [images], COMMAND)
    return Shipped(folder, home / "runs" / "checkpoints" / folder.name / "measured", recipe, images)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    home = tmp_path_factory.mktemp("all")
    return shipped(home, RECIPE.format(split="patient", steps=12), draw_images(home))


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    home = tmp_path_factory.mktemp("all-windows")
    return shipped(home, crops.RECIPE.format(steps=20), crops.draw_crops(home / "crops"))


def test_the_shipped_weights_differ_and_what_was_measured_stays(tiny: Shipped) -> None:
    after, before = load_model(str(tiny.folder)), load_model(str(tiny.measured))
    assert after.weights_hash != before.weights_hash
    assert after.calibration == before.calibration
    assert after.card.metrics == before.card.metrics
    assert (tiny.folder / "measured.json").read_bytes() == (tiny.measured / "measured.json").read_bytes()


def test_the_card_says_that_every_image_was_seen_with_the_command(tiny: Shipped) -> None:
    text = (tiny.folder / "README.md").read_text()
    assert f"## {TITLE}" in text and "have therefore seen every image" in text and COMMAND in text
    assert "all 64, those that had been held back included" in text
    assert TITLE not in (tiny.measured / "README.md").read_text()


def test_a_list_of_models_says_that_the_figures_are_of_earlier_weights(tiny: Shipped) -> None:
    after, before = (summarise(folder.name, folder) for folder in (tiny.folder, tiny.measured))
    assert after.is_final_fit and not before.is_final_fit
    assert "went on with every image" in measured_words(after)
    assert measured_words(before) == ""


def test_the_detector_allows_for_images_not_seen_what_the_measured_network_needed(tiny: Shipped) -> None:
    after, before = load_model(str(tiny.folder)).ood_detector, load_model(str(tiny.measured)).ood_detector
    assert after is not None and before is not None
    assert not np.allclose(after.mean, before.mean)
    assert np.isfinite(after.threshold)


def test_the_margin_is_how_much_farther_held_back_images_lay(tiny: Shipped) -> None:
    detector = load_model(str(tiny.measured)).ood_detector
    assert detector is not None
    near = np.tile(detector.mean, (50, 1)) + np.float32(0.01)
    assert margin(detector, [near]) == pytest.approx(2.0 * margin(detector, [near + (near - detector.mean)]), rel=1e-3)


def test_going_on_twice_begins_with_the_measured_network_and_changes_nothing(tiny: Shipped) -> None:
    first = load_model(str(tiny.folder)).weights_hash
    go_on(tiny.folder, tiny.recipe, [tiny.images], COMMAND)
    assert load_model(str(tiny.folder)).weights_hash == first


def test_the_rating_of_windows_is_divided_by_what_it_gained_in_sureness(windows: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, measured, final = read_recipe(windows.recipe), loaded_back(windows.measured), loaded_back(windows.folder)
    assert isinstance(final, BertImageForImageClassification)
    before = [weights.detach().clone() for weights in final.heads["malignancy"].parameters()]
    monkeypatch.setattr(final_fit, "rating_temperature", lambda network, *_: 0.75 if network is final else 0.5)
    final_fit._calibrate_rating(final, measured, recipe, [windows.images])
    for weights, earlier in zip(final.heads["malignancy"].parameters(), before, strict=True):
        assert torch.allclose(weights, earlier / 1.5)


def test_windows_go_on_with_the_crops_of_every_patient(windows: Shipped) -> None:
    text = (windows.folder / "README.md").read_text()
    assert TITLE in text and "## Malignancy" in text
    assert load_model(str(windows.folder)).weights_hash != load_model(str(windows.measured)).weights_hash


def test_a_recipe_without_the_table_is_refused(tiny: Shipped, tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE.format(split="patient", steps=12))
    with pytest.raises(BadRecipe, match="all_images is missing"):
        go_on(tiny.folder, recipe, [tiny.images], COMMAND)
