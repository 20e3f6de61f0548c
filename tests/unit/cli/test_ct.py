"""CT on the command line: a slice is searched, a window is evaluated, and a place of a slice is explained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.settings import PROJECT
from core.types import Domain
from tests.tiny import write_tiny_model
from tests.unit.cli.running import TILE, Sightline, write_picture

SLICE = PROJECT / "sample_data" / "ct-series" / "slice-22.dcm"


@pytest.fixture(scope="module")
def ct_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny-ct", Domain.CHEST_CT)


def test_a_slice_has_candidates_in_its_own_pixels_and_a_rating(ct_model: Path, sightline: Sightline) -> None:
    told = sightline("predict", SLICE, "--model", ct_model, "--json").json
    assert told["labels"] == ["no-nodule", "nodule"]
    assert "heads" not in told
    assert (told["probabilities"], told["prediction"], told["set"], told["expected_false"]) == (None, None, None, None)
    assert told["highest"]["label"] == "nodule" and 0 <= told["highest"]["score"] <= 1
    assert told["candidates"]
    for one in told["candidates"]:
        assert set(one) == {"x", "y", "slice", "score", "side", "zone", "z_mm", "size_mm", "malignancy", "outlines"}
        assert one["side"] in ("left", "right") and one["zone"] is None and one["z_mm"] is not None
        assert 0 <= one["x"] < 256 and 0 <= one["y"] < 256 and one["slice"] == 1 and 0 <= one["score"] <= 1
    assert "frame" not in told


def test_the_highest_of_many_windows_is_never_printed_as_a_probability_or_a_set(ct_model: Path, sightline: Sightline) -> None:
    line = sightline("predict", SLICE, "--model", ct_model).out
    assert "set:" not in line and "no-nodule" not in line and "is not measured; highest score" in line


def test_a_series_is_one_line_and_slices_that_are_no_volume_are_an_error(ct_model: Path, tmp_path: Path, sightline: Sightline) -> None:
    files = sorted(SLICE.parent.iterdir())
    told = sightline("predict", *files[18:22], "--model", ct_model, "--series", "--json").json
    assert told["slices"] == 4 and told["prediction"] is None and told["expected_false"] is None
    assert told["path"] in {str(file) for file in files[18:22]}
    scores = [one["score"] for one in told["candidates"]]
    assert scores == sorted(scores, reverse=True) and {one["slice"] for one in told["candidates"]} <= {1, 2, 3, 4}
    torn = sightline("predict", *files[10:13], *files[20:22], "--model", ct_model, "--series", "--json")
    assert torn.status == 2 and "no volume" in torn.json["error"]["message"]


def test_a_radiograph_is_outside_what_a_model_of_ct_knows(ct_model: Path, sightline: Sightline) -> None:
    told = sightline("predict", PROJECT / "sample_data" / "chest-radiograph.dcm", "--model", ct_model, "--json").json
    assert told["outside"]["is_outside"] and "the model reads CT slices (CT)" in told["outside"]["reason"]
    assert told["prediction"] is None and told["candidates"] == []


def test_windows_in_folders_are_evaluated(ct_model: Path, tmp_path: Path, sightline: Sightline) -> None:
    for place in range(6):
        write_picture(tmp_path / ("nodule" if place % 2 else "no-nodule") / f"{place}.png", seed=place, shape=(TILE, TILE))
    told = sightline("evaluate", ct_model, "--data", tmp_path, "--json").json
    assert (told["n"], told["n_failed"]) == (6, 0)
    assert told["labels"] == ["no-nodule", "nodule"] and 0.0 <= told["auroc"] <= 1.0


def test_a_place_of_a_slice_is_explained_and_without_one_the_best_window(ct_model: Path, tmp_path: Path, sightline: Sightline) -> None:
    for name, at in (("best", ()), ("there", ("--at", "68", "112"))):
        ran = sightline("explain", SLICE, "--model", ct_model, "--method", "rollout", *at, "--out", tmp_path / name, "--json")
        assert ran.status == 0
        assert np.load(tmp_path / name / "input.npy").shape == (1, TILE, TILE)
    inputs = [np.load(tmp_path / name / "input.npy") for name in ("best", "there")]
    assert not np.array_equal(*inputs)
    assert json.loads((tmp_path / "there" / "explanation.json").read_text())["method"] == "rollout"
