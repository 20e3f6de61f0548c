"""What one browser and all together may have open is bounded, before the bytes come and as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import streamlit as st
from streamlit import runtime
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from core.errors import TooLarge
from core.settings import PROJECT, settings
from core.ui.shell.admission import COOKIE, new_name
from core.ui.shell.allowance import MEGABYTE, allowance
from core.ui.shell.request_guard import Door
from core.ui.state.uploads import OpenFolder

MINE, OTHER = new_name(), new_name()


@pytest.fixture(autouse=True)
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two megabytes a browser, three for all."""
    for name, value in (("HOME", str(tmp_path)), ("USER_MB", "2"), ("SERVER_MB", "3")):
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    settings.cache_clear()
    allowance.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()
    allowance.cache_clear()


def put(browser: str, size: int, announced: int | None = None, tab: str = "tab", chunk: int = 64_000) -> tuple[int, str, int]:
    """An upload: status, sentence, and how many of its bytes came through the door. announced: its Content-Length, None without."""
    sent: list[dict[str, Any]] = []
    left, taken = [size], [0]
    headers = [(b"host", b"localhost:8501"), (b"cookie", f"{COOKIE}={browser}".encode())]
    headers += [(b"content-length", str(announced).encode())] if announced is not None else []
    scope = {"type": "http", "method": "PUT", "path": f"/_stcore/upload_file/{tab}/file", "query_string": b"", "headers": headers}

    async def receive() -> dict[str, Any]:
        body = bytes(min(chunk, left[0]))
        left[0] -= len(body)
        return {"type": "http.request", "body": body, "more_body": left[0] > 0}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        is_more = True
        while is_more:
            message = await receive()
            taken[0] += len(message["body"])
            is_more = message["more_body"]
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(Door(inside)(scope, receive, send))).result()  # type: ignore[arg-type]
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode(), taken[0]


def test_what_is_announced_as_too_much_is_refused_before_a_byte_is_taken() -> None:
    status, sentence, taken = put(MINE, 3 * MEGABYTE, announced=3 * MEGABYTE)
    assert (status, taken) == (413, 0)
    assert sentence == "With this more than 2 MB would be open in this browser. Close what you no longer need.\n"
    assert f"{allowance().refusal('tab')}\n" == sentence  # for the page, once
    assert allowance().refusal("tab") is None


@pytest.mark.parametrize("announced", [None, 10, 2 * MEGABYTE])
def test_what_comes_without_being_announced_is_refused_when_it_becomes_too_much(announced: int | None) -> None:
    status, _, taken = put(MINE, 30 * MEGABYTE, announced)
    assert status == 413
    assert taken < 2.2 * MEGABYTE


def test_what_fits_is_taken_and_nothing_of_it_counts_when_it_is_gone() -> None:
    for _ in range(5):
        assert put(MINE, MEGABYTE, MEGABYTE)[0] == 204
    assert allowance().held(MINE) == (0, 0)


def test_what_lies_in_open_folders_counts_for_its_browser_and_for_all_until_it_is_closed() -> None:
    folder = OpenFolder(MINE)
    (folder.path / "00000").mkdir()
    (folder.path / "00000" / "scan.dcm").write_bytes(bytes(3 * MEGABYTE // 2))
    assert put(MINE, MEGABYTE, MEGABYTE)[0] == 413
    assert put(OTHER, MEGABYTE, MEGABYTE)[0] == 204
    status, sentence, _ = put(OTHER, 2 * MEGABYTE, 2 * MEGABYTE)
    assert status == 413 and "more than 3 MB would be open on this server" in sentence
    folder.remove()
    assert put(MINE, 2 * MEGABYTE, 2 * MEGABYTE)[0] == 204


def test_uploads_that_no_page_has_taken_count() -> None:
    with patch.object(runtime.Runtime, "_instance", None):
        store: Any = st.App(PROJECT / "app.py")._create_runtime().uploaded_file_mgr
        assert put(MINE, 10, 10, tab="a tab")[0] == 204
        store.add_file("a tab", UploadedFileRec("id", "scan.dcm", "", bytes(3 * MEGABYTE // 2)))
        assert put(MINE, MEGABYTE, MEGABYTE, tab="a tab")[0] == 413


def test_uploads_at_the_same_time_are_counted_together() -> None:
    with allowance().arriving(MINE, "one", MEGABYTE), allowance().arriving(MINE, "two", MEGABYTE):
        assert put(MINE, 100, 100, tab="three")[0] == 413
    assert put(MINE, 100, 100, tab="three")[0] == 204


def test_who_announces_much_and_sends_nothing_keeps_nobody_else_out() -> None:
    with allowance().arriving(OTHER, "a", 2 * MEGABYTE), allowance().arriving("two", "b", 2 * MEGABYTE):
        assert put(MINE, 2 * MEGABYTE, 2 * MEGABYTE)[0] == 204
        assert put(OTHER, 100, 100)[0] == 413


def test_downloads_and_results_begin_only_where_there_is_room() -> None:
    folder = OpenFolder(MINE)
    (folder.path / "large").write_bytes(bytes(2 * MEGABYTE + 1))
    with pytest.raises(TooLarge, match="more than 2 MB would be open in this browser"):
        OpenFolder(MINE)
    assert len(list(folder.path.parent.iterdir())) == 1
    OpenFolder(OTHER)
