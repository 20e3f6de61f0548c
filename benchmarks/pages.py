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
SHOWN = "canvas[data-ready=true]"
PATIENCE_MS = 180_000
TICKS = os.sysconf("SC_CLK_TCK")
TURNS = 60
"""Turns of the wheel, and redraws."""


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
def measured(server: Server, page: Page, sent: Sent, name: str) -> Iterator[None]:
    """Print one row for what is done inside."""
    sent.bytes.clear()
    began, cpu = time.perf_counter(), server.cpu()
    yield
    seconds, worked = time.perf_counter() - began, server.cpu() - cpu
    page.wait_for_timeout(300)  # sizes of the last answers
    print(f"| {name} | {seconds:.2f} ({worked:.2f}) | {sent.words()} |", flush=True)


def fresh(browser: Browser, server: Server) -> tuple[BrowserContext, Page, Sent]:
    """A tab with an empty cache."""
    context = browser.new_context(viewport=SIZE, base_url=server.address)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    return context, page, Sent(page)


def home_page(browser: Browser, server: Server) -> None:
    """The first page, and the first page again."""
    context, page, sent = fresh(browser, server)
    for name in ("Home", "Home again"):
        with measured(server, page, sent, name):
            page.goto("/")
            page.get_by_role("button", name="A chest radiograph", exact=True).wait_for()
    context.close()


@contextmanager
def opened(browser: Browser, server: Server, name: str, path: str, begin: Callable[[Page], None]) -> Iterator[Page]:
    """A page from its empty state to its first image: a row of each. It is closed as a user closes it, so that no work goes on."""
    context, page, sent = fresh(browser, server)
    with measured(server, page, sent, f"{name}: empty"):
        page.goto(path)
        page.locator("input[type=file]").wait_for(state="attached")
    asked = page.evaluate("performance.now()")
    with measured(server, page, sent, f"{name}: all drawn, as the driver sees it"):
        begin(page)
        page.locator(SHOWN).first.wait_for()
    seconds, parts = page.evaluate(UNTIL_SEEN, asked)
    told = ", ".join(f"{kind} {count / 1e6:.2f}" for kind, count in sorted(parts.items()))
    print(f"| {name}: first image | {seconds:.2f} | | {sum(parts.values()) / 1e6:.2f} ({told}) |", flush=True)
    yield page
    page.get_by_role("button", name="Close", exact=True).first.click()
    page.locator("input[type=file]").wait_for(state="attached")
    page.wait_for_timeout(1000)
    context.close()


UNTIL_SEEN = """
(asked) => {
  const [first] = performance.getEntriesByName("sightline: first image").filter((mark) => mark.startTime >= asked);
  const parts = {};
  for (const one of performance.getEntriesByType("resource")) {
    const kind = ["static", "media", "slices", "component"].find((name) => one.name.includes(`/${name}`)) ?? "other";
    if (kind === "static" || one.startTime < asked || one.responseEnd > first.startTime) continue;
    parts[kind] = (parts[kind] ?? 0) + one.encodedBodySize;
  }
  return [(first.startTime - asked) / 1000, parts];
}
"""
"""Seconds until the viewer had something to draw, and the bytes that had come by then."""
SCROLL = """
async (count) => {
  const viewer = [...window.sightlineViewers].find((each) => each.data?.stack);
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  for (let turn = 0; turn < count; turn += 1) {
    const wanted = String(viewer.view.slice + 2);
    const began = performance.now();
    viewer.canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: 100, cancelable: true }));
    const { dataset } = viewer.canvas;
    while (dataset.slice !== wanted || dataset.ready !== "true") await frame();
    times.push(performance.now() - began);
    await new Promise((then) => setTimeout(then, 30));
  }
  return times.sort((a, b) => a - b);
}
"""
REDRAW = """
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


def times_of(what: str, times: list[float]) -> None:
    """Print the middle of some times and what all but five of a hundred stay below."""
    print(f"{what}: median {statistics.median(times):.1f} ms, 95 of 100 within {times[int(0.95 * len(times)) - 1]:.1f} ms", flush=True)


def redrawn(page: Page, file: Path) -> None:
    """One redraw of the picture by the viewer's own code, with the same window and with another."""
    for what in ("slice", "window"):
        times_of(f"{file.name}, redraw for another {what}", page.evaluate(REDRAW, [TURNS, what]))


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--radiograph", type=Path, nargs="+", required=True, help="each is uploaded")
    parser.add_argument("--series", type=Path, required=True, help="a folder of slices")
    parser.add_argument("--screenshots", type=Path)
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    home = Path(os.environ.get("SIGHTLINE_HOME") or tempfile.mkdtemp())
    with sync_playwright() as playwright, serving(home, given.series) as server:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        print("| page | seconds | Streamlit's own, MB | all else, MB |\n|---|---|---|---|")
        visit(browser, server, given.radiograph, given.series, given.screenshots)
        browser.close()


def visit(browser: Browser, server: Server, radiographs: list[Path], series: Path, screenshots: Path | None) -> None:
    """Every page."""
    home_page(browser, server)

    def upload(page: Page) -> None:
        page.locator("input[type=file]").set_input_files(file)

    def folder(page: Page) -> None:
        page.get_by_label("A folder or file on this machine, or an address").fill(str(series))
        page.get_by_role("button", name="Open", exact=True).click()

    def pair(page: Page) -> None:
        page.get_by_role("button", name="One place, two dates (synthetic)", exact=True).click()

    for file in radiographs:
        with opened(browser, server, f"Radiology, {file.name}", "/radiology", upload) as page:
            shoot(page, screenshots, "radiograph")
            redrawn(page, file)
    with opened(browser, server, f"Radiology, {series.name}", "/radiology", folder) as page:
        times_of("wheel to picture", page.evaluate(SCROLL, TURNS))
        shoot(page, screenshots, "series")
    with opened(browser, server, "Earth, two dates", "/earth", pair) as page:
        shoot(page, screenshots, "earth")
    file = radiographs[0]
    with opened(
        browser, server, f"Explain, {file.name}", "/explain", upload, ".st-key-explain-image img, [data-testid=stImage] img"
    ) as page:
        shoot(page, screenshots, "explain")
    context, page, sent = fresh(browser, server)
    with measured(server, page, sent, "Models"):
        page.goto("/models")
        page.get_by_role("heading", level=4).first.wait_for()
    context.close()


def shoot(page: Page, folder: Path | None, name: str) -> None:
    """A picture of the page, where a folder for them is named."""
    if folder:
        page.screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    main()
