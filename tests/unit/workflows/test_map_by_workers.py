"""`sightline map --workers N`: several processes make the map of one, and killed with no chance to clean up they go on where they were."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from core.cli.process.interrupt import STOPPED
from core.export.staging import PREFIX
from core.types import Domain
from tests.tiny import write_tiny_model
from tests.unit.cli.running import Sightline, write_scene
from tests.unit.cli.test_interrupt import PATIENCE_SECONDS, PROJECT, SCRIPT, STOPPED_LINE, files_below, heard, wait_for

ROWS, COLUMNS = 2_600, 400
"""Of a scene of five strips."""
RASTERS = ("landcover.tif", "confidence.tif", "outside.tif", "uncertainty.tif", "unstable.tif")


@pytest.fixture
def sightline(capsys: pytest.CaptureFixture[str]) -> Sightline:
    return Sightline(capsys)


@pytest.fixture(scope="module")
def cover_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny-cover", Domain.LAND_COVER)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(tmp_path_factory.mktemp("scenes") / "tall.tif", 5, ROWS, COLUMNS)


def hashes(out: Path) -> dict[str, str]:
    return {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in (*RASTERS, "areas.csv")}


def started(scene: Path, model: Path, out: Path, home: Path) -> subprocess.Popen[str]:
    command = [str(part) for part in (SCRIPT, "map", scene, "--model", model, "--out", out, "--workers", 2, "--json")]
    environment = {**os.environ, "SIGHTLINE_HOME": str(home)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=PROJECT, env=environment, preexec_fn=heard)


def strips(out: Path) -> list[Path]:
    return sorted(out.glob(f"{PREFIX}strips-*/*.npz"))


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that compute: those of them that are no tracker of multiprocessing."""
    children = psutil.Process(process.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


@pytest.mark.slow
def test_processes_that_are_killed_in_mid_scene_go_on_and_make_the_same_files(
    scene: Path, cover_model: Path, tmp_path: Path, sightline: Sightline
) -> None:
    assert sightline("map", scene, "--model", cover_model, "--out", tmp_path / "alone").status == 0
    out = tmp_path / "out"
    first = started(scene, cover_model, out, tmp_path / "home")
    wait_for(lambda: len(strips(out)) >= 1, first)
    workers_of(first)[0].kill()  # one of two, which is replaced
    wait_for(lambda: len(strips(out)) >= 3, first)
    left = workers_of(first)
    first.kill()
    first.communicate(timeout=PATIENCE_SECONDS)
    psutil.wait_procs(left, timeout=PATIENCE_SECONDS)
    assert not any(worker.is_running() for worker in left), "no process computes for nobody"
    done = {strip: strip.stat().st_mtime_ns for strip in strips(out)}
    assert done and not (out / RASTERS[0]).exists()

    second = started(scene, cover_model, out, tmp_path / "home")
    wait_for(lambda: len(strips(out)) > len(done) or not strips(out), second)
    assert {strip: strip.stat().st_mtime_ns for strip in strips(out) if strip in done} in (done, {})
    _, err = second.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == 0, err
    assert f"{len(done)} of the 5 strips of the scene were taken over" in err
    assert hashes(out) == hashes(tmp_path / "alone")
    assert not list(out.glob(f"{PREFIX}*"))


@pytest.mark.slow
def test_processes_that_are_told_to_end_leave_nothing(scene: Path, cover_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = started(scene, cover_model, out, tmp_path / "home")
    wait_for(lambda: len(strips(out)) >= 1, process)
    left = workers_of(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, err) == (STOPPED, STOPPED_LINE)
    assert not out.exists() and not any(worker.is_running() for worker in left)


def test_a_number_of_processes_below_one_is_refused(scene: Path, cover_model: Path, tmp_path: Path, sightline: Sightline) -> None:
    ran = sightline("map", scene, "--model", cover_model, "--out", tmp_path / "out", "--workers", 0)
    assert ran.status == 2 and "--workers" in ran.error and files_below(tmp_path / "out") == []
