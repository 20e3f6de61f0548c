"""Nothing of one patient, or of one place, is on two sides of a split."""

from __future__ import annotations

import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import BadRecipe
from core.prepare.inputs import to_input
from core.readers import read_picture
from tests.unit.training.conftest import RECIPE, lamps
from training.config.recipe import Recipe, read_recipe
from training.data.folders import read_images, split
from training.data.items import Item, Parts
from training.data.patients import patient_of


def parts_of(recipe: Recipe, images: Path) -> tuple[Parts, list[tuple[Item, ...]]]:
    parts = split(recipe, [images])
    return parts, sides_of(parts)


def by_longitude(recipe_file: Path) -> Recipe:
    recipe_file.write_text(RECIPE.format(split="longitude", steps=12))
    return read_recipe(recipe_file)


def test_a_patient_is_on_one_side(recipe_file: Path, images: Path) -> None:
    _, sides = parts_of(read_recipe(recipe_file), images)
    patients = [{patient_of(item.path.name) for item in side} for side in sides]
    assert all(patients)
    assert all(not (one & other) for one, other in combinations(patients, 2))
    assert sum(len(side) for side in sides) == 64


def test_patients_who_share_a_copy_of_an_image_stay_together(recipe_file: Path, images: Path) -> None:
    for other in range(1, 16):
        shutil.copy(images / "dark" / "person0_0.png", images / "dark" / f"person{other}_0.png")
    with pytest.raises(BadRecipe, match="does not hold every label"):
        split(read_recipe(recipe_file), [images])  # all dark images are one group now, which can be on one side alone


def test_what_is_held_back_lies_east_of_everything_trained_on(recipe_file: Path, images: Path) -> None:
    parts, _ = parts_of(by_longitude(recipe_file), images)
    east = {item.path.name for item in (*parts.calibration, *parts.validation)}
    longitude = {item.path.name: int(item.group.split(",")[1]) for item in (*parts.train, *parts.calibration, *parts.validation)}
    assert min(longitude[name] for name in east) >= max(longitude[item.path.name] for item in parts.train)


def test_calibration_and_validation_share_no_block_of_ground(recipe_file: Path, images: Path) -> None:
    parts, _ = parts_of(by_longitude(recipe_file), images)
    assert not {item.group for item in parts.calibration} & {item.group for item in parts.validation}


def test_an_image_that_the_index_does_not_list_is_named(recipe_file: Path, images: Path) -> None:
    recipe = by_longitude(recipe_file)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(images / "dark" / "stranger.png")
    with pytest.raises(BadRecipe, match=r"stranger\.png"):
        split(recipe, [images])


def test_a_label_without_a_folder_is_named(recipe_file: Path, images: Path) -> None:
    shutil.rmtree(images / "bright")
    with pytest.raises(BadRecipe, match="bright"):
        split(read_recipe(recipe_file), [images])


def test_a_further_folder_may_know_parent_labels_alone(recipe_file: Path, images: Path, tmp_path: Path) -> None:
    recipe = read_recipe(recipe_file)
    parts = split(recipe, [images, lamps(tmp_path)])
    lit = [item for side in sides_of(parts) for item in side if item.path.parent.name == "light"]
    assert len(lit) == 24
    assert {item.label for item in lit} == {recipe.names.index("light")} == {2}
    assert {item.origin for item in lit} == {"/".join(tmp_path.parts[-1:]) + "/lamps"}


def test_the_index_names_patients_and_those_with_boxes_always_validate(recipe_file: Path, images: Path, tmp_path: Path) -> None:
    parts = split(read_recipe(recipe_file), [images, lamps(tmp_path)])
    sides = [
        {item.group for item in side if item.path.parent.name == "light"} for side in (parts.train, parts.calibration, parts.validation)
    ]
    assert set.union(*sides) == {f"p{number}" for number in range(12)}
    assert all(not (one & other) for one, other in combinations(sides, 2))
    assert {"p3", "p8"} <= sides[2]


def test_the_first_folder_must_hold_every_label(recipe_file: Path, images: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="lamps: the train part does not hold every label"):
        split(read_recipe(recipe_file), [lamps(tmp_path), images])


def test_the_first_split_does_not_depend_on_further_folders(recipe_file: Path, images: Path, tmp_path: Path) -> None:
    recipe = read_recipe(recipe_file)
    alone, joined = split(recipe, [images]), split(recipe, [images, lamps(tmp_path)])
    assert joined.train[: len(alone.train)] == alone.train
    assert joined.validation[: len(alone.validation)] == alone.validation


def test_patients_of_the_samples_are_in_no_part(recipe_file: Path, images: Path) -> None:
    recipe_file.write_text(RECIPE.format(split="patient", steps=12).replace("[data]", '[data]\napart = ["person3"]'))
    found = [item for side in sides_of(split(read_recipe(recipe_file), [images])) for item in side]
    assert len(found) == 62
    assert "person3" not in {patient_of(item.path.name) for item in found}


def sides_of(parts: Parts) -> list[tuple[Item, ...]]:
    return [parts.train, parts.calibration, parts.validation]


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("person12_bacteria_40.jpg", "person12"),
        ("person0012_virus_1.jpg", "person12"),
        ("IM-0007-0001.jpg", "IM-7"),
        ("NORMAL2-IM-0007-0001.jpg", "IM-7"),
        ("other.jpg", "other"),
    ],
)
def test_the_patient_is_read_from_the_name(name: str, patient: str) -> None:
    assert patient_of(name) == patient


def test_training_and_use_see_the_same_pixels(recipe_file: Path, images: Path) -> None:
    recipe = read_recipe(recipe_file)
    path = images / "bright" / "person16_0.png"
    trained = read_images([Item(path, 1, "")], recipe.preprocess, recipe.preprocess.size)[0].numpy() / 255.0
    used = to_input(read_picture(path), recipe.preprocess).shown
    assert np.abs(trained - used).max() <= 0.5 / 255.0 + 1e-6


def test_a_random_split_has_every_image_once_and_does_not_keep_patients_together(recipe_file: Path, images: Path) -> None:
    honest = RECIPE.format(split="random", steps=12).replace("It knows nothing else.", "The split is random, which flatters.")
    recipe_file.write_text(honest)
    recipe = read_recipe(recipe_file)
    _, sides = parts_of(recipe, images)
    assert [len(side) for side in sides] == [38, 13, 13]
    assert len({item.path for side in sides for item in side}) == 64
    patients = [{patient_of(item.path.name) for item in side} for side in sides]
    assert patients[0] & patients[2]
    assert parts_of(recipe, images)[1] == sides
