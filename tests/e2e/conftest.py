"""The real application on a free port, in a real Chromium, with a home of its own. Every request that leaves the machine is recorded.

SIGHTLINE_SCREENSHOTS=FOLDER also writes what the tests see, as PNG: the pictures of README.md are made so.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from core.settings import settings

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]  # fmt: skip
START_SECONDS = 180
QUICK = {"SIGHTLINE_RANDOM_MAPS": "20"}
"""A map is ranked among fewer random ones here than usually: two tests share two cores."""
PATIENCE_MS = 180_000
SIZE = ViewportSize(width=1440, height=900)
NARROW = ViewportSize(width=1024, height=768)
NETWORK_SCHEMES = ("http", "https", "ws", "wss")
Shoot = Callable[[str], None]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the application may read (SIGHTLINE_ROOTS); its home lies beside it."""
    folder = tmp_path_factory.mktemp("e2e") / "images"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def address(place: Path) -> Iterator[str]:
    """Where the application answers."""
    for model in ("chest-xray", "chest-ct", "land-cover"):
        if not (settings().zoo / model / "model.safetensors").is_file():
            pytest.skip(f"{settings().zoo / model} is not here: browser tests need the bundled models")
    with serve(place, {}) as answering:
        yield answering


@contextmanager
def serve(place: Path, environment: dict[str, str], port: int = 0) -> Iterator[str]:
    """The application until the context is left: on a free port, or on one where it was before, with the home that it had there."""
    port = port or free_port()
    home = place.parent / f"home-{port}"
    told = {
        "OMP_NUM_THREADS": "2",
        **QUICK,
        **os.environ,
        "SIGHTLINE_RUNTIME": "auto",
        "SIGHTLINE_HOME": str(home),
        "SIGHTLINE_ROOTS": str(place),
        **environment,
    }
    command = [sys.executable, "-m", "core.ui.shell.serve", "--server.port", str(port), "--server.address", "127.0.0.1"]
    log = (place.parent / f"server-{port}.log").open("w")
    server = subprocess.Popen(command, cwd=PROJECT, env=told, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}", server, Path(log.name))
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)
        log.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if server.poll() is not None:
            pytest.fail(f"the application ended at once:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the application did not answer in time")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not here: browser tests need it (apt-get install chromium)")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


class Watch:
    """What a tab asked for, and the scripts that failed in it."""

    def __init__(self, tab: Page) -> None:
        self.asked: list[str] = []
        self.failed: list[str] = []
        tab.on("request", lambda request: self.asked.append(request.url))
        tab.on("websocket", lambda socket: self.asked.append(socket.url))
        tab.on("pageerror", lambda error: self.failed.append(str(error)))

    @property
    def outside(self) -> list[str]:
        """Addresses on other machines."""
        parts = [(url, urlsplit(url)) for url in self.asked]
        return [url for url, part in parts if part.scheme in NETWORK_SCHEMES and part.hostname != "127.0.0.1"]


@contextmanager
def tab_in(browser: Browser, address: str) -> Iterator[tuple[Page, Watch]]:
    """A fresh tab and what watches it."""
    context = browser.new_context(viewport=SIZE, base_url=address, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE_MS)
    try:
        yield tab, Watch(tab)
    finally:
        context.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A fresh tab. When the test ends, no request may have left this machine and no script may have failed."""
    with tab_in(browser, address) as (tab, watch):
        yield tab
    assert watch.outside == [], f"requests left the machine: {watch.outside}"
    assert watch.failed == [], f"a script failed in the page: {watch.failed}"


@pytest.fixture
def shoot(page: Page) -> Shoot:
    """shoot(name): a picture of the page, where SIGHTLINE_SCREENSHOTS names a folder for them."""
    folder = os.environ.get("SIGHTLINE_SCREENSHOTS")

    def take(name: str) -> None:
        if folder:
            page.mouse.move(0, 0)
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")

    return take


def cut_off(page: Page) -> list[str]:
    """Texts of visible buttons and tabs that reach beyond the window or what clips them, or are wider than the place they have."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('button, [role=tab]')].filter((each) => {
            const box = each.getBoundingClientRect();
            if (!box.width || !each.innerText?.trim()) return false;
            let right = window.innerWidth;
            for (let around = each.parentElement; around; around = around.parentElement)
                if (getComputedStyle(around).overflowX !== 'visible') right = Math.min(right, around.getBoundingClientRect().right);
            const isBeyond = box.right > right + 1 || box.left < -1;
            return isBeyond || [each, ...each.querySelectorAll('*')]
                .some((part) => part.clientWidth && part.scrollWidth > part.clientWidth + 1);
        }).map((each) => each.innerText.trim())"""
    )
    return found
