"""What a browser is sent before the first image is seen, how long that takes, and how quickly the viewer answers wheel and slider.

    python benchmarks/pages.py --radiograph FILE --series FOLDER

Starts a server of its own, and Chromium, with an empty cache for each page (but for "again"). Bytes are those of the answers as they came,
and of the frames of the web socket; Streamlit's own code is what lies under /static. Seconds of the clock, with the seconds of the
processor that the server took in brackets: other work on the machine makes the former longer.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Response, ViewportSize, WebSocket, sync_playwright

PROJECT = Path(__file__).resolve().parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
SIZE = ViewportSize(width=1440, height=900)
SHOWN = 'canvas[data-ready="true"]'
PATIENCE_MS = 180_000
TICKS = os.sysconf("SC_CLK_TCK")
SCROLLED = 40
"""Turns of the wheel."""


class Sent:
    """Megabytes of one page, by what they are."""

    def __init__(self, page: Page) -> None:
        self.bytes: Counter[str] = Counter()
        self.has_plotly = False
        page.on("response", self._answer)
        page.on("websocket", self._socket)

    def _answer(self, answer: Response) -> None:
        path = urlsplit(answer.url).path
        kind = next((name for name in ("static", "media", "slices", "component") if f"/{name}" in path), "other")
        self.has_plotly |= "plotly" in path.lower()
        with suppress(Exception):  # of an answer that the page no longer waits for
            self.bytes[kind] += answer.request.sizes()["responseBodySize"]

    def _socket(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.bytes.update({"socket": len(frame)}))

    def words(self) -> str:
        """Streamlit's own, then all others."""
        parts = {kind: count for kind, count in self.bytes.items() if kind != "static" and count}
        told = ", ".join(f"{kind} {count / 1e6:.2f}" for kind, count in sorted(parts.items()))
        plotly = " with Plotly" if self.has_plotly else ""
        return f"{self.bytes['static'] / 1e6:.1f}{plotly} | {sum(parts.values()) / 1e6:.2f} ({told})"


class Server:
    """The application on a free port."""

    def __init__(self, home: Path, roots: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        told = {**os.environ, "SIGHTLINE_HOME": str(home), "SIGHTLINE_ROOTS": str(roots), "SIGHTLINE_RUNTIME": "auto"}
        command = [sys.executable, "-m", "core.ui.shell.serve", "--server.port", str(port), "--server.address", "127.0.0.1"]
        self.address = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(command, cwd=PROJECT, env=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait(self) -> None:
        """Until it answers, and has what it loads in the background."""
        while True:
            with suppress(OSError), urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2):
                break
            time.sleep(0.2)
        last = -1.0
        while (now := self.cpu()) - last > 0.2:
            last = now
            time.sleep(2)

    def cpu(self) -> float:
        """Seconds of the processor until now."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def serving(home: Path, roots: Path) -> Iterator[Server]:
    """A server until the context is left."""
    server = Server(home, roots)
    try:
        server.wait()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(timeout=30)


@contextmanager
def measured(server: Server, page: Page, name: str) -> Iterator[None]:
    """Print one row for what is done inside."""
    sent, began, cpu = Sent(page), time.perf_counter(), server.cpu()
    yield
    seconds, worked = time.perf_counter() - began, server.cpu() - cpu
    page.wait_for_timeout(300)  # sizes of the last answers
    print(f"| {name} | {seconds:.2f} ({worked:.2f}) | {sent.words()} |", flush=True)


def fresh(browser: Browser, server: Server) -> tuple[BrowserContext, Page]:
    """A tab with an empty cache."""
    context = browser.new_context(viewport=SIZE, base_url=server.address)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    return context, page


def home_page(browser: Browser, server: Server) -> None:
    """The first page, and the first page again."""
    context, page = fresh(browser, server)
    for name in ("Home", "Home again"):
        with measured(server, page, name):
            page.goto("/")
            page.get_by_role("button", name="A chest radiograph", exact=True).wait_for()
    context.close()


def opened(
    browser: Browser, server: Server, name: str, path: str, begin: Callable[[Page], None], seen: str = SHOWN
) -> tuple[BrowserContext, Page]:
    """A page from its empty state to its first image; the row is of both."""
    context, page = fresh(browser, server)
    with measured(server, page, f"{name}: empty"):
        page.goto(path)
        page.locator("input[type=file]").wait_for(state="attached")
    with measured(server, page, f"{name}: first image"):
        begin(page)
        page.locator(seen).first.wait_for()
    return context, page


def scrolled(page: Page) -> None:
    """Turns of the wheel one after another: from the event to the picture of the next slice."""
    page.mouse.move(500, 450)
    taken = []
    for turn in range(SCROLLED):
        before = page.locator("canvas").first.get_attribute("data-slice")
        began = time.perf_counter()
        page.mouse.wheel(0, 100)
        page.wait_for_function(
            "before => { const at = [...document.querySelectorAll('*')].map((each) => each.shadowRoot ?? each)"
            ".map((each) => each.querySelector?.('canvas')).find(Boolean).dataset; return at.slice !== before && at.ready === 'true'; }",
            arg=before, polling="raf",
        )  # fmt: skip
        if turn:
            taken.append(1000 * (time.perf_counter() - began))
    print(f"wheel to picture: median {statistics.median(taken):.0f} ms, slowest {max(taken):.0f} ms, test driver included", flush=True)


REDRAWN = """
async ([count, what]) => {
  const viewer = [...window.sightlineViewers].find((each) => each.data?.stack);
  const [times, stack] = [[], viewer.stack];
  for (let turn = 0; turn < count; turn += 1) {
    if (what === "window") viewer.view.centre += 1;
    stack.painted = "";
    const began = performance.now();
    viewer.draw();
    times.push(performance.now() - began);
    await new Promise(requestAnimationFrame);
  }
  return times.sort((a, b) => a - b);
}
"""


def redrawn(page: Page) -> None:
    """One redraw of the picture by the viewer's own code, with another window and with the same."""
    for what in ("slice", "window"):
        times = page.evaluate(REDRAWN, [60, what])
        print(f"redraw for another {what}: median {times[30]:.1f} ms, 95 of 100 {times[57]:.1f} ms", flush=True)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--radiograph", type=Path, required=True)
    parser.add_argument("--series", type=Path, required=True, help="a folder of slices")
    parser.add_argument("--screenshots", type=Path)
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        home = Path(os.environ.get("SIGHTLINE_HOME") or made)
        with serving(home, given.series) as server:
            browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
            print("| page | seconds | Streamlit's own, MB | all else, MB |\n|---|---|---|---|")
            home_page(browser, server)
            upload = lambda page: page.locator("input[type=file]").set_input_files(given.radiograph)  # noqa: E731
            context, page = opened(browser, server, "Radiology, upload", "/radiology", upload)
            redrawn(page)
            shoot(page, given.screenshots, "radiograph")
            context.close()

            def folder(page: Page) -> None:
                page.get_by_label("A folder or file on this machine, or an address").fill(str(given.series))
                page.get_by_role("button", name="Open", exact=True).click()

            context, page = opened(browser, server, "Radiology, folder", "/radiology", folder)
            page.get_by_role("button", name="Cancel").first.click() if page.get_by_role("button", name="Cancel").count() else None
            scrolled(page)
            shoot(page, given.screenshots, "series")
            context.close()
            pair = lambda page: page.get_by_role("button", name="One place, two dates (synthetic)", exact=True).click()  # noqa: E731
            context, page = opened(browser, server, "Earth, sample", "/earth", pair)
            context.close()
            context, page = opened(browser, server, "Explain, upload", "/explain", upload, "img")
            context.close()
            context, page = fresh(browser, server)
            with measured(server, page, "Models"):
                page.goto("/models")
                page.get_by_text("chest-xray").first.wait_for()
            context.close()
            browser.close()


def shoot(page: Page, folder: Path | None, name: str) -> None:
    """A picture of the page, where a folder for them is named."""
    if folder:
        page.screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    main()
