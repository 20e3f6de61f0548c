"""What every test may use."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

# Before transformers is imported: it reads this once. A hub id in a test must be answered from the disk or not at all.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

PROJECT = Path(__file__).resolve().parent.parent
SHARED_DATA = PROJECT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; the test is skipped, and says so, where it is not."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is not here: this test needs real data that is not part of the project")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves the machine: a connection to another address fails as it does without a network."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
