"""The first visitor after a start: the libraries are not loaded yet, and every page says so in its own place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import SIZE, serve

LOADING = "Starting: the libraries of the models are loaded once."


@pytest.fixture
def started(tmp_path: Path, browser: Browser) -> Iterator[Page]:
    """A page of a server that nobody has visited."""
    place = tmp_path / "images"
    place.mkdir()
    with serve(place, {}) as address, browser.new_context(base_url=address, viewport=SIZE) as context:
        yield context.new_page()


def test_a_page_that_is_opened_by_its_address_has_the_menu_while_it_loads(started: Page) -> None:
    started.goto("/models", wait_until="commit")  # the line may be gone before every file of the page is here
    expect(started.get_by_text(LOADING)).to_be_visible()
    menu = started.get_by_test_id("stSidebarNav").get_by_role("link")
    expect(menu).to_have_text(["Home", "Radiology", "Earth", "Explain", "Models"])
    expect(started.get_by_text("What it does not know")).to_be_visible()
    expect(started.get_by_text(LOADING)).to_have_count(0)


def test_who_opens_another_page_while_it_loads_comes_there(started: Page) -> None:
    started.goto("/", wait_until="commit")  # Home is whole without them
    started.get_by_test_id("stSidebarNav").get_by_role("link", name="Models").click()
    expect(started.get_by_text("Measured", exact=True).first).to_be_visible()
    expect(started.get_by_role("radio", name="Pneumonia")).to_be_visible()
    expect(started.get_by_text("Something failed on our side")).to_have_count(0)
