"""Told to end, in processes of their own: status 130, one line, nothing half-written and nothing unpacked left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from core.cli.process.interrupt import STOPPED, Interrupt
from core.errors import Cancelled
from core.inference.batcher import Batcher
from tests.unit.cli.running import write_picture, write_scene

PROJECT = Path(__file__).resolve().parents[3]
SCRIPT = Path(sys.executable).with_name("sightline")
PATIENCE_SECONDS = 120.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SIDE = 3_000
"""Pixels a side of a scene that takes longer than these tests wait for."""
STOPPED_LINE = "sightline: Stopped.\n"
INTERRUPTED_IMPORT = """
import os, signal, sys
from importlib.abc import MetaPathFinder
class Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {name!r} and not hasattr(self, "is_done"):
            self.is_done = True
            try:
                os.kill(os.getpid(), signal.SIGINT)
                sum(range(100))
            except KeyboardInterrupt:
                if {is_raised}:
                    raise
sys.meta_path.insert(0, Finder())
from core.cli import main
main()
"""


def heard() -> None:
    """In the child: signals that this process may have been told to ignore are taken again."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def start(*arguments: object, environment: Mapping[str, str], prepare: Callable[[], None] = heard) -> subprocess.Popen[str]:
    told = [str(argument) for argument in arguments]
    return subprocess.Popen(
        told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT, env={**os.environ, **environment}, preexec_fn=prepare
    )


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


def files_below(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(temporary: Path, tmp_path: Path) -> dict[str, str]:
    return {"TMPDIR": str(temporary), "SIGHTLINE_HOME": str(tmp_path / "home"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "torch")}


@pytest.fixture(scope="session")
def large_scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("large")
    return [write_scene(folder / f"2020-0{month}-01.tif", month, SIDE, SIDE) for month in (1, 2)]


@pytest.mark.parametrize("name", ["typer", "core.cli.program", "core.settings"])
def test_control_c_in_the_first_moments_shows_no_traceback(name: str, environment: dict[str, str]) -> None:
    process = start(sys.executable, "-c", INTERRUPTED_IMPORT.format(name=name, is_raised=True), environment=environment)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out, err) == (STOPPED, "", STOPPED_LINE)


@pytest.mark.slow
def test_an_interrupt_that_a_library_swallows_is_heeded_all_the_same(
    environment: dict[str, str], large_scenes: list[Path], tmp_path: Path
) -> None:
    code = INTERRUPTED_IMPORT.format(name="core.change.detect", is_raised=False)
    arguments = ("change", *large_scenes, "--method", "mad", "--out", tmp_path / "out")
    process = start(sys.executable, "-c", code, *arguments, environment=environment)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out, err) == (STOPPED, "", STOPPED_LINE)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "command"), [(signal.SIGINT, "map"), (signal.SIGTERM, "map"), (signal.SIGHUP, "change")])
def test_a_command_that_is_told_to_end_leaves_nothing(
    number: signal.Signals,
    command: str,
    environment: dict[str, str],
    temporary: Path,
    large_scenes: list[Path],
    cover_model: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    scenes = large_scenes[:1] if command == "map" else large_scenes
    process = start(SCRIPT, command, *scenes, "--model", cover_model, "--out", out, environment=environment)
    wait_for(lambda: bool(files_below(out)), process)
    time.sleep(0.5)  # into the middle of a pass
    process.send_signal(number)
    process.send_signal(number)  # keys are pressed twice
    told = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, *told) == (STOPPED, "", STOPPED_LINE)
    assert not out.exists()
    assert files_below(temporary) == []


@pytest.mark.slow
def test_what_was_unpacked_goes_with_the_process_or_with_the_next_start(
    environment: dict[str, str], temporary: Path, radiograph_model: Path, tmp_path: Path
) -> None:
    picture = write_picture(tmp_path / "a.png", shape=(400, 400))
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(3_000):
            archive.write(picture, f"{number}.png")
    command = (SCRIPT, "predict", tmp_path / "many.zip", "--model", radiograph_model)
    for number in (signal.SIGHUP, signal.SIGKILL):
        process = start(*command, environment=environment)
        wait_for(lambda: len(files_below(temporary)) > 10, process)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == (STOPPED if number == signal.SIGHUP else -number)
        assert (files_below(temporary) == []) is (number == signal.SIGHUP)
    subprocess.run(
        [str(SCRIPT), "predict", str(picture), "--model", str(radiograph_model)],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
    )
    assert files_below(temporary) == []
    shutil.rmtree(temporary)


def test_a_process_that_shall_outlive_its_terminal_does(environment: dict[str, str]) -> None:
    """As `nohup` starts it."""

    def prepare() -> None:
        heard()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    code = "import os, signal; from core.cli.process.interrupt import listen; listen(); os.kill(os.getpid(), signal.SIGHUP); print('alive')"
    process = start(sys.executable, "-c", code, environment=environment, prepare=prepare)
    assert process.communicate(timeout=PATIENCE_SECONDS) == ("alive\n", "")


def test_a_second_signal_within_moments_does_not_interrupt_the_cleaning_up() -> None:
    told = Interrupt()
    with pytest.raises(KeyboardInterrupt):
        told(signal.SIGINT, None)
    told(signal.SIGINT, None)
    assert told.was_told


def test_a_batcher_that_is_closed_ends_its_thread_after_the_pass_and_answers_nobody_any_more() -> None:
    passes = []

    def compute(values: np.ndarray) -> dict[str, np.ndarray]:
        time.sleep(0.2)
        passes.append(len(values))
        return {"logits": values}

    batcher = Batcher(compute, 4, 0.0, "closing")
    inputs = np.zeros((1, 1, 2, 2), dtype=np.float32)
    batcher.forward(inputs)
    owner = batcher._thread
    assert owner is not None and owner.is_alive()
    batcher.close()
    assert not owner.is_alive()
    with pytest.raises(Cancelled):
        batcher.forward(inputs)
    batcher.close()
    assert passes == [1]
