"""What the Radiology page must not do to its reader: die, lose what was typed, throw them elsewhere, cut off a button."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.settings import PROJECT
from tests.e2e.conftest import NARROW, Shoot, cut_off, tab_in

SAMPLES = PROJECT / "sample_data"
RADIOGRAPH = SAMPLES / "chest-radiograph.dcm"
OTHER = SAMPLES / "chest-radiograph-opacity.dcm"
CT_SLICES = sorted((SAMPLES / "ct-series").iterdir())[18:24]
TURNS, BURST, PAUSE_MS = 200, 4, 120
TURN = """async (canvas, [turns, burst, pause, names]) => {
    const tabs = [...document.querySelectorAll('[role=tab]')].filter((tab) => names.includes(tab.innerText.trim()));
    for (let turn = 0; turn < turns; turn += 1) {
        canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: turn % 8 < 4 ? 120 : -120, bubbles: true, cancelable: true }));
        tabs[turn % tabs.length].click();
        if (turn % burst === 0) await new Promise((done) => setTimeout(done, pause));
    }
}"""
"""In the browser itself, faster than a hand: several runs of the page are asked for at a time."""
RESTED_MS = 2_500
"""Longer than what is typed takes to reach the server."""
MAP_WIDTH = 200
"""CSS pixels that the legend and the bars below a map need."""
MARKED = "*bold* [link](x) :red[red] $x^2$ _it_.dcm"


def canvas(page: Page) -> Locator:
    found = page.locator("canvas[data-ready=true]").first
    expect(found).to_be_visible()
    return found


def opened(page: Page, *files: Path) -> Locator:
    """The viewer with these files."""
    page.goto("/radiology")
    page.locator("input[type=file]").set_input_files(files)
    return canvas(page)


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")


def edited_findings(page: Page, text: str) -> None:
    open_tab(page, "Report")
    page.locator(".st-key-panel label").filter(has_text="Edit").nth(1).click()
    field = page.get_by_role("textbox", name="Findings")
    field.fill("")
    field.press_sequentially(text)


@pytest.mark.slow
def test_the_wheel_and_the_tabs_in_turn_do_not_kill_the_page(page: Page) -> None:
    picture = opened(page, *CT_SLICES)
    picture.evaluate(TURN, [TURNS, BURST, PAUSE_MS, ["Findings", "Study", "Why"]])
    expect(page.get_by_text("ForwardMsg")).to_have_count(0)
    open_tab(page, "Study")
    expect(page.get_by_text("One volume")).to_be_visible()
    expect(page.get_by_text("failed on our side")).to_have_count(0)
    slice_now = picture.get_attribute("data-slice")
    picture.hover()
    page.mouse.wheel(0, 120 if slice_now == "1" else -120)
    expect(picture).not_to_have_attribute("data-slice", str(slice_now))


def test_a_click_on_the_image_leaves_the_tab_and_keys_need_no_click(page: Page) -> None:
    picture = opened(page, RADIOGRAPH)
    page.keyboard.press("i")
    expect(page.get_by_role("button", name="Invert")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("?")
    expect(page.get_by_text("window and zoom as at first")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("window and zoom as at first")).to_be_hidden()
    for name in ("Findings", "Report", "Study"):
        open_tab(page, name)
        picture.click()
        page.wait_for_timeout(RESTED_MS)
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")


def test_a_reload_keeps_the_tab_and_half_typed_text_and_close_asks_before_it_is_lost(page: Page) -> None:
    opened(page, RADIOGRAPH)
    edited_findings(page, "Half a sent")
    page.wait_for_timeout(RESTED_MS)
    page.keyboard.type("ence")  # the field has kept the caret
    page.wait_for_timeout(RESTED_MS)
    page.reload()
    canvas(page)
    expect(page.get_by_role("tab", name="Report")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("textbox", name="Findings")).to_have_value("Half a sentence")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_text("Close and lose what was written?")).to_be_visible()
    page.get_by_role("button", name="Keep it open").click()
    expect(page.get_by_text("Close and lose what was written?")).to_be_hidden()
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("button", name="Close anyway").click()
    expect(page.get_by_text("Open an image")).to_be_visible()


def test_a_second_study_opens_beside_the_first_and_each_is_named_by_what_it_is(page: Page, shoot: Shoot) -> None:
    opened(page, RADIOGRAPH)
    page.get_by_text("Open another").click()
    expect(page.get_by_role("button", name="Open", exact=True)).to_be_visible()
    assert cut_off(page) == []
    page.locator("input[type=file]").set_input_files(CT_SLICES)
    rows = page.locator('.st-key-image-list [data-testid="stBaseButton-tertiary"]')
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_have_text(re.compile("DX chest, PA"))
    expect(rows.nth(1)).to_have_text(re.compile("CT chest, 6 slices"))
    expect(page.locator(".st-key-image-list img")).to_have_count(2)
    shoot("radiology-list")
    rows.nth(0).click()
    expect(canvas(page)).to_have_attribute("aria-label", re.compile("DX image"))


@pytest.mark.parametrize("width", [1024, 1280, 1600])
def test_letters_of_the_sides_stand_free_of_the_plates_and_the_list_beside_the_picture(page: Page, width: int, shoot: Shoot) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    opened(page, RADIOGRAPH)
    for count in (1, 2):
        mark = page.locator(".mark.north").bounding_box()
        plates = [page.locator(f".corner.top.{side}").bounding_box() for side in ("left", "right")]
        left, right = plates
        assert mark and left and right
        assert left["x"] + left["width"] + 4 <= mark["x"] and mark["x"] + mark["width"] + 4 <= right["x"]
        if count == 1:
            page.get_by_text("Open another").click()
            page.locator("input[type=file]").set_input_files(OTHER)
            expect(page.locator(".st-key-image-list img")).to_have_count(2)
            page.wait_for_timeout(RESTED_MS)
    strip, stage, panel = (page.locator(each).bounding_box() for each in (".st-key-image-list", ".stage", ".st-key-panel"))
    assert strip and stage and panel
    assert strip["x"] + strip["width"] <= stage["x"] and stage["x"] + stage["width"] <= panel["x"]
    assert stage["width"] > panel["width"]
    shoot(f"radiology-list-{width}")


def test_two_tabs_of_one_address_do_not_empty_each_other(page: Page) -> None:
    opened(page, RADIOGRAPH)
    other = page.context.new_page()
    other.goto(page.url)
    canvas(other)
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_text("Open an image")).to_be_visible()
    open_tab(other, "Study")
    expect(other.get_by_text("A digital radiograph (DX)")).to_be_visible()
    canvas(other)
    other.get_by_role("button", name="Close", exact=True).click()
    expect(other.get_by_text("Open an image")).to_be_visible()


def test_a_file_name_is_shown_as_it_is_written_and_never_over_the_image(page: Page, tmp_path: Path) -> None:
    file = tmp_path / MARKED
    shutil.copy(RADIOGRAPH, file)
    damaged = tmp_path / "*not* :blue[read].dcm"
    damaged.write_bytes(RADIOGRAPH.read_bytes()[:400])
    opened(page, file, damaged)
    expect(page.get_by_text(MARKED, exact=True).first).to_be_visible()
    expect(page.locator(".viewer").get_by_text("bold")).to_have_count(0)
    page.get_by_text("1 file not opened").click()
    expect(page.get_by_text("*not* :blue[read].dcm").first).to_be_visible()
    expect(page.get_by_text(str(tmp_path.parent))).to_have_count(0)


@pytest.mark.parametrize("name", ["/", "/radiology", "/earth", "/explain", "/models"])
def test_nothing_is_cut_off_at_1024_pixels(browser: Browser, address: str, name: str) -> None:
    with tab_in(browser, address) as (page, _):
        page.set_viewport_size(NARROW)
        page.goto(name)
        expect(page.locator("button:visible").first).to_be_visible()
        page.wait_for_timeout(RESTED_MS)
        assert cut_off(page) == []


def test_nothing_is_cut_off_of_an_open_study_at_1024_pixels(page: Page, shoot: Shoot, tmp_path: Path) -> None:
    page.set_viewport_size(NARROW)
    named = tmp_path / f"1.2.276.0.7230010.3.1.4.8323329.6904.{RADIOGRAPH.name}"  # as DICOM files are named: nowhere to break
    shutil.copy(RADIOGRAPH, named)
    opened(page, named)
    place = page.locator(".quiet").get_by_text(named.name).or_(page.locator(".quiet", has_text=named.name)).first.bounding_box()
    assert place and place["x"] + place["width"] <= NARROW["width"]
    assert page.evaluate("[...document.querySelectorAll('.st-key-panel .quiet')].every((each) => each.scrollWidth <= each.clientWidth + 1)")
    for name in ("Findings", "Why", "Report", "Study", "Export"):
        open_tab(page, name)
        page.wait_for_timeout(RESTED_MS)
        assert cut_off(page) == [], name
    shoot("radiology-1024")


def test_every_method_can_be_chosen_and_each_map_has_room_for_its_measures_at_1024_pixels(page: Page) -> None:
    page.set_viewport_size(NARROW)
    page.goto("/explain")
    page.get_by_role("button", name="A child with pneumonia", exact=True).click()
    expect(page.locator(".stButtonGroup button").filter(has_text="Occlusion")).to_be_visible()
    assert cut_off(page) == []
    place = page.get_by_role("heading", name="Occlusion", exact=True).bounding_box()
    assert place and place["width"] >= MAP_WIDTH
