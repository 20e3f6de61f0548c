"""Nothing that is opened leaves the machine, and nobody reaches a page past the sign-in."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from core.settings import PROJECT
from core.ui.shell.admission import COOKIE
from tests.e2e.conftest import serve, tab_in

PAGES = ("/", "/radiology", "/earth", "/explain", "/models")


def names(page: Page) -> list[str]:
    return [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == COOKIE]


def test_no_page_asks_another_machine_for_anything(browser: Browser, address: str) -> None:
    with tab_in(browser, address) as (page, watch):
        for path in PAGES:
            page.goto(path)
            expect(page.get_by_text("Not for clinical decisions").first).to_be_visible()
            expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
        assert any(url.startswith("ws") for url in watch.asked), "not even the application's own socket was seen"
        assert watch.outside == []


def test_a_request_that_leaves_would_be_seen(browser: Browser, address: str) -> None:
    """The watch itself is watched: else the test above could not fail."""
    with tab_in(browser, address) as (page, watch):
        page.goto("/")
        with pytest.raises(Error):
            page.goto("https://elsewhere.example/font.woff2")
        assert watch.outside == ["https://elsewhere.example/font.woff2"]


def test_a_script_in_a_page_cannot_ask_another_machine_for_anything(browser: Browser, address: str) -> None:
    """The content security policy holds it back before it becomes a request."""
    with tab_in(browser, address) as (page, watch):
        page.goto("/")
        asked = "fetch('https://elsewhere.example/x').then(() => 'sent', () => 'held back')"
        assert page.evaluate(asked) == "held back"
        assert watch.outside == []


def test_a_page_that_is_asked_for_by_its_address_stands_behind_the_sign_in(browser: Browser, place: Path) -> None:
    """On a server that nobody has visited: Streamlit would then serve the files of pages/ by itself."""
    with serve(place, {"SIGHTLINE_PASSWORD": "open sesame"}) as address, tab_in(browser, address) as (page, _):
        page.context.add_cookies([{"name": COOKIE, "value": "planted", "url": address}])
        page.goto("/radiology")
        expect(page.get_by_label("Password", exact=True)).to_be_visible()
        expect(page.get_by_text("Open an image")).to_have_count(0)
        before = names(page)
        page.get_by_label("Password", exact=True).fill("open sesame")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("Open an image")).to_be_visible()
        after = names(page)
        assert len(before) == len(after) == 1 and "planted" not in before and before != after
        page.locator("input[type=file]").first.set_input_files(PROJECT / "sample_data" / "chest-radiograph.dcm")
        expect(page.get_by_role("button", name="Close")).to_be_visible()
        page.reload()
        expect(page.get_by_role("button", name="Close")).to_be_visible()
