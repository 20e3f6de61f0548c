"""What every test may use."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

# Before transformers is imported: it reads this once. A hub id in a test must be answered from the disk or not at all.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# The library that oracles are compared with; what OpenVINO says beside it has tests of its own, and the browser tests run as users do.
os.environ.setdefault("SIGHTLINE_RUNTIME", "torch")
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:  # before torch is imported: workers that each take all cores wait for each other
    cores = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores)))

PROJECT = Path(__file__).resolve().parent.parent
SHARED_DATA = PROJECT.parent / "shared" / "data"
SHARED_CASES = PROJECT.parent / "shared" / "cases"
BROWSER = PROJECT / "tests" / "e2e"
SLOW_S = 10
SLOW_TIMEOUT_S = 900
"""After which a slow test is ended; the others have `timeout` of pyproject.toml. Both leave room for a machine that is busy elsewhere."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks, and the order: what takes longest first, so that no worker is left with it at the end.

    Workers take whole groups: the browser tests are one, since they share a server and a Chromium; of the others each slow test is one,
    and the rest of each file, whose fixtures are so made once.
    """
    for item in items:
        is_browser = item.path.is_relative_to(BROWSER)
        if is_browser:
            item.add_marker(pytest.mark.slow)
        is_slow = item.get_closest_marker("slow") is not None
        if is_slow and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))
        file = item.path.relative_to(PROJECT).as_posix()
        item.add_marker(pytest.mark.xdist_group("browser" if is_browser else item.name if is_slow else file))
    items.sort(key=lambda item: (not item.path.is_relative_to(BROWSER), item.get_closest_marker("slow") is None))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Names the tests that took longer than their marks say; on a machine that is busy elsewhere some will."""
    called = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    unmarked = [report for report in called if report.duration > SLOW_S and "slow" not in report.keywords]
    if unmarked:
        terminalreporter.section(f"above {SLOW_S} seconds without the mark slow")
    for report in sorted(unmarked, key=lambda report: -report.duration):
        terminalreporter.write_line(f"{report.duration:6.1f} s  {report.nodeid}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; the test is skipped, and says so, where it is not."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is not here: this test needs real data that is not part of the project")
    return SHARED_DATA


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of small inputs that once failed; the test is skipped, and says so, where it is not."""
    if not SHARED_CASES.is_dir():
        pytest.skip("../shared/cases is not here: this test needs files that are not part of the project")
    return SHARED_CASES


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves the machine: a connection to another address fails as it does without a network."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
