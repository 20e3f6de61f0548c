"""From a recipe and cities to a change model: it learns, it goes on after a kill, and its threshold comes from cities it never saw."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import BadRecipe, BrokenModel, NotFound
from core.inference.ood import ood_score
from core.settings import PROJECT
from core.types import Domain
from core.workflows.evaluation.change import evaluate_change
from models.bert_image import BertImageConfig, BertImageForImageClassification, BertImageModel
from models.change_registry import load_change_model
from models.image_statistics import image_statistics
from tests.tiny import PREPROCESS, write_tiny_model
from tests.unit.training.cities import write_city
from training.calibrate.change_ood_detector import tile_statistics
from training.config.change_recipe import ChangeAugmentation, ChangeRecipe, is_change_recipe, read_change_recipe
from training.data.change_augment import clouded, cutmix, photometric
from training.data.city_pixels import CropMaker, Crops, divided, read_cities
from training.loop import change_trainer
from training.loop.change_trainer import change_loss, started
from training.loop.checkpoints import last_checkpoint
from training.loop.imagenet import SPREAD
from training.stages.change_train import fitted
from training.stages.train import train

RECIPE = """
id = "tiny-change"
task = "change"
{start}
[network]
patch_size = 4
stem_channels = [8, 16]
stem_blocks = [0, 0]
decoder_channels = [8, 8]
hidden_size = 16
num_hidden_layers = 1
num_attention_heads = 2
intermediate_size = 32
[preprocess]
domain = "change"
size = [32, 32]
channels = ["blue", "green", "red", "near infrared", "short-wave infrared 1", "short-wave infrared 2"]
standardise = "scene"
enlarged = 1.5
ground_sample_distance_m = 10.0
[cities]
validation = ["north"]
[augmentation]
resampled = 0.5
zoom = [0.9, 1.1]
shift = 0.3
exposure = 0.05
haze = 0.2
dropped_bands = 0.2
cutmix = 0.2
[schedule]
steps = {steps}
batch_size = 4
learning_rate = 0.01
warmup_steps = 2
averaging = 0.8
label_smoothing = 0.0
checkpoint_every = 6
validate_every = 50
threads = 1
precision = "float32"
[final_fit]
steps = 4
batch_size = 4
warmup_steps = 1
averaging = 0.8
label_smoothing = 0.0
checkpoint_every = 50
threads = 1
[card]
title = "Blocks that were built"
task = "change"
modality = "drawn"
licence = "CC0"
origin = "Drawn fields, made by the test."
comparison = "Others find 0.9 of such blocks."
limits = "It knows blocks. It knows nothing else."
licence_text = "Drawn by a test: take it."
"""
TRAINED, HELD = ("east", "west"), "north"


@dataclass(frozen=True)
class Trained:
    """A trained model folder, and what it was trained on."""

    folder: Path
    data: Path
    recipe: ChangeRecipe


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cities")
    for seed, name in enumerate((*TRAINED, HELD)):
        write_city(folder / name, seed=seed)
    return folder


def recipe_in(folder: Path, steps: int = 40, start: str = "") -> Path:
    path = folder / "tiny.toml"
    path.write_text(RECIPE.format(steps=steps, start=start))
    return path


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    place = tmp_path_factory.mktemp("trained")
    path = recipe_in(place)
    return Trained(train(path, [data], place / "out"), data, read_change_recipe(path))


def test_a_training_leaves_a_whole_model_that_finds_what_was_built(trained: Trained) -> None:
    model = load_change_model(str(trained.folder))
    assert model.calibration is not None
    assert next(iter(model.network.parameters())).dtype == torch.float32
    assert evaluate_change(str(trained.folder), trained.data).pooled.f1 > 0.8  # type: ignore[operator]


def test_a_training_leaves_a_detector_that_knows_its_cities_and_refuses_noise(trained: Trained) -> None:
    known = load_change_model(str(trained.folder)).ood_detector
    assert known is not None
    for city in read_cities(trained.data, trained.recipe.preprocess):
        assert (ood_score(tile_statistics(city, trained.recipe.preprocess), known) > known.threshold).mean() < 0.3
    noise = np.random.default_rng(0).normal(size=(20, 3, 32, 32)).astype(np.float32) ** 3
    assert (ood_score(image_statistics(noise), known) > known.threshold).all()


def test_the_card_says_which_cities_decided_and_carries_the_licence(trained: Trained) -> None:
    card = load_change_model(str(trained.folder)).card
    value, low, high = card.metrics["f1"]
    assert low <= value <= high
    assert "2 to train (east, west)" in card.text
    assert "1 held back (north)" in card.text
    assert "has therefore seen every city" in card.text.replace("have", "has")
    assert "| blue, green, red |" in card.text
    assert "the second one enlarged 1.5 times and upside down" in card.text
    assert load_change_model(str(trained.folder)).preprocess.enlarged == 1.5
    assert "### For comparison with the literature\n\nOthers find 0.9 of such blocks.\n" in card.text
    assert "- It knows nothing else." in card.text
    assert (trained.folder / "LICENSE").read_text() == "Drawn by a test: take it.\n"


def test_a_killed_run_goes_on_and_ends_where_an_undisturbed_one_does(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(read_change_recipe(recipe_in(tmp_path, steps=9)), final_fit=None)
    cities = read_cities(data, recipe.preprocess)
    undisturbed = fitted(recipe, cities, tmp_path / "undisturbed").final.state_dict()

    class Killed(BaseException):
        """What a kill does, as far as a test can."""

    def killed(self: object, args: object, state: object, control: object, **kwargs: object) -> None:
        if state.global_step == 7:  # type: ignore[attr-defined]
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(change_trainer.ChangeProgress, "on_step_end", killed)
        with pytest.raises(Killed):
            fitted(recipe, cities, tmp_path / "killed")
    found = last_checkpoint(tmp_path / "killed" / "held-back")
    assert found is not None and found.name == "checkpoint-6"
    for name, value in fitted(recipe, cities, tmp_path / "killed").final.state_dict().items():
        assert torch.allclose(value.float(), undisturbed[name].float(), atol=1e-5), name


def test_an_encoder_begins_with_the_weights_of_another_model(tmp_path: Path) -> None:
    recipe = read_change_recipe(recipe_in(tmp_path))
    encoder = {name: value for name, value in recipe.network.items() if name != "decoder_channels"}
    other = BertImageForImageClassification(
        BertImageConfig(**encoder, stem="convolution", pooling="mean", num_channels=3, image_size=16, id2label={0: "a", 1: "b"})
    )
    other.save_pretrained(tmp_path / "other")
    preprocess = {**PREPROCESS[Domain.LAND_COVER], "size": [16, 16]}
    (tmp_path / "other" / "preprocess.json").write_text(json.dumps(preprocess))
    begun = started(replace(recipe, start=str(tmp_path / "other"))).bert
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(layers(begun), layers(other.bert), strict=True))
    mine, theirs = begun.embeddings.stem[0].down.weight, other.bert.embeddings.stem[0].down.weight
    shared = SPREAD / 2  # twice as many channels share the sum, and their values spread wider
    torch.testing.assert_close(mine[:, 2], theirs[:, 0] * shared)  # red
    torch.testing.assert_close(mine[:, 5], theirs.mean(dim=1) * shared)


def layers(network: BertImageModel) -> list[torch.Tensor]:
    return list(network.encoder.parameters())


def test_a_model_of_other_sizes_is_no_beginning_and_random_weights_are_the_same_each_time(tmp_path: Path) -> None:
    recipe = read_change_recipe(recipe_in(tmp_path, start=f'start = "{write_tiny_model(tmp_path / "other")}"'))
    with pytest.raises(BrokenModel, match="other sizes"):
        started(recipe)
    first, second = (started(replace(recipe, start="")).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_crop_is_decided_by_its_number_and_shows_pixels_of_its_city(data: Path, trained: Trained) -> None:
    cities = read_cities(data, trained.recipe.preprocess)[:1]
    maker = CropMaker(cities, (32, 32), ChangeAugmentation(changed_share=1.0), seed=5)
    crops, again = maker.make(range(6)), maker.make(range(6))
    assert torch.equal(crops.before, again.before)
    assert not torch.equal(crops.before[0], crops.before[1])
    assert (crops.changed.sum(dim=(1, 2)) > 0).all()
    known = np.sort(cities[0].before[0].ravel())
    shown = crops.before[:, 0].numpy().ravel()
    after = np.clip(np.searchsorted(known, shown), 1, len(known) - 1)
    assert np.minimum(abs(known[after] - shown), abs(known[after - 1] - shown)).max() < 1e-3  # quarter turns alone blur nothing


def test_both_dates_lose_the_same_bands_and_never_all() -> None:
    ones = Crops(torch.ones(64, 6, 4, 4), torch.ones(64, 6, 4, 4), torch.zeros(64, 4, 4), torch.ones(64, 4, 4))
    dropped = photometric(ones, ChangeAugmentation(dropped_bands=1.0), [2, 1, 0])
    assert torch.equal(dropped.before, dropped.after)
    kept = dropped.before[:, :, 0, 0].sum(dim=1)
    assert kept.min() >= 1
    assert kept.max() < 7 and (kept < 6).any()


def test_clouds_whiten_one_date_and_what_changed_below_them_does_not_count() -> None:
    torch.manual_seed(1)
    dark, changed = torch.full((16, 6, 48, 48), -1.0), torch.ones(16, 48, 48)
    crops = clouded(Crops(dark, dark, changed, torch.ones(16, 48, 48)), 1.0)
    hidden = crops.known == 0.0
    assert 0.03 < float(hidden.float().mean()) < 0.5
    brighter = torch.stack([(date - dark).mean(dim=1) > 0.5 for date in (crops.before, crops.after)])
    assert (brighter.sum(dim=0) == 1)[hidden].all()
    np.testing.assert_array_equal(crops.changed, changed)
    assert clouded(crops, 0.0) is crops


def test_a_rectangle_of_another_crop_brings_its_labels_with_it() -> None:
    torch.manual_seed(0)
    marks = torch.arange(8.0)[:, None, None].expand(8, 16, 16)
    crops = cutmix(Crops(marks[:, None], marks[:, None], marks, torch.ones(8, 16, 16)), 1.0)
    assert torch.equal(crops.before[:, 0], crops.changed)
    assert not torch.equal(crops.changed, marks)


def test_pixels_whose_truth_is_not_known_do_not_count_in_the_loss() -> None:
    logits, changed, known = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4), torch.ones(1, 4, 4)
    known[0, 0] = 0
    plain = change_loss(logits, changed, known, 0.0)
    logits[0, 0] = 50.0
    assert torch.equal(change_loss(logits, changed, known, 0.0), plain)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('validation = ["north"]', "validation = []", "cities.validation"),
        ("decoder_channels = [8, 8]", "decoder_channels = [8]", "decoder_channels"),
        ('domain = "change"', 'domain = "land-cover"', "domain"),
        ("haze = 0.2", "fog = 0.2", "augmentation.fog"),
        ("enlarged = 1.5", "enlarged = 1.01", "preprocess.enlarged"),
        ("batch_size = 4", "batch_size = 1", "batch_size"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused_by_its_key(tmp_path: Path, old: str, new: str, named: str) -> None:
    path = recipe_in(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadRecipe, match=named):
        read_change_recipe(path)


def test_cities_that_are_not_there_are_named(data: Path, trained: Trained) -> None:
    cities = read_cities(data, trained.recipe.preprocess)
    with pytest.raises(BadRecipe, match="atlantis"):
        divided(cities, ["atlantis"])
    with pytest.raises(BadRecipe, match="left to train on"):
        divided(cities, [city.name for city in cities])
    with pytest.raises(NotFound):
        read_cities(data / "nothing", trained.recipe.preprocess)


def test_the_recipe_of_the_zoo_is_one_of_change() -> None:
    path = PROJECT / "training" / "recipes" / "change-sentinel2.toml"
    assert is_change_recipe(path)
    assert {"paris", "bercy"} <= set(read_change_recipe(path).cities.validation)
