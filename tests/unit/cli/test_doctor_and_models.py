"""`sightline doctor` and `sightline models`: what is here, and what is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.cli import doctor as the_doctor
from core.explain.catalogue import OFFERED
from core.settings import Settings
from tests.unit.cli.running import Sightline


@pytest.fixture
def zoo(tmp_path: Path, radiograph_model: Path, cover_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo of two whole models and one without weights."""
    for folder, name in ((radiograph_model, "b-radiograph"), (cover_model, "a-cover"), (cover_model, "c-broken")):
        shutil.copytree(folder, tmp_path / "zoo" / name)
    (tmp_path / "zoo" / "c-broken" / "model.safetensors").unlink()
    changed = Settings(zoo=tmp_path / "zoo")
    monkeypatch.setattr("core.settings.settings", lambda: changed)
    monkeypatch.setattr("core.cli.doctor.settings", lambda: changed)
    return tmp_path / "zoo"


def test_models_tells_what_the_cards_declare_and_names_a_broken_one(zoo: Path, sightline: Sightline) -> None:
    ran = sightline("models", "--json")
    assert ran.status == 0
    told = {model["id"]: model for model in ran.json["models"]}
    assert list(told) == ["a-cover", "b-radiograph"]
    assert set(told["a-cover"]) == {"id", "title", "task", "labels", "modality", "licence", "metrics", "explanation_methods"}
    assert told["b-radiograph"]["labels"] == ["normal", "bacterial-pneumonia", "viral-pneumonia"]
    methods = told["a-cover"]["explanation_methods"]
    assert {"rollout", "relevance", "grad-cam", "integrated-gradients", "occlusion", "attn-lrp", "rise"} <= set(methods)
    assert methods == [name for name in OFFERED if name in methods], "in the order in which they are offered"
    assert told["a-cover"]["metrics"] == {"accuracy": 0.5}
    assert "c-broken" in ran.error


def test_models_without_json_is_readable(zoo: Path, sightline: Sightline) -> None:
    said = sightline("models").out
    assert "a-cover: Tiny land-cover model" in said
    assert "explanation methods: rollout, relevance, grad-cam, integrated-gradients, occlusion" in said


def test_figures_of_earlier_weights_are_said_to_be_so(zoo: Path, sightline: Sightline) -> None:
    card = zoo / "a-cover" / "README.md"
    assert "went on" not in sightline("models").out
    card.write_text(card.read_text().replace("metrics:", 'measured_weights: "0123456789ab"\nmetrics:', 1))
    assert "measured before the network went on with every image" in sightline("models").out


def test_a_figure_of_a_card_may_carry_its_interval(zoo: Path, sightline: Sightline) -> None:
    card = zoo / "a-cover" / "README.md"
    card.write_text(card.read_text().replace('"accuracy": 0.5', '"accuracy": [0.5, 0.4, 0.6], "ece": [0.1, null, null]'))
    assert "accuracy 0.5 (0.4 to 0.6), ece 0.1" in sightline("models").out


def test_an_empty_zoo_is_no_error(tmp_path: Path, sightline: Sightline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.settings.settings", lambda: Settings(zoo=tmp_path))
    assert sightline("models", "--json").json == {"models": []}


def test_the_doctor_names_device_decoders_gdal_models_and_memory(zoo: Path, sightline: Sightline) -> None:
    told = sightline("doctor", "--json").json
    assert told["runtimes"][0]["runtime"] == "torch"
    assert told["libraries"]["torch"].startswith("2.")
    assert all(told["codecs"].values()) and "JPEG-LS Lossless Image Compression" in told["codecs"]
    assert told["gdal"]["geotiff"] is True
    assert {model["id"]: model["is_whole"] for model in told["models"]} == {"a-cover": True, "b-radiograph": True, "c-broken": False}
    assert 0 < told["memory"]["free_mb"] <= told["memory"]["total_mb"]
    assert "benchmark" not in told


def test_the_doctor_speaks_to_people_too(zoo: Path, sightline: Sightline) -> None:
    said = sightline("doctor").out
    assert "c-broken (incomplete)" in said
    assert "GDAL 3" in said


def test_a_missing_decoder_is_named(sightline: Sightline, monkeypatch: pytest.MonkeyPatch) -> None:
    from pydicom.uid import RLELossless

    monkeypatch.setattr("core.readers.dicom.codecs.DECODERS", {RLELossless: "nobody"})
    assert the_doctor.codecs() == {"RLE Lossless": None}
    assert "no decoder for RLE Lossless" in sightline("doctor").out


def test_the_memory_of_a_container_is_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("2000000000\n")
    monkeypatch.setattr(the_doctor, "CGROUP_LIMIT", tmp_path / "memory.max")
    assert the_doctor.memory()["total_mb"] == 2000
    (tmp_path / "memory.max").write_text("max\n")
    assert the_doctor.memory()["total_mb"] > 0


def test_the_benchmark_times_each_whole_model(zoo: Path, sightline: Sightline) -> None:
    told = sightline("doctor", "--benchmark", "--json").json["benchmark"]
    assert {one["model"] for one in told} == {"a-cover", "b-radiograph"}
    ways = {(one["runtime"], one["precision"]) for one in told if one["model"] == "a-cover"}
    assert ways == {(library, precision) for library in ("torch", "openvino") for precision in ("fp32", "bf16")}
    assert all(speed["speed"] > 0 for one in told for speed in one["images_per_second"])
