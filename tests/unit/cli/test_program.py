"""Exit statuses, and one line for whatever goes wrong."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

import pytest

from core.cli import program
from core.cli.output import about, print_json, print_line, say_aside
from core.cli.process.quiet import OwnLog
from core.errors import UnreadableFile
from core.settings import Settings
from tests.unit.cli.running import COMMANDS, Sightline


def test_the_help_names_each_command(sightline: Sightline) -> None:
    ran = sightline("--help")
    assert ran.status == 0
    told = ran.out.split("Commands:")[1]
    assert [line.split()[0] for line in told.splitlines() if line.startswith("  ") and line[2] != " "][: len(COMMANDS)] == list(COMMANDS)


def test_without_a_command_the_help_is_shown(sightline: Sightline) -> None:
    assert sightline().out == sightline("--help").out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_its_help(command: str, sightline: Sightline) -> None:
    ran = sightline(command, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert f"sightline {command}" in ran.out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("predikt",), "predict"),
        (("predict",), "PATH"),
        (("predict", "a.dcm"), "--model"),
        (("predict", "a.dcm", "--model", "m", "--colour"), "--colour"),
        (("explain", "a.dcm", "--model", "m", "--method", "rollout", "--out", "o", "--at", "1"), "--at"),
        (("predict", "a.tif", "--model", "m", "--scale", "small"), "--scale"),
        (("evaluate",), "ID"),
        (("change", "a.tif", "--model", "m", "--out", "o"), "AFTER"),
    ],
)
def test_usage_at_fault_is_one_line_that_names_it(arguments: tuple[str, ...], named: str, sightline: Sightline) -> None:
    ran = sightline(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert named in ran.error


def test_with_json_an_error_is_an_object_too(sightline: Sightline, tmp_path: Path) -> None:
    ran = sightline("predict", tmp_path / "a.dcm", "--model", tmp_path / "nowhere", "--json")
    assert ran.status == 2
    assert set(ran.json["error"]) == {"code", "message", "hint"}
    assert str(tmp_path / "nowhere") in ran.error


def test_our_own_fault_is_one_line_with_a_code_and_its_words_go_nowhere(
    sightline: Sightline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = "^".join(("DOE", "JANE"))  # a traceback shows source lines, in which the whole name does not stand

    def broken(*_: object) -> None:
        raise RuntimeError(name)

    monkeypatch.setattr("core.settings.Settings.zoo", property(broken), raising=False)
    with caplog.at_level(logging.ERROR, "sightline"):
        ran = sightline("models")
    assert ran.status == 1
    code = ran.error.split("code ")[1].split(")")[0]
    assert code in caplog.text
    assert "RuntimeError" in caplog.text
    assert name not in caplog.text + ran.err


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC])
def test_a_full_or_closed_disk_is_not_our_fault(number: int, sightline: Sightline, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object, **__: object) -> None:
        raise OSError(number, "no way", "/somewhere/report.pdf")

    monkeypatch.setattr("core.cli.train.print_line", closed)
    monkeypatch.setattr("training.stages.train.train", lambda *_: Path("folder"))
    ran = sightline("train", "recipe.toml", "--data", "d", "--out", "o")
    assert ran.status == 2
    assert "/somewhere" in ran.error


def test_memory_that_gives_out_is_told_as_such(sightline: Sightline, monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("training.stages.train.train", hungry)
    ran = sightline("train", "recipe.toml", "--data", "d", "--out", "o")
    assert ran.status == 1
    assert "memory" in ran.error


def test_control_c_stops_quietly(sightline: Sightline, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.stages.train.train", interrupted)
    ran = sightline("train", "recipe.toml", "--data", "d", "--out", "o")
    assert ran.status == program.STOPPED
    assert "Stopped" in ran.error


def test_a_wrong_setting_is_named(sightline: Sightline, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.settings import settings

    monkeypatch.setenv("SIGHTLINE_DEVICE", "tpu")
    settings.cache_clear()
    try:
        ran = sightline("models")
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert ran.status == 2
    assert "SIGHTLINE_DEVICE" in ran.error


def test_numbers_that_are_none_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"score": float("nan"), "top": float("inf"), "label": ("a", "b")})
    assert capsys.readouterr().out == '{"score": null, "top": null, "label": ["a", "b"]}\n'


def test_a_name_cannot_break_a_line_nor_command_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("a\nb\x1b[31m.dcm")
    say_aside("a\nb\x1b[31m.dcm")
    said = capsys.readouterr()
    assert said.out == "a\\nb\\x1b[31m.dcm\n"
    assert said.err == "sightline: a\\nb\\x1b[31m.dcm\n"


def test_an_error_begins_with_the_file_as_the_user_named_it() -> None:
    assert about("scans/a.dcm", UnreadableFile("a.dcm is a folder.", "Give a file.")) == "scans/a.dcm is a folder. Give a file."
    assert about("scans/a.dcm", UnreadableFile("Frame 1 of a.dcm is damaged.")) == "scans/a.dcm: Frame 1 of a.dcm is damaged."


def test_the_log_is_for_this_user_alone_and_made_only_when_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setattr("core.settings.settings", lambda: Settings(home=home))
    log = OwnLog()
    assert not home.exists()
    log.emit(logging.LogRecord("sightline", logging.ERROR, "file", 1, "it broke", None, None))
    log.close()
    assert "it broke" in (home / "sightline.log").read_text()
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "sightline.log").stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_is_no_further_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("core.settings.settings", lambda: Settings(home=tmp_path / "file"))
    OwnLog().emit(logging.LogRecord("sightline", logging.ERROR, "file", 1, "it broke", None, None))
