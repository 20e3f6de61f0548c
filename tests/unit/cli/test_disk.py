"""Disks that are full, closed or gone, and streams that nobody can write: one sentence with the name, exit 2, and nothing half-written."""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import CannotWrite, NotFound
from core.export.staging import check_writable, staged
from core.workflows.faults import our_fault
from tests.unit.cli.running import Sightline, write_picture, write_scene

SCRIPT = Path(sys.executable).with_name("sightline")
FULL = Path("/dev/full")
CLOSED_FOLDER = Path("/proc/nowhere/here")
"""Not even root makes a folder there."""
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """As on a disk with so much room: no file grows beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def shell(words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = f"set -o pipefail; sightline() {{ '{SCRIPT}' \"$@\"; }}; {words}"
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, env={**os.environ, **environment}, check=False)


@pytest.fixture
def scenes(tmp_path: Path) -> list[Path]:
    return [write_scene(tmp_path / f"2020-0{month}-01.tif", month, 64, 64) for month in (1, 2)]


def change(scenes: list[Path], out: Path) -> list[object]:
    return ["change", *scenes, "--method", "mad", "--out", out]


@pytest.mark.parametrize("size", [2_000, 60_000])
def test_a_comparison_on_a_full_disk_says_so_and_leaves_what_was_there(
    size: int, scenes: list[Path], sightline: Sightline, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.md").write_text("of another place")
    with files_at_most(size):
        ran = sightline(*change(scenes, out))
    assert ran.status == 2
    assert f"{out} is full" in ran.error
    assert [file.name for file in out.iterdir()] == ["report.md"]


@pytest.mark.parametrize("size", [1_000, 10_000, 30_000])
def test_a_map_on_a_full_disk_says_so_and_leaves_nothing(
    size: int, scenes: list[Path], cover_model: Path, sightline: Sightline, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with files_at_most(size):
        ran = sightline("map", scenes[0], "--model", cover_model, "--out", out)
    assert ran.status == 2
    assert f"{out} is full" in ran.error
    assert not out.exists()


def test_rasters_and_report_appear_together(
    scenes: list[Path], cover_model: Path, sightline: Sightline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("core.workflows.report_files.pdf.write", full)
    for command in (["map", scenes[0], "--model", cover_model, "--out", tmp_path / "out"], change(scenes, tmp_path / "out")):
        ran = sightline(*command)
        assert ran.status == 2
        assert not (tmp_path / "out").exists()


def test_what_an_earlier_comparison_wrote_does_not_stay_beside_the_next(
    scenes: list[Path], cover_model: Path, sightline: Sightline, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert sightline("change", *scenes, "--model", cover_model, "--out", out).status == 0
    assert (out / "landcover_before.tif").exists() and (out / "transitions.csv").exists()
    assert sightline(*change(scenes, out)).status == 0
    assert not list(out.glob("landcover_*")) and not (out / "transitions.csv").exists()


def test_pairs_of_several_dates_appear_in_their_folders_with_their_reports(
    scenes: list[Path], sightline: Sightline, tmp_path: Path
) -> None:
    third = write_scene(tmp_path / "2020-03-01.tif", 3, 64, 64)
    ran = sightline(*change([*scenes, third], tmp_path / "out"), "--json")
    assert ran.status == 0
    assert sorted(folder.name for folder in (tmp_path / "out").iterdir()) == ["01-02", "01-03", "02-03"]
    for pair in ran.json["pairs"]:
        named = [pair["change"], pair["score"], pair["polygons"], *pair["report"]]
        assert all(Path(file).is_file() and Path(file).parent == tmp_path / "out" / pair["name"] for file in named)


@pytest.mark.parametrize("command", ["explain", "report", "map", "change", "train"])
def test_a_folder_that_cannot_be_made_is_named_before_the_work(
    command: str, scenes: list[Path], cover_model: Path, sightline: Sightline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begun(*_: object) -> None:
        raise AssertionError("a model was opened first")

    monkeypatch.setattr("core.inference.engine.engine_for", begun)
    monkeypatch.setattr("training.stages.train.train", begun)
    paths = [scenes[0]] if command != "change" else scenes
    method = ["--method", "occlusion"] if command == "explain" else []
    model = ["--model", cover_model] if command != "train" else ["--data", scenes[0].parent]
    ran = sightline(command, *paths, *model, *method, "--out", CLOSED_FOLDER)
    assert ran.status == 2
    assert str(CLOSED_FOLDER) in ran.error


@pytest.mark.slow
def test_the_doctor_names_a_home_that_cannot_be_made_and_what_needs_none_goes_on(tmp_path: Path, radiograph_model: Path) -> None:
    picture = write_picture(tmp_path / "a.png")
    home = {"SIGHTLINE_HOME": str(CLOSED_FOLDER)}
    asked = shell("sightline doctor --json", **home)
    assert asked.returncode == 2
    assert str(CLOSED_FOLDER) in asked.stderr and len(asked.stderr.splitlines()) == 1
    assert json.loads(asked.stdout)["home"]["error"]["code"] == "folder.unwritable"
    assert shell(f"sightline predict {picture} --model {radiograph_model}", **home).returncode == 0
    started = shell("sightline app", **home)
    assert started.returncode == 2
    assert str(CLOSED_FOLDER) in started.stderr and "Traceback" not in started.stderr


def test_a_home_that_can_be_made_is_not_made_by_looking(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").touch()
    with pytest.raises(Exception, match="a file is in its way"):
        check_writable(tmp_path / "file" / "a")


def test_an_archive_without_room_to_unpack_is_told_and_the_other_files_are_answered(
    tmp_path: Path, radiograph_model: Path, sightline: Sightline, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = write_picture(tmp_path / "a.png", shape=(300, 300))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(picture, "a.png")
    with files_at_most(200):
        ran = sightline("predict", picture, tmp_path / "b.zip", "--model", radiograph_model, "--json")
    assert ran.status == 0
    assert ["error" in line for line in ran.lines] == [False, True]
    assert ran.lines[1]["error"]["code"] == "folder.unwritable"
    monkeypatch.setattr("core.cli.sources.tempfile.gettempdir", lambda: str(CLOSED_FOLDER))
    ran = sightline("predict", picture, tmp_path / "b.zip", "--model", radiograph_model, "--json")
    assert ["error" in line for line in ran.lines] == [False, True]
    assert str(CLOSED_FOLDER) in ran.lines[1]["error"]["message"]


def test_a_folder_that_is_deleted_under_the_work_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="not there any more"), staged(tmp_path / "out") as folder:
        shutil.rmtree(tmp_path / "out")
        (folder / "report.md").write_text("half")


def test_a_file_that_vanishes_while_it_is_open_is_told_by_its_name_and_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "sightline"):
        try:
            (tmp_path / "DOE_JANE.dcm").open("rb")
        except OSError as error:
            told = our_fault(error)
    assert isinstance(told, NotFound) and told.exit_status == 2
    assert "DOE_JANE.dcm is not there any more" in str(told)
    assert caplog.text == ""


def test_a_log_that_cannot_grow_shows_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "import logging, resource; from core.cli.process.quiet import quieten; quieten(); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)); logging.getLogger('sightline.x').error('it broke in a long way')"
    )
    project = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "SIGHTLINE_HOME": str(tmp_path / "home")}
    ran = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, env=environment, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@needs_full
@pytest.mark.parametrize("command", ["--help", "map --help", pytest.param("models --json", marks=pytest.mark.slow)])
def test_standard_output_that_is_full_is_one_sentence(command: str) -> None:
    ran = shell(f"sightline {command} > /dev/full")
    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1 and "Traceback" not in ran.stderr
    assert "Standard output" in ran.stderr


@pytest.mark.parametrize("command", ["--help", pytest.param("models", marks=pytest.mark.slow)])
def test_whoever_stops_reading_is_left_in_peace(command: str) -> None:
    ran = shell(f"sightline {command} | true")
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&- <&-", "2>/dev/full"])
def test_streams_that_are_closed_break_nothing(streams: str) -> None:
    ran = shell(f"sightline map --nonsense {streams}")
    assert ran.returncode == 2
    assert "Traceback" not in ran.stdout + ran.stderr
