"""Masked image modelling: which tokens are hidden, that it learns without labels, and that a classifier begins with what it learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from transformers import set_seed

from core.errors import BadRecipe, NotFound
from models.bert_image import BertImageForImageClassification, BertImageForMaskedImageModelling
from models.networks import open_network
from models.registry import read_card
from tests.unit.training.conftest import RECIPE, draw_images
from training.config.masked_recipe import MaskedRecipe, read_masked_recipe
from training.config.recipe import read_recipe
from training.config.recipe_parts import MaskingPart
from training.data.folders import read_images, split
from training.data.masking import masked_tokens
from training.data.unlabelled import unlabelled_parts
from training.loop.encoder import load_encoder
from training.loop.masked_trainer import held_error
from training.stages.train import train

LABELLED = RECIPE.format(split="patient", steps=12)


def masked_recipe(steps: int) -> str:
    """The tiny recipe without labels; positions and brightness are what there is to learn."""
    text = RECIPE.format(split="patient", steps=steps).replace('id = "tiny"', 'id = "tiny-masked"\ntask = "masked-image"')
    for gone in ('labels = ["dark", "bright"]\n', '[parents]\nlight = ["bright"]\n', "dropped = [0.0, 0.25]\n"):
        assert gone in text
        text = text.replace(gone, "")
    return text.replace("checkpoint_every = 4", "checkpoint_every = 100") + "[masking]\nshare = 0.5\n"


@dataclass(frozen=True)
class Pretrained:
    """A folder of masked image modelling, its recipe, and the images."""

    folder: Path
    recipe: MaskedRecipe
    images: Path


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    place = tmp_path_factory.mktemp("masked")
    path = place / "tiny-masked.toml"
    path.write_text(masked_recipe(steps=60))
    images = draw_images(place)
    return Pretrained(train(path, [images], place / "out"), read_masked_recipe(path), images)


@pytest.mark.parametrize(("share", "block"), [(0.5, 1), (0.25, 2), (0.4, 3)])
def test_the_share_of_hidden_tokens_is_kept_in_squares(share: float, block: int) -> None:
    torch.manual_seed(0)
    grid = (12, 6)
    masked = masked_tokens(50, grid, MaskingPart(share=share, block=block))
    assert masked.shape == (50, *grid)
    assert torch.allclose(masked.float().mean(dim=(1, 2)), torch.tensor(share), atol=0.05)
    squares = masked.unflatten(1, (-1, block)).unflatten(3, (-1, block)).float().mean(dim=(2, 4))
    assert set(squares.unique().tolist()) == {0.0, 1.0}
    assert len({tuple(one.flatten().tolist()) for one in masked}) > 20, "each image has tokens of its own hidden"


def test_squares_are_cut_off_where_the_grid_ends() -> None:
    assert masked_tokens(3, (5, 7), MaskingPart(share=0.5, block=4)).shape == (3, 5, 7)


def test_hidden_pixels_are_told_better_than_before_on_images_never_seen(pretrained: Pretrained) -> None:
    held = read_images(unlabelled_parts([pretrained.images], pretrained.recipe.data).validation, pretrained.recipe.preprocess, (16, 16))
    set_seed(0)
    before = held_error(BertImageForMaskedImageModelling(pretrained.recipe.config()), held, pretrained.recipe)
    after = held_error(open_network(BertImageForMaskedImageModelling, pretrained.folder), held, pretrained.recipe)
    assert after < 0.8 * before
    card = read_card(pretrained.folder / "README.md")
    assert card.metrics["error"] == pytest.approx(after, abs=1e-4)
    assert "sightline train" in card.text


def test_nothing_that_the_later_training_holds_back_was_seen(pretrained: Pretrained, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(LABELLED)
    later = split(read_recipe(tmp_path / "tiny.toml"), [pretrained.images])
    seen = {item.path for item in unlabelled_parts([pretrained.images], pretrained.recipe.data).train}
    assert seen == {item.path for item in later.train}
    assert not seen & {item.path for item in later.calibration + later.validation}


def test_a_classifier_begins_with_the_encoder_that_was_learned(pretrained: Pretrained, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(LABELLED)
    recipe = read_recipe(tmp_path / "tiny.toml")
    network = BertImageForImageClassification(recipe.config())
    load_encoder(network, pretrained.folder)
    learned = open_network(BertImageForMaskedImageModelling, pretrained.folder)
    for name, value in network.bert.state_dict().items():
        assert torch.equal(value, learned.bert.state_dict()[name]), name
    wider = BertImageForImageClassification(replace(recipe, network=recipe.network | {"hidden_size": 32}).config())
    with pytest.raises(BadRecipe, match="start"):
        load_encoder(wider, pretrained.folder)


def test_both_tasks_at_once_leave_a_classifier_and_their_card_says_so(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE.format(split="patient", steps=8) + "[masking]\nshare = 0.25\nweight = 0.5\n")
    folder = train(path, [draw_images(tmp_path)], tmp_path / "out")
    open_network(BertImageForImageClassification, folder)
    assert "25 % of the tokens were hidden" in read_card(folder / "README.md").text


def test_a_folder_without_images_and_one_that_is_not_there_are_refused(tmp_path: Path, pretrained: Pretrained) -> None:
    with pytest.raises(BadRecipe, match="0 images"):
        unlabelled_parts([tmp_path], pretrained.recipe.data)
    with pytest.raises(NotFound):
        unlabelled_parts([tmp_path / "none"], pretrained.recipe.data)
