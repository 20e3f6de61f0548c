"""Who is let in: known hosts, one origin, closed paths, the sign-in before uploads and media, headers on every answer."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse

from core.ui.shell.admission import COOKIE, Admission, admission, name_in, new_name
from core.ui.shell.base_path import address_of, path_below_base
from core.ui.shell.origin_key import KEY, SCRIPT, told
from core.ui.shell.request_guard import ENTER, HEADERS, TICKET, Door

BROWSER = new_name()
KEY_OF_PAGE = "0" * 64


def ask(path: str = "/", method: str = "GET", kind: str = "http", **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer; 101 for a websocket that reached Streamlit, 1008 for one that was closed."""
    sent: list[dict[str, Any]] = []
    lines = {"host": "localhost:8501", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": kind, "method": method, "path": path, "query_string": b"", "headers": [(n.encode(), v.encode()) for n, v in lines.items()],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await PlainTextResponse("inside")(scope, receive, send)

    with ThreadPoolExecutor(1) as thread:  # a browser test of the same process leaves a loop running in this one
        thread.submit(lambda: asyncio.run(Door(inside)(scope, receive, send))).result()  # type: ignore[arg-type]
    first = sent[0]
    if kind == "websocket":
        return (101 if first["type"] == "websocket.accept" else first["code"]), {}
    return first["status"], {name.decode(): value.decode() for name, value in first["headers"]}


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST"])
def test_this_machine_is_answered_by_each_of_its_names(host: str) -> None:
    assert ask(host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8501", "192.168.1.7:8501", "", "[", "127.0.0.1.nip.example"])
def test_a_name_that_another_site_made_point_here_is_not_answered(host: str) -> None:
    assert ask(host=host)[0] == 421
    assert ask("/_stcore/stream", kind="websocket", host=host)[0] == 1008


def test_a_host_of_the_settings_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_HOSTS", "reading-room.example, other.example")
    assert ask(host="Reading-Room.example:443")[0] == 200
    assert ask(host="third.example")[0] == 421


def test_the_address_that_the_server_listens_on_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_ADDRESS", "192.0.2.5")
    assert ask(host="192.0.2.5:8501")[0] == 200
    assert ask(host="192.0.2.6:8501")[0] == 421
    assert ask(host="")[0] == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3000", "http://127.0.0.1:8501", "null", "http://["])
def test_a_page_of_another_origin_or_port_cannot_drive_the_server(origin: str) -> None:
    assert ask("/_stcore/stream", kind="websocket", origin=origin)[0] == 1008
    assert ask("/_stcore/upload_file/a/b", "PUT", origin=origin)[0] == 403


def test_the_own_page_can() -> None:
    assert ask("/_stcore/stream", kind="websocket", origin="http://localhost:8501")[0] == 101


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/agent/interact", "/_stcore/agent/mcp"])
def test_paths_that_tell_of_the_server_are_closed(path: str) -> None:
    assert ask(path)[0] == 404


def test_every_answer_has_the_headers_and_names_the_browser_once() -> None:
    status, headers = ask()
    assert status == 200
    assert {name.lower() for name in HEADERS} <= {name.lower() for name in headers}
    given = headers["set-cookie"]
    assert "HttpOnly" in given and "SameSite=Strict" in given
    assert "set-cookie" not in ask(cookie=f"{COOKIE}={BROWSER}")[1]
    assert {name.lower() for name in HEADERS} <= {name.lower() for name in ask(host="evil.example")[1]}


def test_a_link_on_another_site_takes_no_name_away_for_its_strict_cookie_stays_at_home() -> None:
    assert "set-cookie" not in ask(sec_fetch_site="cross-site")[1]
    assert "set-cookie" in ask(sec_fetch_site="none")[1]
    assert "set-cookie" in ask("/_stcore/health", sec_fetch_site="same-origin")[1]
    assert "set-cookie" not in ask("/static/js/index.js", sec_fetch_site="same-origin")[1]


@pytest.mark.parametrize(
    "planted",
    ["made-up", f"{BROWSER}0", BROWSER.partition(".")[0], "a.b", "."],
    ids=["made-up", "longer", "unsigned", "signed-by-nobody", "empty"],
)
def test_a_name_that_this_server_did_not_make_is_not_taken(planted: str) -> None:
    """A page on another port of this host can write its cookies."""
    given = ask(cookie=f"{COOKIE}={planted}")[1]["set-cookie"]
    assert planted not in given.partition(";")[0].partition("=")[2].split(".")


def test_of_two_names_that_a_browser_sends_neither_is_taken() -> None:
    """One that was planted for a path or a domain stands beside ours, and the order tells nothing."""
    other = new_name()
    assert name_in([f"{COOKIE}={BROWSER}; {COOKIE}={other}"]) == name_in([f"{COOKIE}={other}", f"{COOKIE}={BROWSER}"]) == ""
    assert name_in([f"theme=dark; {COOKIE}={BROWSER}", f"{COOKIE}={BROWSER}"]) == BROWSER


def test_who_signs_in_gets_a_new_name_and_the_old_one_is_not_let_in() -> None:
    ticket = admission().was_right("127.0.0.1")
    status, headers = ask(ENTER, "POST", cookie=f"{COOKIE}={BROWSER}", **{TICKET: ticket})
    assert status == 204
    name = name_in([headers["set-cookie"].partition(";")[0]])
    assert "HttpOnly" in headers["set-cookie"] and "SameSite=Strict" in headers["set-cookie"]
    assert admission().is_admitted(name) and not admission().is_admitted(BROWSER)


def test_a_name_lets_in_the_page_of_the_origin_that_signed_in_and_no_other() -> None:
    """Cookies are one for all ports of a host; the storage of a page is not."""
    door = Admission()
    name = door.enter(door.was_right("a", KEY_OF_PAGE))
    assert door.is_admitted(name, KEY_OF_PAGE)
    assert not door.is_admitted(name, "") and not door.is_admitted(name, "1" * 64)


def seen_by_pages(**headers: str) -> Headers:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Headers(scope=told({"type": "websocket", "headers": raw, "subprotocols": []}))


def test_pages_find_the_secret_of_a_connection_and_streamlit_what_it_put_there() -> None:
    seen = seen_by_pages(sec_websocket_protocol=f"streamlit, xsrf, sightline.{KEY_OF_PAGE}")
    assert seen[KEY] == KEY_OF_PAGE and seen["sec-websocket-protocol"] == "streamlit, xsrf"
    assert KEY not in seen_by_pages(sec_websocket_protocol="streamlit, xsrf, last-session", x_sightline_key=KEY_OF_PAGE)
    assert KEY not in seen_by_pages(sec_websocket_protocol="streamlit, sightline.short")
    assert KEY not in seen_by_pages()


def test_every_page_has_the_script_of_the_secret_before_all_others() -> None:
    sent: list[dict[str, Any]] = []
    page = "<html><head><script src='streamlit.js'></script></head></html>"

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        assert "accept-encoding" not in Headers(scope=scope) and "if-none-match" not in Headers(scope=scope)
        await HTMLResponse(page, headers={"ETag": "old"})(scope, receive, send)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost:8501"), (b"accept-encoding", b"gzip"), (b"if-none-match", b"old")]
    scope = {"type": "http", "method": "GET", "path": "/radiology", "query_string": b"", "headers": headers}
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(Door(inside)(scope, None, send))).result()  # type: ignore[arg-type]
    start, body = sent
    told_headers = Headers(raw=start["headers"])
    assert body["body"].decode().index(SCRIPT) < body["body"].decode().index("streamlit.js")
    assert int(told_headers["content-length"]) == len(body["body"]) and "etag" not in told_headers
    assert ask(SCRIPT)[1]["content-type"].startswith("text/javascript")


def test_a_ticket_counts_once_and_for_a_short_time_and_not_from_elsewhere() -> None:
    now = [0.0]
    door = Admission(clock=lambda: now[0])
    used, late = door.was_right("a"), door.was_right("b")
    assert door.enter(used) and not door.enter(used) and not door.enter("") and not door.enter("made-up")
    now[0] = 61.0
    assert not door.enter(late)
    ticket = admission().was_right("127.0.0.1")
    assert ask(ENTER, "POST", origin="http://localhost:3000", **{TICKET: ticket})[0] == 403
    assert ask(ENTER, "GET", **{TICKET: ticket})[0] == 403
    assert ask(ENTER, "POST")[0] == 403


@pytest.mark.parametrize("path", ["/_stcore/upload_file/session/file", "/media/abc.png"])
def test_uploads_and_media_need_what_a_page_needs(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_PASSWORD", "open sesame")
    method = "PUT" if "upload" in path else "GET"
    assert ask(path, method)[0] == 403
    assert ask(path, method, cookie=f"{COOKIE}=made-up")[0] == 403
    name = admission().enter(admission().was_right("127.0.0.1"))
    assert ask(path, method, cookie=f"{COOKIE}={name}", content_length="10")[0] == 200
    assert ask("/")[0] == 200  # the sign-in form itself


@pytest.fixture
def below_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", {"server.baseUrlPath": "/here/"}.get)


@pytest.mark.parametrize(
    "path", ["/_stcore/upload_file/tab/file", "/media/0123.png", "/component/x/index.html", "/sightline/slices/token/0"]
)
@pytest.mark.usefixtures("below_a_path")
def test_a_server_below_a_path_guards_the_same_addresses_there_and_at_the_root(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_PASSWORD", "open sesame")
    method = "PUT" if "upload" in path else "GET"
    assert ask(f"/here{path}", method)[0] == 403
    assert ask(path, method)[0] == 403
    assert ask("/here/_stcore/metrics")[0] == 404


@pytest.mark.usefixtures("below_a_path")
def test_a_server_below_a_path_answers_its_own_addresses_there() -> None:
    ticket = admission().was_right("127.0.0.1")
    assert ask(f"/here{ENTER}", "POST", cookie=f"{COOKIE}={BROWSER}", **{TICKET: ticket})[0] == 204
    assert "Path=/here;" in ask("/here/")[1]["set-cookie"]
    assert ask(f"/here{SCRIPT}")[1]["content-type"].startswith("text/javascript")
    assert (address_of("/media/a.png"), path_below_base("/here"), path_below_base("/hereafter")) == ("/here/media/a.png", "/", "/hereafter")


def test_guesses_wait_longer_each_time_from_one_address_and_in_the_end_from_all() -> None:
    now = [0.0]
    door = Admission(clock=lambda: now[0])
    waits = []
    for _ in range(4):
        door.was_wrong("192.0.2.1")
        waits.append(door.wait_s("192.0.2.1"))
        now[0] += waits[-1]
    assert waits == [1.0, 2.0, 4.0, 8.0]
    assert door.wait_s("192.0.2.9") == 0.0
    for number in range(2, 12):
        door.was_wrong(f"192.0.2.{number}")
    assert door.wait_s("192.0.2.200") >= 10.0


def test_what_tries_over_many_addresses_gain_is_bounded() -> None:
    """480 guesses in 11 seconds over 60 connections were possible."""
    now = [0.0]
    door = Admission(clock=lambda: now[0])
    tried = 0
    while now[0] < 60.0:
        address = f"192.0.2.{tried % 60}"
        if door.wait_s(address) == 0.0:
            door.was_wrong(address)
            tried += 1
        now[0] += 0.02
    assert tried <= 15
