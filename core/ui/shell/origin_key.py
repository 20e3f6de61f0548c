"""A secret that the page keeps in the storage of its origin and names wherever it connects.

A cookie is one for all ports of a host (RFC 6265, 8.5): a page on another port can be sent it, and can plant one that it fetched here. The
storage of an origin is that of its port alone (HTML, "Web storage"), so that who comes with a cookie and without its secret is another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.ui.shell.base_path import address_of

SCRIPT = "/sightline/key.js"
KEY = "X-Sightline-Key"
"""The header in which pages find it; whatever a client sends under this name goes no further."""
_PROTOCOLS = "Sec-WebSocket-Protocol"
"""A script can put words into no other header of a connection."""
_ENTRY = re.compile(r"sightline\.([0-9a-f]{64})")


def key_in(headers: Mapping[str, str]) -> str:
    """The secret of the page that is connected; "" where its browser stores none."""
    return headers.get(KEY, "")


def told(scope: Scope) -> Scope:
    """A connection as pages see it: the secret stands in a header of its own, and Streamlit finds among the protocols what it put there."""
    moved = {**scope, "headers": list(scope["headers"])}
    headers = MutableHeaders(scope=moved)
    entries = [entry.strip() for entry in headers.get(_PROTOCOLS, "").split(",")]
    keys = [found[1] for found in map(_ENTRY.fullmatch, entries) if found]
    del headers[KEY]
    if keys:
        headers[_PROTOCOLS] = ", ".join(entry for entry in entries if not _ENTRY.fullmatch(entry))
        headers[KEY] = keys[0]
    moved["subprotocols"] = [entry for entry in scope.get("subprotocols", []) if not _ENTRY.fullmatch(entry)]
    return moved


def script() -> Response:
    """The script that makes the secret, keeps it, and names it."""
    return Response(_source(), media_type="text/javascript", headers={"Cache-Control": "no-cache"})


async def with_script(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """The page of `app`, with the script before all others; what is no page goes out as it is."""
    plain = {**scope, "headers": list(scope["headers"])}
    asked = MutableHeaders(scope=plain)
    for name in ("Accept-Encoding", "If-None-Match", "If-Modified-Since"):  # the page is to come whole, and as text
        del asked[name]
    start: Message | None = None
    body = b""

    async def send_with_script(message: Message) -> None:
        nonlocal start, body
        if message["type"] == "http.response.start" and Headers(raw=message["headers"]).get("Content-Type", "").startswith("text/html"):
            start = message
        elif start is None:
            await send(message)
        else:
            body += message.get("body", b"")
            if not message.get("more_body"):
                page = body.replace(b"<head>", f'<head><script src="{address_of(SCRIPT)}"></script>'.encode(), 1)
                headers = MutableHeaders(scope=start)
                headers["Content-Length"] = str(len(page))
                for name in ("ETag", "Last-Modified"):  # of the page without it
                    del headers[name]
                await send(start)
                await send({"type": "http.response.body", "body": page})

    await app(plain, receive, send_with_script)


@cache
def _source() -> str:
    return Path(__file__).with_suffix(".js").read_text()
