"""Downloads: what was promised, from where it may come, whole or not at all."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from core.errors import Cancelled, CannotWrite, Offline, TooLarge, UnsafeFile
from core.settings import PROJECT, settings
from core.sources import download
from core.sources.hosts import host_of, is_public
from tests.unit.sources.conftest import CONTENT, DIGEST, Handler


def test_a_file_arrives_whole_and_progress_is_told(host: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = download(
        f"{host}/a", tmp_path / "new" / "a", sha256=DIGEST, size=len(CONTENT), progress=lambda done, total: seen.append((done, total))
    )
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize(
    ("path", "limits", "words"),
    [
        ("/dripping", {"DOWNLOAD_MINUTES": "0.01", "DOWNLOAD_LEAST_KBS": "0"}, "was not done in 0.01 minutes"),
        ("/dripping", {}, "sends less than 10 kB a second"),
        ("/dripping-head", {"DOWNLOAD_TIMEOUT_S": "0.5"}, "could not be reached, or broke off"),
    ],
)
def test_a_host_that_drips_is_given_up(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, limits: dict[str, str], words: str
) -> None:
    for name, value in limits.items():
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    settings.cache_clear()
    monkeypatch.setattr("core.sources.pace.RATE_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(Offline, match=words):
        download(host + path, tmp_path / "a")
    assert time.monotonic() - began < 5.0
    assert nothing_left(tmp_path)


def test_what_a_killed_download_left_goes_with_the_next_and_one_that_goes_on_stays(host: str, tmp_path: Path) -> None:
    code = f"""
import os, sys
from pathlib import Path
from core.sources import download
download("{host}/a", Path(sys.argv[1]), progress=lambda done, total: os.kill(os.getpid(), 9))
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b")], cwd=PROJECT, check=False)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".download-")
    seen: list[set[Path]] = []

    def inner(done: int, total: int | None) -> None:
        if not seen:
            seen.append(set(tmp_path.iterdir()))
            download(f"{host}/a", tmp_path / "c")

    download(f"{host}/a", tmp_path / "a", progress=inner)
    assert left not in seen[0] and len(seen[0]) == 1
    assert sorted(made.name for made in tmp_path.iterdir()) == ["a", "c"]


def test_a_disk_without_room_is_not_the_fault_of_the_network(host: str, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(CannotWrite, match="is full"):
            download(f"{host}/a", tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert nothing_left(tmp_path)


def test_a_redirect_is_followed(host: str, tmp_path: Path) -> None:
    assert download(f"{host}/to//a", tmp_path / "a").read_bytes() == CONTENT


def nothing_left(folder: Path) -> bool:
    return list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [
        ("/missing", {}, "answered 404"),
        ("/loop", {}, "redirects again and again"),
        ("/a", {"sha256": "0" * 64}, "not the file that was promised"),
        ("/short", {}, "broke off after 256000 of 257000 bytes"),
        ("/endless", {"size": len(CONTENT) + 1}, "broke off"),
    ],
)
def test_another_file_than_promised_is_refused_and_leaves_nothing(
    host: str, tmp_path: Path, path: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(Offline, match=words):
        download(host + path, tmp_path / "a", **options)
    assert nothing_left(tmp_path)


def test_more_than_promised_is_refused(host: str, tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="larger than promised"):
        download(f"{host}/endless", tmp_path / "a", size=1000)
    assert nothing_left(tmp_path)


def test_a_download_can_be_stopped(host: str, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        download(f"{host}/a", tmp_path / "a", cancelled=lambda: True)
    assert nothing_left(tmp_path)


def test_an_earlier_file_stays_when_a_download_fails(host: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("earlier")
    with pytest.raises(Offline):
        download(f"{host}/missing", tmp_path / "a")
    assert (tmp_path / "a").read_text() == "earlier"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "/etc/passwd",
        "https://",
        "https://127.0.0.1/a",
        "https://localhost/a",
        "https://10.0.0.1/a",
        "https://192.168.1.1/a",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://[fe80::1]/a",
        "https://0.0.0.0/a",
        "https://0x7f000001/a",
        "https://2130706433/a",
        "https://example.org:99999/a",
        "https://example.org:0/a",
        "https://example.org:x/a",
        "https://jane:secret@example.org/a",
        "https://jane@example.org/a",
        "https://[::1/a",
        "https://[example.org]/a",
        "https://a..b/a",
        f"https://{'a' * 64}.org/a",
        "https://exam\u2100ple.org/a",
        "https://exam ple.org/a",
        "https://example.org/a\r\nHost: evil",
        "https://example.org\x00/a",
        "https://[fec0::1]/a",
        "https://[::10.0.0.1]/a",
        "https://[::ffff:169.254.169.254]/a",
        "https://[64:ff9b::10.0.0.1]/a",
        "https://[64:ff9b:1::10.0.0.1]/a",
        "https://[2002:a00:1::]/a",
        "https://[2002:7f00:1::1]/a",
        "https://[fe80::1%25eth0]/a",
        "https://[ff0e::1]/a",
    ],
)
def test_only_public_https_hosts_are_asked(tmp_path: Path, url: str) -> None:
    with pytest.raises(UnsafeFile):
        download(url, tmp_path / "a")


@pytest.mark.parametrize(
    "where", ["http://example.org/a", "https://10.0.0.1/a", "file:///etc/passwd", "https://[::1", "https://me@example.org/"]
)
def test_a_redirect_is_judged_like_the_first_address(host: str, tmp_path: Path, where: str) -> None:
    with pytest.raises(UnsafeFile):
        download(f"{host}/to/{where}", tmp_path / "a")


def test_a_public_name_with_a_private_number_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*arguments: Any, **options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, 443)) for number in ("93.184.215.14", "192.168.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(UnsafeFile, match="not a public host"):
        download("https://example.org/a", tmp_path / "a")


@pytest.mark.parametrize(
    "number", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e", "::ffff:93.184.215.14"]
)
def test_public_numbers_may_be_asked_in_each_form_that_networks_use(number: str) -> None:
    assert is_public(number)


def test_an_address_in_another_script_is_asked_for_as_networks_know_it() -> None:
    asked = host_of("https://bücher.example/käse und brot.tif".replace(" ", "%20"), may_be_local=False)
    assert (asked.name, asked.path) == ("xn--bcher-kva.example", "/k%C3%A4se%20und%20brot.tif")


def test_this_machine_is_not_asked_where_no_setting_says_so(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGHTLINE_LOCAL_DOWNLOADS")
    settings.cache_clear()
    with pytest.raises(UnsafeFile, match="is not asked"):
        download(f"{host}/a", tmp_path / "a")
    assert Handler.requests == []


def test_localhost_is_not_asked_for_somebody_else(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_ADDRESS", "0.0.0.0")
    settings.cache_clear()
    try:
        with pytest.raises(UnsafeFile):
            download(f"{host}/a", tmp_path / "a")
    finally:
        settings.cache_clear()
    assert Handler.requests == []


def test_without_a_network_the_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*arguments: Any, **options: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(Offline, match=r"example\.org could not be reached") as caught:
        download("https://example.org/a", tmp_path / "a")
    assert "Check the network" in caught.value.hint
