"""A host on this machine that keeps its promises or breaks them, as its addresses say."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.settings import settings

CONTENT = bytes(range(256)) * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """A host with one file and a few bad habits."""

    requests: list[str]

    def do_GET(self) -> None:
        type(self).requests.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
        elif self.path == "/loop":
            self._redirect("/loop")
        elif self.path.startswith("/to/"):
            self._redirect(self.path[4:])
        elif self.path == "/dripping":
            self._drip()
        elif self.path == "/dripping-head":
            self._drip(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 10_000)
        else:
            self.send_response(200)
            promised = len(CONTENT) + (1000 if self.path == "/short" else 0)
            if self.path != "/endless":
                self.send_header("Content-Length", str(promised))
            self.end_headers()
            self.wfile.write(CONTENT)

    def _drip(self, told: bytes = b"") -> None:
        """A byte at a time, until nobody listens."""
        if not told:
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
        try:
            for byte in told or bytes(10_000):
                self.wfile.write(bytes([byte]))
                time.sleep(0.02)
        except OSError:
            return

    def _redirect(self, where: str) -> None:
        self.send_response(302)
        self.send_header("Location", where)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a host on this machine, which may be asked."""
    Handler.requests = []
    monkeypatch.setenv("SIGHTLINE_LOCAL_DOWNLOADS", "1")
    settings.cache_clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh home of the application."""
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    monkeypatch.undo()
    settings.cache_clear()
