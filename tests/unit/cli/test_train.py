"""`sightline train`: from a recipe to a folder that the other commands take."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tests.unit.cli.running import Sightline
from tests.unit.training.conftest import LABELS, RECIPE, draw_images


def test_a_training_leaves_a_model_that_can_be_asked(tmp_path: Path, sightline: Sightline) -> None:
    draw_images(tmp_path)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE.format(split="patient", steps=6), encoding="utf-8")
    ran = sightline("train", recipe, "--data", tmp_path / "images", "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    folder = ran.json["folder"]
    assert Path(folder).parent == tmp_path / "out"
    told = sightline("predict", tmp_path / "images" / "dark" / "person0_0.png", "--model", folder, "--json").json
    assert told["labels"] == list(LABELS)


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path, sightline: Sightline) -> None:
    ran = sightline("train", tmp_path / "nothing.toml", "--data", tmp_path, "--out", tmp_path / "out")
    assert (ran.status, ran.out) == (2, "")
    assert "nothing.toml" in ran.error


@pytest.mark.parametrize("room", [100, 20_000])
def test_a_training_on_a_full_disk_says_so(room: int, tmp_path: Path, sightline: Sightline) -> None:
    """Whether a checkpoint or the card does not fit: torch and safetensors do not say why they could not write."""
    draw_images(tmp_path)
    recipe, out = tmp_path / "tiny.toml", tmp_path / "out"
    recipe.write_text(RECIPE.format(split="patient", steps=6), encoding="utf-8")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        ran = sightline("train", recipe, "--data", tmp_path / "images", "--out", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ran.status == 2
    assert f"{out} is full" in ran.err.splitlines()[-1]
    assert not (out / "tiny" / "config.json").exists()
