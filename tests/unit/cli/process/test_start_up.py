"""A command imports what it needs and no more: an answer from a graph that is on the disk needs neither torch nor transformers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.inference.engine import close_engines
from core.settings import PROJECT, settings
from core.types import Domain
from tests.tiny import write_tiny_model
from tests.tiny_change import write_tiny_change_model
from tests.unit.cli.running import Sightline, write_picture, write_scene

HEAVY = {
    "accelerate", "captum", "geopandas", "imagecodecs", "matplotlib", "openvino", "pandas", "PIL", "plotly", "pydicom", "pyogrio",
    "pyproj", "rasterio", "reportlab", "scipy", "shapely", "skimage", "sklearn", "streamlit", "torch", "transformers",
}  # fmt: skip
"""Libraries whose import is felt."""
READING = {"imagecodecs", "PIL", "pydicom", "pyproj", "rasterio", "scipy", "shapely"}
PREDICT = READING | {"openvino"}
MAP = PREDICT | {"geopandas", "pandas", "pyogrio", "reportlab", "skimage"}
SLICE = PROJECT / "sample_data" / "ct-series" / "slice-22.dcm"
LOOK = """
import json, sys
from core.cli.program import run
status = run(sys.argv[2:])
print(json.dumps([status, sorted({name.split(".")[0] for name in sys.modules} & set(json.loads(sys.argv[1])))]))
from core.inference import engine
engine.close_engines()
"""


@pytest.fixture
def warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As a user's machine: OpenVINO answers, and what it answers by is kept."""
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SIGHTLINE_RUNTIME", "auto")
    settings.cache_clear()
    close_engines()
    yield
    close_engines()
    monkeypatch.undo()
    settings.cache_clear()


def fresh(*arguments: object) -> tuple[int, set[str], list[dict[str, Any]]]:
    """(exit status, heavy libraries that were imported, JSON that was printed) of a command in a process of its own."""
    program = [sys.executable, "-c", LOOK, json.dumps(sorted(HEAVY)), *map(str, arguments)]
    ran = subprocess.run(program, cwd=PROJECT, capture_output=True, text=True, env={**os.environ}, check=False)
    assert ran.returncode == 0, ran.stderr
    *lines, last = ran.stdout.splitlines()
    status, imported = json.loads(last)
    return status, set(imported), [json.loads(line) for line in lines if line.startswith("{")]


def untimed(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What must be the same whoever answers."""
    return [{key: value for key, value in one.items() if key not in ("seconds", "report")} for one in answers]


@pytest.mark.parametrize("arguments", [("--help",), ("predict", "--help"), ("predict",), ("predict", "a.dcm", "--modell", "m")])
def test_help_and_errors_of_usage_import_nothing_heavy(arguments: tuple[str, ...]) -> None:
    _, imported, _ = fresh(*arguments)
    assert imported == set()


def test_the_list_of_models_imports_nothing_heavy() -> None:
    status, imported, _ = fresh("models", "--json")
    assert (status, imported) == (0, set())


@pytest.mark.slow
@pytest.mark.parametrize("domain", [Domain.RADIOGRAPH, Domain.LAND_COVER, Domain.CHEST_CT])
def test_a_kept_graph_answers_without_torch_and_answers_the_same(domain: Domain, tmp_path: Path, warm: None, sightline: Sightline) -> None:
    model = write_tiny_model(tmp_path / "model", domain)
    images = {
        Domain.RADIOGRAPH: lambda: write_picture(tmp_path / "chest.png", shape=(90, 70)),
        Domain.LAND_COVER: lambda: write_scene(tmp_path / "scene.tif", rows=80, columns=70),
        Domain.CHEST_CT: lambda: SLICE,
    }
    image = images[domain]()
    first = sightline("predict", image, "--model", model, "--json")
    status, imported, answers = fresh("predict", image, "--model", model, "--json")
    assert (status, imported - PREDICT) == (0, set())
    assert "openvino" in imported
    assert untimed(answers) == untimed(first.lines)


@pytest.mark.slow
def test_a_kept_graph_maps_without_torch(tmp_path: Path, warm: None, cover_model: Path, sightline: Sightline) -> None:
    scene = write_scene(tmp_path / "scene.tif", rows=80, columns=70)
    first = sightline("map", scene, "--model", cover_model, "--out", tmp_path / "first", "--json")
    status, imported, answers = fresh("map", scene, "--model", cover_model, "--out", tmp_path / "second", "--json")
    assert (status, imported - MAP) == (0, set())
    assert answers[0]["areas"] == first.json["areas"]
    for name in ("landcover.tif", "confidence.tif", "outside.tif"):
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()


@pytest.mark.slow
def test_a_kept_graph_compares_two_dates_without_torch(tmp_path: Path, warm: None, sightline: Sightline) -> None:
    model = write_tiny_change_model(tmp_path / "model")
    dates = [write_scene(tmp_path / f"{date}.tif", seed=date, rows=80, columns=70) for date in (0, 1)]
    sightline("change", *dates, "--model", model, "--out", tmp_path / "first", "--json")
    status, imported, _ = fresh("change", *dates, "--model", model, "--out", tmp_path / "second", "--json")
    assert (status, imported & {"torch", "transformers"}) == (0, set())
    assert (tmp_path / "second" / "change.tif").read_bytes() == (tmp_path / "first" / "change.tif").read_bytes()


@pytest.mark.slow
def test_a_model_whose_weights_were_written_anew_is_opened_before_it_answers(tmp_path: Path, warm: None, sightline: Sightline) -> None:
    """A graph speaks for the files that it was made of alone."""
    model, image = write_tiny_model(tmp_path / "model"), write_picture(tmp_path / "chest.png")
    first = sightline("predict", image, "--model", model, "--json").json
    write_tiny_model(tmp_path / "model", seed=1)
    _, imported, answers = fresh("predict", image, "--model", model, "--json")
    assert "torch" in imported
    assert answers[0]["weights"] != first["weights"] and answers[0]["probabilities"] != first["probabilities"]
    (model / "config.json").write_text((model / "config.json").read_text().replace('"pooling": "mean"', '"pooling": "best"'))
    assert "pooling" in fresh("predict", image, "--model", model, "--json")[2][0]["error"]["message"]
