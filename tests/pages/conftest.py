"""Pages run without a browser, over a zoo of tiny models and a home of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from core.settings import PROJECT, settings
from core.types import Domain
from core.ui.shell import sign_in
from core.ui.shell.admission import admission
from core.ui.state.session import Task
from tests.tiny import write_tiny_model

PATIENCE_S = 120
"""Only a page that hangs takes so long, or the first one on a machine that is busy elsewhere."""


@pytest.fixture(scope="session")
def tiny_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of the zoo by their ids, tiny and ignorant."""
    folder = tmp_path_factory.mktemp("zoo")
    write_tiny_model(folder / "chest-xray")
    write_tiny_model(folder / "chest-ct", Domain.CHEST_CT)
    write_tiny_model(folder / "land-cover", Domain.LAND_COVER)
    return folder


@pytest.fixture
def home(tiny_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """SIGHTLINE_HOME of this test; the zoo is the tiny one."""
    monkeypatch.setenv("SIGHTLINE_ZOO", str(tiny_zoo))
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SIGHTLINE_RANDOM_MAPS", "20")  # the fewest: what a page says of a map does not depend on how many there are
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


@pytest.fixture(autouse=True)
def _as_on_a_server_that_was_visited(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest forgets before each run that app.py has navigation of its own; a click would be lost while the sign-in puts that right."""
    begin = PagesManager.__init__

    def begin_visited(self: PagesManager, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", begin_visited)


@pytest.fixture(autouse=True)
def browser_cookie(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The cookie that the browser of a page has; AppTest has none, and no storage. A test may put another in."""
    admission.cache_clear()
    cookie = ["a-random-name"]
    monkeypatch.setattr(sign_in, "browser", lambda: cookie[0])
    monkeypatch.setattr(sign_in, "_key", lambda: "a-secret-of-the-origin")
    yield cookie


@pytest.fixture
def application(home: Path) -> AppTest:
    """The application, its Home page drawn."""
    return AppTest.from_file(str(PROJECT / "app.py"), default_timeout=PATIENCE_S).run()


def waited(task: Task[Any]) -> None:
    """Until the work on it has ended."""
    assert task.job is not None
    assert task.job.wait(PATIENCE_S)
    task.settle()


def words(app: AppTest) -> str:
    """All text of the page and the rail."""
    texts = [element.value for kind in ("text", "markdown", "caption") for element in app.get(kind)]
    markup = [element.proto.body for element in app.get("html") if not element.proto.body.startswith("<style")]
    return "\n".join([*map(str, texts), *markup])


def run_until(app: AppTest, is_reached: Callable[[str], bool]) -> str:
    """Run the page, as its fragments do in a browser, until its words are as wanted."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        app.run()
        assert not app.exception, app.exception
        if is_reached(words(app)):
            return words(app)
        time.sleep(0.05)
    pytest.fail(f"the page never came there; it says:\n{words(app)}")
