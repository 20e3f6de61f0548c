"""The commands with a checkpoint of another family, as transformers saved it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.inference.prediction import UNCALIBRATED
from core.report.notices import say
from core.settings import PROJECT
from tests.tiny_encoders import LABELS, SIDE, write_tiny_encoder
from tests.unit.cli.running import Sightline, write_picture, write_scene

LAND = {"domain": "land-cover", "ground_sample_distance_m": 10.0, "reflectance_top": 0.275}
"""What a preprocess.json adds to a checkpoint that was made for Sentinel-2."""


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("models") / "vit")


def test_pictures_radiographs_ct_and_scenes_are_all_answered_with_scores(vit: Path, tmp_path: Path, sightline: Sightline) -> None:
    files = [
        write_picture(tmp_path / "a.png", shape=(48, 40, 3)),
        PROJECT / "sample_data" / "chest-radiograph.dcm",
        sorted((PROJECT / "sample_data" / "ct-series").iterdir())[0],
        write_scene(tmp_path / "scene.tif", rows=64, columns=64),
    ]
    ran = sightline("predict", *files, "--model", vit, "--json")
    assert ran.status == 0
    for line in ran.lines:
        assert line["labels"] == list(LABELS) and line["prediction"] in LABELS and line["set"] == []
        assert not line["outside"]["is_outside"] and line["outside"]["score"] is None
        assert say(UNCALIBRATED) in line["assumptions"]
        assert "The model does not say what images it was made for: nothing tells whether this is one." in line["assumptions"]
    of = [" ".join(line["assumptions"]) for line in ran.lines]
    assert ["brightness was given to red, green and blue" in said for said in of] == [False, True, True, False]
    assert "the 32 x 32 at its centre were read" in of[3]


def test_it_is_explained_by_gradients_and_by_attention(vit: Path, tmp_path: Path, sightline: Sightline) -> None:
    picture = write_picture(tmp_path / "a.png", shape=(48, 40, 3))
    for method in ("integrated-gradients", "rollout"):
        ran = sightline("explain", picture, "--model", vit, "--method", method, "--target", "dog", "--out", tmp_path / method, "--json")
        assert (ran.status, ran.json["target"]) == (0, "dog")
        assert np.load(tmp_path / method / "saliency.npy").shape == (SIDE, SIDE)


def test_what_attends_within_windows_is_not_explained_by_rollout(tmp_path: Path, sightline: Sightline) -> None:
    swin = write_tiny_encoder(tmp_path / "swin", "swin")
    picture = write_picture(tmp_path / "a.png", shape=(48, 40, 3))
    ran = sightline("explain", picture, "--model", swin, "--method", "rollout", "--out", tmp_path / "out")
    assert (ran.status, ran.out) == (2, "")
    assert "forms no attention between all of its tokens. It has: grad-cam, integrated-gradients, occlusion" in ran.err


def test_it_is_evaluated_by_its_labels(vit: Path, tmp_path: Path, sightline: Sightline) -> None:
    for place, label in enumerate(LABELS):
        for number in range(2):
            write_picture(tmp_path / "data" / label / f"{number}.png", seed=10 * place + number, shape=(40, 40, 3))
    told = sightline("evaluate", vit, "--data", tmp_path / "data", "--json").json
    assert (told["n"], told["labels"], told["parents"]) == (6, list(LABELS), {})
    assert told["coverage"] is None and told["accuracy"] is not None


def test_of_a_thousand_labels_the_likeliest_are_told(tmp_path: Path, sightline: Sightline) -> None:
    names = {index: f"thing {index}" for index in range(1000)}
    folder = write_tiny_encoder(tmp_path / "many", id2label=names, label2id={name: index for index, name in names.items()})
    picture = write_picture(tmp_path / "a.png", shape=(48, 40, 3))
    assert ", 988 more)" in sightline("predict", picture, "--model", folder).out
    assert len(sightline("predict", picture, "--model", folder, "--json").json["probabilities"]) == 1000
    sightline("report", picture, "--model", folder, "--out", tmp_path / "out")
    report = (tmp_path / "out" / "report.md").read_text()
    assert "988 labels are less likely." in report
    assert report.startswith("# Image report") and "A heatmap is not an outline of what is shown." in report


def test_a_map_needs_scores_of_tokens_which_swin_has_and_vit_has_not(vit: Path, tmp_path: Path, sightline: Sightline) -> None:
    scene = write_scene(tmp_path / "scene.tif", rows=64, columns=48)
    refused = sightline("map", scene, "--model", vit, "--out", tmp_path / "no")
    assert refused.status == 2 and "reads pictures" in refused.err
    for family, status in (("vit", 2), ("swin", 0)):
        folder = write_tiny_encoder(tmp_path / family, family)
        (folder / "preprocess.json").write_text(json.dumps(LAND))
        ran = sightline("map", scene, "--model", folder, "--out", tmp_path / f"map-{family}")
        assert ran.status == status
    assert (tmp_path / "map-swin" / "landcover.tif").is_file()


def test_two_dates_are_compared_by_the_tokens_of_swin(tmp_path: Path, sightline: Sightline) -> None:
    folder = write_tiny_encoder(tmp_path / "swin", "swin")
    (folder / "preprocess.json").write_text(json.dumps(LAND))
    before, after = (write_scene(tmp_path / f"{seed}.tif", seed=seed, rows=64, columns=64) for seed in (1, 2))
    ran = sightline("change", before, after, "--model", folder, "--method", "embedding", "--out", tmp_path / "out", "--json")
    assert ran.status == 0
