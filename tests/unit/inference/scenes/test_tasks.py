"""Strips of a scene: whole scenes of them, files that give back what was written, and a name for all that decides a map."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.inference.scenes import tasks as tasks_module
from core.inference.scenes.answers import answered_rows
from core.inference.scenes.tasks import decided_by, is_done, read_strip, tasks_of, threads_that_decide, write_strip
from core.prepare.grid.tiles import tile_grid
from core.readers import SceneOptions, read_scene
from core.settings import settings
from core.types import CloudKind, CloudMask, Domain, Scene
from models.registry import load_model
from tests.tiny import write_tiny_model
from tests.unit.cli.running import write_scene


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "land", Domain.LAND_COVER)


@pytest.fixture(scope="module")
def land(folder: Path) -> Engine:
    return Engine(load_model(str(folder)), Runtime())


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return read_scene([write_scene(tmp_path_factory.mktemp("scenes") / "s.tif", 1, 150, 70)], SceneOptions())


def test_strips_hold_every_row_of_tiles_once_from_top_to_bottom(scene: Scene, land: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = tile_grid(scene, land.model.preprocess, land.model.patch)
    for height, several in ((40, True), (1, True), (1_000, False)):
        monkeypatch.setattr(tasks_module, "STRIP_SCENE_ROWS", height)
        tasks = tasks_of(scene, grid, "")
        assert (len(tasks) > 1) is several
        assert [place for task in tasks for place in range(task.first, task.last)] == list(range(len(grid.row_starts)))
        assert len({task.file for task in tasks}) == len(tasks)


def test_a_strip_comes_back_as_it_was(scene: Scene, land: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "STRIP_SCENE_ROWS", 40)
    grid = tile_grid(scene, land.model.preprocess, land.model.patch)
    task = tasks_of(scene, grid, "")[1]
    rows = list(answered_rows(scene, land, grid, range(task.first, task.last)))
    assert not is_done(tmp_path, task)
    write_strip(tmp_path, task, rows)
    assert is_done(tmp_path, task)
    for row, known in zip(read_strip(tmp_path, task), rows, strict=True):
        assert (row.place, row.columns) == (known.place, known.columns)
        for name in ("planes", "held", "share", "valid"):
            np.testing.assert_array_equal(getattr(row, name), getattr(known, name))


def test_whatever_decides_a_map_changes_its_name_and_nothing_else_does(scene: Scene, land: Engine, folder: Path, tmp_path: Path) -> None:
    name = decided_by(scene, land)
    assert decided_by(read_scene(scene.files, SceneOptions()), Engine(load_model(str(folder)), Runtime())) == name
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "calibration.json").write_text((other / "calibration.json").read_text() + " ")
    read_otherwise = read_scene(scene.files, SceneOptions(scale=2e-4, offset=0.0))
    cut = replace(scene, width=scene.width - 1)
    others = [
        decided_by(replace(scene, sha256="0" * 64), land),
        decided_by(read_otherwise, land),
        decided_by(cut, land),
        decided_by(replace(scene, clouds=CloudMask(CloudKind.OWN, scene.files[0])), land),
        decided_by(replace(scene, clouds=CloudMask(CloudKind.OWN, folder / "config.json")), land),
        decided_by(scene, Engine(load_model(str(other)), Runtime())),
        decided_by(scene, Engine(land.model, Runtime(precision="bf16"))),
    ]
    assert len({name, *others}) == len(others) + 1


def test_threads_decide_where_sums_depend_on_them_and_in_openvino_they_do_not(
    land: Engine, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(4).normal(size=(5, 3, 32, 32)).astype(np.float32)
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path))
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("SIGHTLINE_THREADS", threads)
        settings.cache_clear()
        engine = Engine(load_model(str(folder)), Runtime(library="openvino"))
        assert threads_that_decide(engine) == 0
        found.append(engine.forward(values))
    np.testing.assert_array_equal(found[0].token_logits, found[1].token_logits)
    np.testing.assert_array_equal(found[0].embeddings, found[1].embeddings)
    assert threads_that_decide(land) == torch.get_num_threads()
    settings.cache_clear()
