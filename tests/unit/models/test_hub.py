"""A hub that drips is given up, as every other host is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from huggingface_hub import close_session

from core.errors import Offline
from core.settings import settings
from models.hub import from_hub


class DrippingHub(BaseHTTPRequestHandler):
    """It promises every file, and sends it a byte at a time."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        for name, value in (("ETag", '"0123"'), ("X-Repo-Commit", "0123abcd" * 5), ("Content-Length", "100000")):
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        try:
            for _ in range(2000):
                self.wfile.write(b" ")
                time.sleep(0.02)
        except OSError:
            return

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def _hub(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), DrippingHub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    close_session()
    from_hub.cache_clear()
    yield
    close_session()
    server.shutdown()
    server.server_close()
    thread.join()
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.usefixtures("_hub")
@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"DOWNLOAD_MINUTES": "0.01", "DOWNLOAD_LEAST_KBS": "0"}, "The hub, asked for clinic/drip, was not done in 0.01 minutes"),
        ({}, "sends less than 10 kB a second"),
    ],
)
def test_a_hub_that_drips_is_given_up(limits: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in limits.items():
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    settings.cache_clear()
    monkeypatch.setattr("core.sources.pace.RATE_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(Offline, match=words):
        from_hub("clinic/drip")
    assert time.monotonic() - began < 5.0
