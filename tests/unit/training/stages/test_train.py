"""From a recipe to a model folder: it learns, it goes on after a kill, and its card says what was measured."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.explain.registry import usual_methods
from core.inference.engine import engine_for
from models.bert_image import BertImageForImageClassification
from models.measured import read_measured
from models.registry import load_model
from tests.unit.training.conftest import RECIPE, draw_images, lamps
from training.config.recipe import Recipe, read_recipe
from training.data.folders import read_images, split
from training.data.items import labels_of
from training.evaluate.faithfulness import faithfulness, faithfulness_lines, refusals
from training.loop import trainer
from training.loop.averaging import AVERAGED
from training.loop.checkpoints import fault_of, last_checkpoint
from training.loop.trainer import BalancedSampler, ImageTrainer, fit, label_loss, training_arguments
from training.stages.train import train


class Killed(BaseException):
    """What a kill does, as far as a test can."""


@dataclass(frozen=True)
class Trained:
    """A trained model folder, and what it was trained on."""

    folder: Path
    images: Path
    recipe: Recipe


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    place = tmp_path_factory.mktemp("trained")
    recipe = place / "tiny.toml"
    recipe.write_text(RECIPE.format(split="patient", steps=12))
    images = draw_images(place)
    return Trained(train(recipe, [images], place / "out"), images, read_recipe(recipe))


def fitted(recipe: Recipe, images: Path, work: Path) -> dict[str, torch.Tensor]:
    parts = split(recipe, [images])
    train_images = (read_images(parts.train, recipe.preprocess, recipe.data.read_size), labels_of(parts.train))
    held = (read_images(parts.validation, recipe.preprocess, recipe.preprocess.size), labels_of(parts.validation))
    return {name: value.clone() for name, value in fit(recipe, train_images, held, work).state_dict().items()}


def test_a_training_leaves_a_whole_model_that_tells_dark_from_bright(trained: Trained) -> None:
    model = load_model(str(trained.folder))
    assert model.id == "tiny"
    assert model.labels == ("dark", "bright")
    assert model.calibration is not None
    assert model.ood_detector is not None
    assert next(iter(model.network.parameters())).dtype == torch.float32
    assert model.card.metrics["auroc"][0] > 0.9


def test_the_card_has_every_figure_with_its_interval_and_the_command(trained: Trained) -> None:
    card = load_model(str(trained.folder)).card
    assert card.title == "Dark and bright"
    for name in ("accuracy", "balanced_accuracy", "auroc", "coverage", "light_auroc", "light_accuracy"):
        value, low, high = card.metrics[name]
        assert low <= value <= high
    assert "sightline train" in card.text
    assert "- It knows nothing else." in card.text
    for title, words in (
        ("Reference standard", "The test drew them."),
        ("For comparison with the literature", "Of squares divided at random, 0.9 are right."),
        ("Failures", "Grey ones were looked at."),
    ):
        assert f"### {title}\n\n{words}\n" in card.text


def test_curves_are_written_beside_the_weights_and_told_in_the_card(trained: Trained) -> None:
    (measured,) = read_measured(trained.folder)
    assert measured.count == sum(map(sum, measured.confusion)) == sum(one.count for one in measured.reliability)
    assert [one.share for one in measured.dropped] == [0.0, 0.25, 0.5, 0.75]
    assert [point.aim for point in measured.operating_points] == [None, 0.9, 0.95]
    text = load_model(str(trained.folder)).card.text
    for title in ("Operating points", "When the least sure are left unanswered", "When tokens are left out"):
        assert f"### {title}" in text


def test_images_known_by_a_parent_label_are_learnt_from_and_measured_apart(tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE.format(split="patient", steps=4))
    images = draw_images(tmp_path)
    folder = train(recipe, [images, lamps(tmp_path)], tmp_path / "out")
    main, further = read_measured(folder)
    assert further.origin.endswith("/lamps")
    assert further.confusion == ()
    assert {point.label for point in further.operating_points} == {"light"}
    card = load_model(str(folder)).card
    assert f"### {further.origin}" in card.text
    assert main.count == sum(map(sum, main.confusion))


def test_a_killed_run_goes_on_and_ends_where_an_undisturbed_one_does(
    recipe_file: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = read_recipe(recipe_file)
    undisturbed = fitted(recipe, images, tmp_path / "undisturbed")
    with monkeypatch.context() as patched:
        patched.setattr(trainer.Progress, "on_step_end", killed_at(6))
        with pytest.raises(Killed):
            fitted(recipe, images, tmp_path / "killed")
    checkpoint = last_checkpoint(tmp_path / "killed")
    assert checkpoint is not None
    assert checkpoint.name == "checkpoint-4"
    resumed = fitted(recipe, images, tmp_path / "killed")
    for name, value in undisturbed.items():
        assert torch.allclose(resumed[name].float(), value.float(), atol=1e-5), name


@pytest.fixture
def checkpoints(trained: Trained, tmp_path: Path) -> Path:
    """A folder of two whole checkpoints, of steps 8 and 12."""
    return shutil.copytree(trained.folder.parent / "checkpoints" / "tiny", tmp_path / "work")


def killed_at(step: int) -> object:
    def on_step_end(self: object, args: object, state: object, control: object, **kwargs: object) -> None:
        if state.global_step == step:  # type: ignore[attr-defined]
            raise Killed

    return on_step_end


@pytest.mark.parametrize("name", [AVERAGED, "model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"])
def test_a_checkpoint_that_is_cut_off_names_itself_and_the_one_before_is_taken(
    checkpoints: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, newest = checkpoints / "checkpoint-8", checkpoints / "checkpoint-12"
    assert last_checkpoint(checkpoints) == newest
    content = (newest / name).read_bytes()
    for left in (len(content) - 2, len(content) // 2, 0):
        (newest / name).write_bytes(content[:left])
        capsys.readouterr()
        assert last_checkpoint(checkpoints) == whole
        assert capsys.readouterr().out == f"{newest} is passed over: {name} is cut off or damaged.\n"
    (newest / AVERAGED).unlink()
    assert fault_of(newest) == f"it has no {AVERAGED}"


def test_a_run_goes_on_from_the_checkpoint_before_the_one_that_is_cut_off(checkpoints: Path, trained: Trained, tmp_path: Path) -> None:
    undisturbed = fitted(trained.recipe, trained.images, tmp_path / "undisturbed")
    weights = checkpoints / "checkpoint-12" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    for name, value in fitted(trained.recipe, trained.images, checkpoints).items():
        assert torch.allclose(undisturbed[name].float(), value.float(), atol=1e-5), name


def test_each_label_has_its_share_and_each_image_comes_once_before_any_comes_twice() -> None:
    labels = np.array([0] * 30 + [1] * 5)
    drawn = np.array(list(BalancedSampler(labels, [1.0, 1.0], 600, seed=1)))
    assert abs((labels[drawn] == 1).mean() - 0.5) < 0.07
    rare = drawn[labels[drawn] == 1]
    assert all(len(set(rare[start : start + 5].tolist())) == 5 for start in range(0, len(rare) - 5, 5))


def test_labels_are_drawn_equally_often_unless_the_recipe_says_otherwise(recipe_file: Path, tmp_path: Path) -> None:
    recipe = read_recipe(recipe_file)
    labels = np.array([0] * 90 + [1] * 10)
    for balanced, share in ((True, 0.5), (False, 0.1)):
        drawn = ImageTrainer(
            replace(recipe, data=replace(recipe.data, balanced=balanced), schedule=replace(recipe.schedule, steps=250)),
            torch.zeros(100, 1, 20, 20, dtype=torch.uint8),
            labels,
            model=BertImageForImageClassification(recipe.config()),
            args=training_arguments(recipe.schedule, tmp_path),
        )._get_train_sampler()
        assert abs((labels[list(drawn)] == 1).mean() - share) < 0.04


def test_a_name_without_images_is_never_drawn() -> None:
    drawn = list(BalancedSampler(np.array([0, 1, 0]), [1.0, 1.0, 5.0], 50, seed=1))
    assert set(drawn) == {0, 1, 2}


def test_the_loss_of_a_label_is_cross_entropy_and_of_a_parent_the_sum_of_its_members(recipe_file: Path) -> None:
    recipe = replace(read_recipe(recipe_file), labels=("a", "b", "c"), parents={"bc": ["b", "c"]})
    logits = torch.tensor([[0.3, 1.2, -0.5]])
    smoothing = recipe.schedule.label_smoothing
    own = torch.nn.functional.cross_entropy(logits, torch.tensor([1]), label_smoothing=smoothing)
    assert torch.isclose(label_loss(logits, torch.tensor([[0.0, 1.0, 0.0, 0.0]]), recipe), own)
    probs = logits.softmax(dim=1)[0]
    parent = -(1 - smoothing) * torch.log(probs[1] + probs[2]) - smoothing * torch.log(probs).mean()
    assert torch.isclose(label_loss(logits, torch.tensor([[0.0, 0.0, 0.0, 1.0]]), recipe), parent)


def test_noise_lies_farther_out_than_what_was_held_back(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "noise").mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).choice([0, 255], (16, 16)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "noise" / f"{number}.png")
    engine = engine_for(str(trained.folder))
    assert engine.model.ood_detector is not None
    refused, found = refusals(engine, engine.model.ood_detector, split(trained.recipe, [trained.images]).validation, [tmp_path / "noise"])
    assert refused < 0.5
    assert found[0].count == 8
    assert found[0].auroc > 0.9


def test_every_method_is_measured_for_the_card_by_the_models_answer(trained: Trained) -> None:
    engine = engine_for(str(trained.folder))
    rows = faithfulness(engine, split(trained.recipe, [trained.images]).validation, images=len(engine.model.labels))
    records = [row.record for row in rows]
    assert {one.method for one in records} == set(usual_methods(engine.model))
    assert {one.label for one in records} <= set(engine.model.labels)
    assert all(one.count == 1 and 0.0 <= one.supported <= 1.0 for one in records)
    assert sum(line.startswith("| ") for line in faithfulness_lines(rows, "measure it")) == len(rows) + 1


def test_a_training_validates_at_each_whole_interval_though_its_sixths_pass_it_by(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule = replace(trained.recipe.schedule, steps=14, validate_every=13)  # it speaks at every second step
    fitted(replace(trained.recipe, schedule=schedule), trained.images, tmp_path)
    told = [line for line in capsys.readouterr().out.splitlines() if ": step " in line]
    assert ["held back" in line for line in told if "step 12 of 14" in line] == [False]
    assert ["held back" in line for line in told if "step 13 of 14" in line] == [True]
