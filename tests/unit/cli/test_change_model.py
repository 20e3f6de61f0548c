"""The command line with a change model: change, evaluate and models answer; predict, explain and map refuse with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.settings import Settings
from tests.tiny import write_tiny_model
from tests.tiny_change import two_dates, write_tiny_change_model
from tests.unit.cli.running import Sightline
from tests.unit.training.cities import write_city


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_change_model(tmp_path_factory.mktemp("models") / "tiny-change")


@pytest.fixture
def scenes(tmp_path: Path) -> list[Path]:
    return [scene.files[0] for scene in two_dates(tmp_path)]


def test_its_own_method_is_the_default(scenes: list[Path], tmp_path: Path, model: Path, sightline: Sightline) -> None:
    ran = sightline("change", *scenes, "--model", model, "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    (pair,) = ran.json["pairs"]
    assert (pair["method"], pair["is_calibrated"], pair["transitions"]) == ("model", True, [])
    assert Path(pair["score"]).name == "change_probability.tif"
    assert pair["changed_pixels"] == 24 * 28
    assert (tmp_path / "out" / "report.pdf").is_file()


def test_classes_come_from_a_second_model(scenes: list[Path], tmp_path: Path, model: Path, cover_model: Path, sightline: Sightline) -> None:
    ran = sightline("change", *scenes, "--model", model, "--classes-model", cover_model, "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    assert sum(one["pixels"] for one in ran.json["pairs"][0]["transitions"]) == 104 * 96
    assert (tmp_path / "out" / "transitions.csv").is_file()


def test_later_dates_have_a_folder_for_each_pair(scenes: list[Path], tmp_path: Path, model: Path, sightline: Sightline) -> None:
    ran = sightline("change", *scenes, scenes[0], "--model", model, "--out", tmp_path / "out")
    assert ran.status == 0
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"01-02", "02-03", "01-03"}


def test_statistics_of_a_report_are_taken_again(scenes: list[Path], tmp_path: Path, model: Path, sightline: Sightline) -> None:
    whole = sightline("change", *scenes, "--model", model, "--out", tmp_path / "whole", "--json")
    again = ("--statistics", tmp_path / "whole" / "report.json", "--out", tmp_path / "again", "--json")
    ran = sightline("change", *scenes, "--model", model, *again)
    assert ran.status == 0
    assert ran.json["pairs"][0]["parameters"]["statistics"] == whole.json["pairs"][0]["parameters"]["statistics"]
    assert sightline("change", *scenes, scenes[0], "--model", model, *again).status == 2
    assert sightline("change", *scenes, "--method", "mad", *again).status == 2


@pytest.mark.parametrize(("more", "named"), [(("--method", "classes"), "change model"), (("--classes-model", "nothing"), "nothing")])
def test_what_does_not_go_with_it_is_named(
    more: tuple[str, ...], named: str, scenes: list[Path], tmp_path: Path, model: Path, sightline: Sightline
) -> None:
    ran = sightline("change", *scenes, "--model", model, "--out", tmp_path / "out", *more)
    assert (ran.status, ran.out) == (2, "")
    assert named in ran.error


def test_a_land_cover_model_needs_no_model_of_classes(scenes: list[Path], tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    ran = sightline("change", *scenes, "--model", cover_model, "--classes-model", cover_model, "--out", tmp_path / "out")
    assert ran.status == 2
    assert "--classes-model" in ran.error


def test_cities_are_evaluated_pooled_and_one_by_one(tmp_path: Path, model: Path, sightline: Sightline) -> None:
    for seed, name in enumerate(("east", "west")):
        write_city(tmp_path / "data" / name, seed=seed)
    ran = sightline("evaluate", model, "--data", tmp_path / "data", "--json")
    assert ran.status == 0
    assert {"n", "n_failed", "f1", "precision", "recall", "cities"} <= set(ran.json)
    assert set(ran.json["cities"]) == {"east", "west"}
    assert ran.json["f1"] > 0.9
    told = sightline("evaluate", model, "--data", tmp_path / "data")
    assert "east: f1 " in told.out


@pytest.mark.parametrize("command", ["predict", "map", "explain"])
def test_commands_for_one_image_refuse_it_with_a_reason(
    command: str, scenes: list[Path], tmp_path: Path, model: Path, sightline: Sightline
) -> None:
    more = {"predict": (), "map": ("--out", tmp_path / "out"), "explain": ("--method", "rollout", "--out", tmp_path / "out")}[command]
    ran = sightline(command, scenes[0], "--model", model, *more)
    assert ran.status == 2
    assert "compares two dates" in ran.error


def test_it_is_listed_without_explanation_methods(tmp_path: Path, sightline: Sightline, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny_change_model(tmp_path / "zoo" / "tiny-change")
    write_tiny_model(tmp_path / "zoo" / "chest")
    monkeypatch.setattr("core.settings.settings", lambda: Settings(zoo=tmp_path / "zoo"))
    ran = sightline("models", "--json")
    listed = {one["id"]: one for one in ran.json["models"]}
    assert listed["tiny-change"]["task"] == "change"
    assert listed["tiny-change"]["explanation_methods"] == []
