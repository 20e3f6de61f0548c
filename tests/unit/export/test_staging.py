"""What is written appears whole or not at all, and what killed processes left goes at the next start."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import InputError
from core.export.staging import LOCK, PREFIX, resumable_folder, staged, whole_file

WRITER = """
import sys, time
from pathlib import Path
from core.export.staging import staged
with staged(Path(sys.argv[1])) as folder:
    (folder / "half.txt").write_text("half")
    print("begun", flush=True)
    time.sleep(60)
"""


def begin_writing(out: Path) -> subprocess.Popen[str]:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(out)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None and writer.stdout.readline().strip() == "begun"
    return writer


def hidden(out: Path) -> list[str]:
    return [file.name for file in out.iterdir() if file.name.startswith(PREFIX)]


def test_what_a_killed_process_left_goes_at_the_next_start_and_what_a_living_one_holds_stays(tmp_path: Path) -> None:
    killed, living = begin_writing(tmp_path), begin_writing(tmp_path)
    try:
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=10)
        assert len(hidden(tmp_path)) == 2
        with staged(tmp_path) as folder:
            (folder / "whole.txt").write_text("whole")
        assert len(hidden(tmp_path)) == 1
        assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["whole.txt"]
    finally:
        living.kill()
        living.communicate(timeout=10)


def test_files_of_an_earlier_run_do_not_stay_beside_the_new_ones(tmp_path: Path) -> None:
    for name in ("report-1.png", "report-2.png", "notes.txt"):
        (tmp_path / name).write_text("old")
    with staged(tmp_path, replacing=("report-*.png",)) as folder:
        (folder / "report-1.png").write_text("new")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["notes.txt", "report-1.png"]
    assert (tmp_path / "report-1.png").read_text() == "new"


def test_a_disk_that_fills_leaves_the_folder_as_it_was_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("of the patient before")
    with pytest.raises(InputError, match="is full"), staged(tmp_path) as folder:
        (folder / "report.md").write_text("of the next")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert [file.name for file in tmp_path.iterdir()] == ["report.md"]
    assert (tmp_path / "report.md").read_text() == "of the patient before"


def test_an_error_of_another_file_is_not_told_of_a_folder_that_was_made_for_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), staged(tmp_path / "new"):
        (tmp_path / "missing").read_bytes()
    assert not (tmp_path / "new").exists()


def test_nothing_appears_where_a_folder_stands_in_the_place_of_one_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(InputError, match=r"report\.json cannot be written: a folder of that name"), staged(tmp_path) as folder:
        (folder / "a.txt").write_text("a")
        (folder / "report.json").write_text("{}")
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_one_file_appears_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path / "areas.csv") as made:
        made.write_text("whole")
        assert not (tmp_path / "areas.csv").exists()
    assert [file.name for file in tmp_path.iterdir()] == ["areas.csv"]


def test_what_can_be_taken_over_stays_for_whoever_asks_for_it_by_name_and_goes_for_all_others(tmp_path: Path) -> None:
    name = f"{PREFIX}strips-1"
    for keeping, left in ((name, ["done"]), ("", [])):
        (tmp_path / name).mkdir(exist_ok=True)
        for file in (LOCK, "done"):
            (tmp_path / name / file).write_text("of a process that was killed")
        with staged(tmp_path, keeping=keeping), resumable_folder(tmp_path, name) as folder:
            assert [file.name for file in folder.iterdir() if file.name != LOCK] == left
            with pytest.raises(InputError, match="already"), resumable_folder(tmp_path, name):
                pass
        assert hidden(tmp_path) == []
