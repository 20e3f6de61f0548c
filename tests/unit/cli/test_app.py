"""`sightline app`: where it listens, and when it will not."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.app import command, environment, is_local, refuse_an_open_door
from core.errors import InputError
from core.settings import PROJECT, Settings
from tests.unit.cli.running import Sightline


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("[::1]", True), ("localhost", True), ("LocalHost", True),
        ("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("example.org", False), ("", False),
    ],
)  # fmt: skip
def test_only_addresses_of_this_machine_are_local(address: str, local: bool) -> None:
    assert is_local(address) is local


def test_a_wider_address_needs_a_password() -> None:
    with pytest.raises(InputError, match="SIGHTLINE_PASSWORD") as refusal:
        refuse_an_open_door(Settings(address="0.0.0.0"))
    assert refusal.value.exit_status == 2
    with pytest.raises(InputError, match="too few"):
        refuse_an_open_door(Settings(address="0.0.0.0", password="sesame"))
    refuse_an_open_door(Settings(address="0.0.0.0", password="open sesame"))
    refuse_an_open_door(Settings(password="sesame"))
    refuse_an_open_door(Settings())


def test_the_settings_are_what_streamlit_is_told() -> None:
    told = command(Settings(address="::1", port=9000, upload_mb=7))
    assert told[1:3] == ["-m", "core.ui.shell.serve"]
    assert {"--server.address=::1", "--server.port=9000", "--server.maxUploadSize=7", "--browser.gatherUsageStats=false"} <= set(told)
    assert not any("sesame" in word for word in command(Settings(password="sesame")))


def test_folders_stay_where_the_user_meant_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGHTLINE_HOME", "state")
    told = environment(Settings(home=tmp_path / "state", roots=(tmp_path / "a", tmp_path / "b")))
    assert told["SIGHTLINE_HOME"] == str(tmp_path / "state")
    assert told["SIGHTLINE_ROOTS"] == f"{tmp_path / 'a'}:{tmp_path / 'b'}"


def test_the_process_becomes_the_application(sightline: Sightline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    begun: list[list[str]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("core.cli.app.settings", lambda: Settings(port=9001))
    monkeypatch.setattr("os.execve", lambda program, arguments, environment: begun.append(arguments))
    assert sightline("app").status == 0
    assert "--server.port=9001" in begun[0]
    assert Path.cwd() == PROJECT


def test_an_open_door_is_refused_in_one_line(sightline: Sightline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.cli.app.settings", lambda: Settings(address="0.0.0.0"))
    ran = sightline("app")
    assert ran.status == 2
    assert "SIGHTLINE_PASSWORD" in ran.error
