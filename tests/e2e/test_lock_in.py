"""What one browser opens is shown to no other, is bounded, and is told to be gone where it is."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from core.settings import PROJECT
from tests.e2e.conftest import free_port, serve, tab_in

RADIOGRAPH = PROJECT / "sample_data" / "chest-radiograph.dcm"
GONE = "What was open here is gone"


def give(page: Page, file: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(file)


def is_open(page: Page) -> None:
    expect(page.get_by_role("button", name="Close")).to_be_visible()


def open_files(place: Path) -> list[str]:
    return [file.name for home in place.parent.glob("home-*") for file in (home / "open").rglob("*.dcm")]


def test_an_open_study_belongs_to_its_browser_and_survives_a_reload_and_a_second_tab(browser: Browser, tmp_path: Path) -> None:
    place = tmp_path / "images"
    place.mkdir()
    (place / "large.dcm").write_bytes(bytes(5_000_000))
    with serve(place, {"SIGHTLINE_USER_MB": "3"}) as address, tab_in(browser, address) as (page, _):
        page.goto("/radiology")
        give(page, place / "large.dcm")
        expect(page.get_by_text("With this more than 3 MB would be open in this browser.")).to_be_visible()
        give(page, RADIOGRAPH)
        is_open(page)
        expect(page).to_have_url(f"{address}/radiology?session={page.url.rpartition('=')[2]}")
        link = page.url
        page.reload()
        is_open(page)
        second = page.context.new_page()
        second.goto(link)
        is_open(second)
        second.close()
        with tab_in(browser, address) as (other, _):
            other.goto(link)
            other.get_by_role("button", name="Ask to see it").click()
            expect(other.get_by_text("Asked", exact=True)).to_be_visible()
            expect(other.get_by_role("button", name="Close")).to_have_count(0)
            expect(page.get_by_text("Another browser asks to see what is open here")).to_be_visible()
            page.get_by_role("button", name="Refuse").click()
            expect(other.get_by_text("Not shared")).to_be_visible()
            expect(other.get_by_role("button", name="Close")).to_have_count(0)
        with tab_in(browser, address) as (other, _):
            other.goto(link)
            other.get_by_role("button", name="Ask to see it").click()
            page.get_by_role("button", name="Let it in").click()
            is_open(other)
            other.reload()
            is_open(other)
        is_open(page)
        assert open_files(place) == [RADIOGRAPH.name]
        page.get_by_role("button", name="Close").click()
        expect(page.get_by_text("Open an image", exact=True)).to_be_visible()
        assert open_files(place) == []
        expect(page).to_have_url(f"{address}/radiology")


def test_a_planted_cookie_and_link_make_nobody_look_at_what_another_opens(browser: Browser, tmp_path: Path) -> None:
    """A page on another port of this host can fetch a cookie here and write it into a browser that visits it: cookies ignore ports."""
    place = tmp_path / "images"
    place.mkdir()
    with serve(place, {}) as address, tab_in(browser, address) as (attacker, _), tab_in(browser, address) as (victim, _):
        attacker.goto("/radiology")
        give(attacker, RADIOGRAPH)
        is_open(attacker)
        (planted,) = [cookie for cookie in attacker.context.cookies() if cookie["name"] == "sightline"]
        victim.context.add_cookies([{"name": "sightline", "value": planted["value"], "url": address}])
        victim.goto(attacker.url)
        expect(victim.get_by_text("This link belongs to another browser")).to_be_visible()
        expect(victim.get_by_role("button", name="Close")).to_have_count(0)
        give(victim, RADIOGRAPH)
        is_open(victim)
        assert len(open_files(place)) == 2
        attacker.reload()
        attacker.get_by_role("button", name="Close").click()
        expect(attacker.get_by_text("Open an image", exact=True)).to_be_visible()
        assert len(open_files(place)) == 1
        victim.reload()
        is_open(victim)


def test_a_page_that_comes_back_after_a_restart_says_by_itself_that_its_study_is_gone(browser: Browser, tmp_path: Path) -> None:
    place, port = tmp_path / "images", free_port()
    place.mkdir()
    with tab_in(browser, f"http://127.0.0.1:{port}") as (page, _):
        with serve(place, {}, port):
            page.goto("/radiology")
            give(page, RADIOGRAPH)
            is_open(page)
        assert open_files(place) == []  # the server that ended left nothing
        with serve(place, {}, port):
            expect(page.get_by_text(GONE)).to_be_visible()
