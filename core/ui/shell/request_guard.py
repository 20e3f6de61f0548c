"""What every request passes before Streamlit sees it: known hosts, one origin, closed paths, the sign-in, security headers.

A page of another site must not drive the application: not by a name that it made point at this machine (DNS rebinding; OWASP, "Testing for
Host Header Injection"), not from another port of this machine, not in a frame. Streamlit itself allows both.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import TooLarge
from core.settings import Settings, settings
from core.ui.shell import origin_key
from core.ui.shell.admission import COOKIE, admission, name_in, new_name
from core.ui.shell.allowance import MEGABYTE, Arriving, allowance, announced_bytes
from core.ui.shell.base_path import base_path, path_below_base
from core.ui.shell.pieces import PIECES, piece_of
from core.ui.shell.private_streamlit import run_again

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
CLOSED = ("/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/agent")
"""Paths of Streamlit that tell of the server or drive it without a browser; nothing of ours needs them."""
UPLOADS = "/_stcore/upload_file/"
NEEDS_SIGN_IN = (UPLOADS, "/media", "/component")
"""What holds or takes a user's files: it needs what a page needs."""
FIRST_ASKED = "/_stcore/health"
"""What a page asks before it connects."""
PARTS_OF_A_PAGE = ("/_stcore/", "/static/", "/media/", "/component/", "/sightline/")
ENTER = "/sightline/enter"
"""Where a browser whose user gave the right password fetches its new name (core/ui/shell/sign_in.py)."""
TICKET = "x-sightline-ticket"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",  # Streamlit's own bundle and components need both
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class Door:
    """ASGI middleware before Streamlit's own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or let through with a cookie that names the browser and the security headers on the answer."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers, path = Headers(scope=scope), path_below_base(scope["path"])
        refusal = _refused(scope, path, headers, settings())
        if refusal:
            return await _refuse(refusal, scope, receive, send)
        if scope["type"] == "websocket":
            return await self._app(origin_key.told(scope), receive, send)
        if path == ENTER:
            return await _enter(scope, headers)(scope, receive, send)
        new = new_name() if _is_to_be_named(path, headers) else ""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answer[name] = value
                if new:
                    answer.append("Set-Cookie", _cookie(new))
            await send(message)

        if path == origin_key.SCRIPT:
            return await origin_key.script()(scope, receive, send_with_headers)
        if scope["method"] == "PUT" and path.startswith(UPLOADS):
            return await self._take_upload(scope, headers, receive, send_with_headers)
        if PIECES in path:
            return await (await piece_of(path))(scope, receive, send_with_headers)
        if scope["method"] == "GET" and not path.startswith(PARTS_OF_A_PAGE):
            return await origin_key.with_script(self._app, scope, receive, send_with_headers)
        return await self._app(scope, receive, send_with_headers)

    async def _take_upload(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Let an upload in as far as there is room for it, which is asked before its first byte and at every one that was not announced."""
        begun = False
        tab = path_below_base(scope["path"]).removeprefix(UPLOADS).partition("/")[0]

        async def send_and_tell(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            with allowance().arriving(browser_of(headers), tab, announced_bytes(headers)) as upload:
                await self._app(scope, _counted(receive, upload), send_and_tell)
        except TooLarge as refusal:
            if not begun:
                await _let_pass(receive)
                await PlainTextResponse(f"{refusal}\n", status_code=413)(scope, receive, send)
                run_again(tab)  # the uploader shows the number of an error; the page has the sentence


async def _let_pass(receive: Receive) -> None:
    """Hear a refused upload out, of which nothing is kept: a browser that is cut off in the middle tells of a broken network instead."""
    left = settings().upload_mb * MEGABYTE
    while left > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        left -= len(message["body"])


def _counted(receive: Receive, upload: Arriving) -> Receive:
    async def receive_and_count() -> Message:
        message = await receive()
        upload.come += len(message.get("body", b""))
        if upload.come > upload.announced:
            allowance().refuse_more(upload.browser)
        return message

    return receive_and_count


def _refused(scope: Scope, path: str, headers: Headers, current: Settings) -> tuple[int, str] | None:
    """HTTP status and sentence where a request is turned away, else None."""
    host = headers.get("host", "")
    if not is_known(host, current):
        return 421, f"This server does not answer as {host or 'a nameless host'}. Name the host in SIGHTLINE_HOSTS if it should."
    if not is_own_origin(headers.get("origin"), host) and (scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS):
        return 403, "The request comes from a page of another site."
    if path.startswith(CLOSED):
        return 404, "There is nothing here."
    if current.password and (path.startswith(NEEDS_SIGN_IN) or PIECES in path) and not admission().is_admitted(browser_of(headers)):
        return 403, "Sign in first."
    return None


def _is_to_be_named(path: str, headers: Headers) -> bool:
    """Whether the answer gives this browser its name: with a page, or where the page asks first whether the server is there.

    A strict cookie does not come along when a link on another site is followed: a new one would then stand in the place of the old, and
    what is open would be lost.
    """
    if browser_of(headers):
        return False
    return path == FIRST_ASKED or (headers.get("sec-fetch-site") != "cross-site" and not path.startswith(PARTS_OF_A_PAGE))


def is_known(host: str, current: Settings) -> bool:
    """Whether the Host header names this machine, the address that the server was told to listen on, or a host of the settings."""
    name = _name(host)
    return bool(name) and (name in LOCAL_HOSTS or name in {known.lower() for known in (*current.hosts, current.address)})


def is_own_origin(origin: str | None, host: str) -> bool:
    """Whether a request comes from a page of this very host and port; what no browser sent has no origin."""
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:  # no address at all
        return False


def browser_of(headers: Headers) -> str:
    """The random name that this server gave the browser, "" where it has none."""
    return name_in(headers.getlist("cookie"))


def _cookie(name: str) -> str:
    return f"{COOKIE}={name}; Path={base_path() or '/'}; HttpOnly; SameSite=Strict"


def _enter(scope: Scope, headers: Headers) -> Response:
    """A new name in the place of the one that the browser came with, which another may know."""
    name = admission().enter(headers.get(TICKET, "")) if scope["method"] == "POST" else ""
    if not name:
        return PlainTextResponse("Sign in first.\n", status_code=403, headers=HEADERS)
    return Response(status_code=204, headers={**HEADERS, "Set-Cookie": _cookie(name)})


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


async def _refuse(refusal: tuple[int, str], scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    status, sentence = refusal
    await PlainTextResponse(sentence + "\n", status_code=status, headers=HEADERS)(scope, receive, send)
