"""A recipe that cannot be used is refused, and the key at fault is named."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import BadRecipe, NotFound
from training.config.change_recipe import LABELS, ChangeRecipe, is_change_recipe, read_change_recipe
from training.config.masked_recipe import is_masked_recipe, read_masked_recipe
from training.config.recipe import read_recipe, read_table

PROJECT = Path(__file__).resolve().parents[4]


RECIPES = sorted(path for path in (PROJECT / "training" / "recipes").glob("*.toml") if "variant" not in read_table(path))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_of_the_project_can_be_read(recipe: Path) -> None:
    if is_masked_recipe(recipe):
        assert read_masked_recipe(recipe).id == recipe.stem
        return
    read = read_change_recipe(recipe) if is_change_recipe(recipe) else read_recipe(recipe)
    assert read.id == recipe.stem
    assert read.config().num_labels == len(LABELS if isinstance(read, ChangeRecipe) else read.labels)


def test_a_recipe_with_a_base_says_only_what_differs(recipe_file: Path, tmp_path: Path) -> None:
    changed = tmp_path / "longer.toml"
    changed.write_text(f'base = "{recipe_file.name}"\n[changes]\nid = "longer"\n[changes.schedule]\nsteps = 34\n')
    base, read = read_recipe(recipe_file), read_recipe(changed)
    assert (read.id, read.schedule.steps) == ("longer", 34)
    assert replace(read, id=base.id, schedule=replace(read.schedule, steps=base.schedule.steps)) == base


def test_the_coarsest_pixels_that_a_training_shows_stand_in_its_preprocessing() -> None:
    shown = read_recipe(PROJECT / "training" / "recipes" / "land-cover.toml").preprocess
    assert (shown.coarsest_m, shown.linear) == (30.0, ("Highway", "River"))


def test_a_recipe_of_change_may_have_a_base_too(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "training" / "recipes" / "change-sentinel2.toml", tmp_path)
    changed = tmp_path / "shorter.toml"
    changed.write_text('base = "change-sentinel2.toml"\n[changes]\nid = "shorter"\n')
    assert is_change_recipe(changed)
    assert read_change_recipe(changed).id == "shorter"


def test_a_base_that_is_not_there_is_named(tmp_path: Path) -> None:
    changed = tmp_path / "longer.toml"
    changed.write_text('base = "nowhere.toml"\n')
    with pytest.raises(NotFound, match="nowhere"):
        read_recipe(changed)


def test_a_comparison_of_variants_is_no_recipe(recipe_file: Path, tmp_path: Path) -> None:
    comparison = tmp_path / "comparison.toml"
    comparison.write_text(f'base = "{recipe_file.name}"\nseeds = [1]\n[[variant]]\nname = "base"\nwords = "as it is"\n')
    with pytest.raises(BadRecipe, match="compares variants") as refused:
        read_recipe(comparison)
    assert "training.ablation.compare" in refused.value.hint


@pytest.mark.parametrize(
    ("right", "wrong", "key"),
    [
        ("steps = 12", "steps = 0", "schedule.steps"),
        ("steps = 12", 'steps = "many"', "schedule.steps"),
        ("steps = 12", "", "schedule.steps"),
        ("steps = 12", "steps = 12\npace = 3", "schedule.pace"),
        ('split = "patient"', 'split = "chance"', "data.split"),
        ('split = "patient"', 'split = "random"', "data.split"),
        ("batch_size = 8", "batch_size = 8\naccumulation = 3", "schedule.accumulation"),
        ('precision = "float32"', 'precision = "half"', "schedule.precision"),
        ("patch_size = 8", "patch_size = 8\nlayers = 3", "network.layers"),
        ("[card]", "[masking]\nshare = 1.0\n[card]", "masking.share"),
        ("[card]", "[teacher]\ntemperature = 2.0\n[card]", "teacher.models"),
        ("validation_share = 0.4", "validation_share = 0.7", "data.validation_share"),
        ("dropped = [0.0, 0.25]", "dropped = [1.0]", "augmentation.dropped"),
        ('light = ["bright"]', 'light = ["loud"]', "parents.light"),
        ("patch_size = 8", "patch_size = 7", "network"),
        ('standardise = "fixed"', 'standardise = "never"', "preprocess.standardise"),
        ('labels = ["dark", "bright"]', 'labels = ["dark"]', "labels"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(recipe_file: Path, right: str, wrong: str, key: str) -> None:
    text = recipe_file.read_text()
    assert right in text
    recipe_file.write_text(text.replace(right, wrong))
    with pytest.raises(BadRecipe) as refused:
        read_recipe(recipe_file)
    assert key in refused.value.message
    assert refused.value.hint


def test_a_recipe_that_is_not_there_and_one_that_is_no_toml_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("id = ")
    with pytest.raises(BadRecipe, match="not TOML"):
        read_recipe(tmp_path / "bad.toml")


def test_crops_of_ct_have_no_teacher_and_reconstruct_nothing(recipe_file: Path) -> None:
    text = recipe_file.read_text().replace('split = "patient"', 'split = "patient"\nlayout = "nodules"')
    for table in ('[teacher]\nmodels = ["chest-ct"]\n', "[masking]\nshare = 0.5\n"):
        recipe_file.write_text(text + table)
        with pytest.raises(BadRecipe, match=r"data\.layout"):
            read_recipe(recipe_file)
