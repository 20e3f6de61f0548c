"""What a teacher adds to the loss: nothing where the student answers alike, and a way to learn where no label tells anything."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.errors import BadRecipe
from core.types import Domain
from models.registry import load_model, read_card
from tests.tiny import write_tiny_model
from tests.unit.training.conftest import RECIPE, draw_images
from training.config.recipe import Recipe, read_recipe
from training.config.recipe_parts import TeacherPart
from training.loop.teacher import Teacher
from training.stages.train import train

TAUGHT = '[teacher]\nmodels = ["{folder}"]\ntemperature = 2.0\nweight = 1.0\naccuracy_without = 0.5\n'


def recipe_like(folder: Path, **changes: object) -> Recipe:
    """A recipe with the labels and channels of a model folder."""
    path = folder / "recipe.toml"
    path.write_text(RECIPE.format(split="patient", steps=2))
    model = load_model(str(folder))
    return replace(read_recipe(path), labels=model.labels, preprocess=model.preprocess, parents={}, **changes)


def relabelled(folder: Path, labels: list[str]) -> Path:
    """The model with other names for what it answers."""
    config = json.loads((folder / "config.json").read_text())
    config |= {"id2label": dict(enumerate(labels)), "label2id": {label: index for index, label in enumerate(labels)}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_student_that_answers_as_its_teacher_has_nothing_to_learn_from_it(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "teacher")
    teacher = Teacher(TeacherPart(models=(str(folder),), temperature=3.0), recipe_like(folder))
    torch.manual_seed(0)
    images = torch.rand(4, 1, 32, 32)
    logits = 3.0 * teacher.probabilities(images).log()
    assert torch.isclose(teacher.divergence(logits, images), torch.tensor(0.0), atol=1e-5)
    assert teacher.divergence(logits.flip(1), images) > 1e-3


def test_the_temperature_softens_and_several_teachers_are_averaged(tmp_path: Path) -> None:
    folders = [write_tiny_model(tmp_path / str(seed), seed=seed) for seed in (1, 2)]
    recipe = recipe_like(folders[0])
    images = torch.rand(4, 1, 32, 32)
    single = [Teacher(TeacherPart(models=(str(folder),), temperature=1.0), recipe).probabilities(images) for folder in folders]
    both = Teacher(TeacherPart(models=tuple(map(str, folders)), temperature=1.0), recipe).probabilities(images)
    assert torch.allclose(both, (single[0] + single[1]) / 2)
    softer = Teacher(TeacherPart(models=(str(folders[0]),), temperature=4.0), recipe).probabilities(images)
    assert (softer.max(dim=1).values < single[0].max(dim=1).values).all()


def test_answers_are_matched_by_label_and_images_brought_to_the_teachers_size(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "teacher")
    recipe = recipe_like(folder)
    turned = replace(recipe, labels=recipe.labels[::-1])
    images = torch.rand(2, 1, 40, 48)
    part = TeacherPart(models=(str(folder),))
    assert torch.allclose(Teacher(part, turned).probabilities(images), Teacher(part, recipe).probabilities(images).flip(1))


@pytest.mark.parametrize("domain", [Domain.RADIOGRAPH, Domain.LAND_COVER], ids=["another label", "another number of channels"])
def test_a_teacher_of_another_question_is_refused(tmp_path: Path, domain: Domain) -> None:
    folder = write_tiny_model(tmp_path / "teacher", domain)
    recipe = recipe_like(folder)
    other = replace(recipe, labels=("unheard-of", "normal")) if domain is Domain.RADIOGRAPH else None
    grey = replace(recipe, preprocess=replace(recipe.preprocess, channels=("luminance",)))
    with pytest.raises(BadRecipe, match=r"teacher\.models"):
        Teacher(TeacherPart(models=(str(folder),)), other or grey)


def test_a_training_with_a_teacher_names_it_and_what_it_gained(tmp_path: Path) -> None:
    teacher = relabelled(write_tiny_model(tmp_path / "teacher"), ["dark", "bright", "neither"])
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE.format(split="patient", steps=8) + TAUGHT.format(folder=teacher))
    card = read_card(train(path, [draw_images(tmp_path)], tmp_path / "out") / "README.md")
    gain = 100 * (card.metrics["accuracy"][0] - 0.5)
    assert f"answers of {teacher} were learned beside the labels (temperature 2, weight 1)" in card.text
    assert f"Without a teacher the accuracy was 0.500 (training/RESULTS.md): {gain:+.1f} points." in card.text
