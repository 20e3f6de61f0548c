"""A model as a folder: run by onnxruntime alone, in a process that cannot import the project, it says what the engine says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.cli.program import run
from core.export.standalone.folder import write_standalone
from core.inference.engine import Engine
from core.inference.prediction import predict_input
from core.inference.runtimes import Runtime
from core.prepare.inputs import to_input
from core.readers import read_image
from core.settings import PROJECT
from core.types import Domain, ModelInput, Prediction
from models.registry import LoadedModel, load_model
from tests.tiny import write_tiny_model
from tests.tiny_change import write_tiny_change_model
from tests.unit.cli.running import write_picture

REAL = PROJECT / "sample_data" / "real"
IMAGES = {"land-cover": REAL / "wildfire-2024-before.tif", "chest-xray": REAL / "child-normal.dcm"}
FILES = {
    "model.onnx", "model.json", "outside.npz", "image_statistics.py", "run.py", "item.json", "CARD.md", "README.md", "LICENSE", "NOTICE",
}  # fmt: skip
LARGEST_MB = 8.0
ALONE = """
import runpy, sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("core", "models", "torch", "transformers", "openvino", "scipy", "safetensors"):
            raise ImportError(name)
sys.meta_path.insert(0, Refused())
script, image = sys.argv[1:]
sys.path.insert(0, script.rpartition("/")[0])
sys.argv = [script, image]
runpy.run_path(script, run_name="__main__")
"""
"""As `python run.py IMAGE` where neither the project nor its libraries are installed."""


def said_by(folder: Path, image: Path) -> dict[str, Any]:
    ran = subprocess.run([sys.executable, "-I", "-B", "-c", ALONE, folder / "run.py", image], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))


def given_to(model: LoadedModel, image: Path, folder: Path) -> tuple[ModelInput, Path]:
    """The input that the engine makes of an image, and its values in [0, 1] as a file."""
    given = to_input(read_image(image), model.preprocess)
    np.save(folder / "image.npy", given.shown)
    return given, folder / "image.npy"


def assert_same(said: dict[str, Any], expected: Prediction) -> None:
    assert expected.probabilities is not None
    told = said.get("probabilities") or said["scores"]
    assert list(told) == list(expected.labels)
    np.testing.assert_allclose(list(told.values()), expected.probabilities, atol=1e-3)
    np.testing.assert_allclose(said["outside"]["score"], expected.outside.score, rtol=1e-3)
    assert said["outside"]["is_outside"] == (expected.outside.score > expected.outside.threshold)


@pytest.fixture(scope="module", params=sorted(IMAGES))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedModel, Path]:
    model = load_model(request.param)
    out = tmp_path_factory.mktemp("exported") / request.param
    write_standalone(model, out)
    return model, out


@pytest.mark.slow
def test_a_model_of_the_zoo_says_by_onnxruntime_alone_what_the_engine_says(exported: tuple[LoadedModel, Path], tmp_path: Path) -> None:
    model, folder = exported
    given, image = given_to(model, IMAGES[model.id], tmp_path)
    assert_same(said_by(folder, image), predict_input(Engine(model, Runtime()), given))


@pytest.mark.slow
def test_the_folder_is_small_and_holds_card_licence_and_what_one_image_takes(exported: tuple[LoadedModel, Path]) -> None:
    model, folder = exported
    assert {file.name for file in folder.iterdir()} == FILES
    assert sum(file.stat().st_size for file in folder.iterdir()) <= LARGEST_MB * 1e6
    assert (folder / "CARD.md").read_text(encoding="utf-8").endswith(model.card.text + "\n")
    assert "Apache License" in (folder / "LICENSE").read_text(encoding="utf-8")
    assert re.search(r"One image takes [\d.]+ ms on one core \(.+, onnxruntime [\d.]+", (folder / "README.md").read_text(encoding="utf-8"))
    assert len((folder / "run.py").read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.slow
def test_the_stac_item_tells_what_the_extension_asks(exported: tuple[LoadedModel, Path]) -> None:
    model, folder = exported
    item = json.loads((folder / "item.json").read_text(encoding="utf-8"))
    assert (item["type"], item["stac_version"], item["geometry"]) == ("Feature", "1.1.0", None) and "bbox" not in item
    assert any("/mlm/v1.5" in each for each in item["stac_extensions"])
    told = item["properties"]
    assert {"datetime", "license", "mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output"} <= set(told)
    assert not {"mlm:artifact_type", "mlm:entrypoint"} & set(told), "which are of an asset"
    (given,), (logits, embeddings) = told["mlm:input"], told["mlm:output"]
    assert given["bands"] == [band["name"] for band in told["bands"]] == list(model.preprocess.channels)
    assert given["input"]["dim_order"] == ["batch", "bands", "height", "width"], "bands that have names are a dimension of that name"
    assert given["input"]["shape"] == [1, len(model.preprocess.channels), *model.preprocess.size]
    assert [each["title"] for each in logits["classification:classes"]] == list(model.labels)
    assert all(re.fullmatch(r"[0-9A-Za-z_-]+", each["name"]) for each in logits["classification:classes"])
    assert embeddings["result"]["shape"] == [1, model.config.embedding_size]
    models = [asset for asset in item["assets"].values() if "mlm:model" in asset["roles"]]
    assert [(asset["href"], asset["mlm:artifact_type"]) for asset in models] == [("./model.onnx", "onnx")]
    for asset in item["assets"].values():
        assert (folder / asset["href"]).stat().st_size == asset["file:size"]


@pytest.mark.parametrize(("domain", "is_calibrated"), [(Domain.RADIOGRAPH, True), (Domain.RADIOGRAPH, False), (Domain.CHEST_CT, True)])
def test_pictures_views_and_missing_calibration_are_told_as_the_engine_tells_them(
    domain: Domain, is_calibrated: bool, tmp_path: Path
) -> None:
    model = load_model(str(write_tiny_model(tmp_path / "tiny", domain, calibrated=is_calibrated)))
    write_standalone(model, tmp_path / "out")
    picture = write_picture(tmp_path / "image.png", shape=(90, 70))
    given, window = given_to(model, picture, tmp_path)
    said = said_by(tmp_path / "out", window if domain is Domain.CHEST_CT else picture)  # of CT the engine reads a window
    assert ("probabilities" in said) == is_calibrated
    assert_same(said, predict_input(Engine(model, Runtime()), given))


def test_the_command_writes_the_folder_and_tells_its_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_tiny_model(tmp_path / "tiny")
    assert run(["export-model", str(model), "--out", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] == sum((tmp_path / "out" / name).stat().st_size for name in told["files"]) and told["latency_ms"] > 0
    assert set(told["files"]) == {file.name for file in (tmp_path / "out").iterdir()}


def test_what_cannot_be_exported_is_refused_in_a_sentence_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = write_tiny_change_model(tmp_path / "pair")
    assert run(["export-model", str(pair), "--out", str(tmp_path / "out")]) == 2
    assert "compares two dates" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert run(["export-model", "land-cover", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "needs the package onnxruntime" in said and "requirements-export.txt" in said
    assert not (tmp_path / "out").exists()
