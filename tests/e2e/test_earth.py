"""An analyst's way through the Earth page, in a browser: two dates of one place, mapped, compared, explained and taken away."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, Route, expect
from rasterio.transform import from_origin
from rasterio.windows import Window

from tests.e2e.conftest import NARROW, PROJECT, Shoot, cut_off
from tests.unit.readers.scenes.geotiff_files import write_geotiff

CHANGED = re.compile(r"^[\d,.]+ ha changed$")
MAPPED = re.compile(r"^[\d,.]+ ha mapped$")
EMPTY = "Open one date or several"
SETTLED_MS = 2500
"""After which a finished comparison is drawn no more."""
PATIENCE_MS = 30_000


def canvas(page: Page) -> Locator:
    """The map, once it is drawn."""
    found = page.locator("canvas[data-ready=true]").first
    expect(found).to_be_visible()
    return found


def click_map(page: Page, across: float, down: float) -> None:
    """A click on the map; across and down are shares of it."""
    box = canvas(page).bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")


def shown(page: Page, text: str | re.Pattern[str]) -> Locator:
    return page.get_by_text(text).locator("visible=true").first


def downloaded(page: Page, button: Locator) -> bytes:
    with page.expect_download() as waiting:
        button.click()
    return Path(str(waiting.value.path())).read_bytes()


def file_button(page: Page, name: str) -> Locator:
    """The button beside a file's name."""
    row = page.locator('[data-testid="stHorizontalBlock"]').filter(has=page.get_by_text(name, exact=True)).last
    return row.get_by_role("button", name="Download")


def town() -> NDArray[np.uint16]:
    """The town of the sample, [4, 128, 128], red first as is guessed: ground that the model knows, as a plain grey field is not."""
    with rasterio.open(PROJECT / "sample_data" / "earth-before.tif") as sample:
        pixels: NDArray[np.uint16] = sample.read((3, 2, 1, 4), window=Window(448, 240, 128, 128))  # type: ignore[no-untyped-call]
    return pixels


def open_how(page: Page) -> None:
    """Show by which method and index the dates are compared."""
    page.get_by_text("How", exact=True).locator("visible=true").first.click()


def choose_way(page: Page, name: str) -> None:
    """Compare by the method of that name, which stands under "How"."""
    open_how(page)
    page.locator("button:visible", has_text=name).click()


def test_the_first_click_on_two_dates_shows_what_burned(page: Page, shoot: Shoot) -> None:
    page.goto("/")
    expect(page.get_by_text("Real: Contains modified Copernicus Sentinel data 2024; free and open.")).to_be_visible()
    page.get_by_role("button", name="One place, two dates", exact=True).click()
    expect(shown(page, "361.8 ha changed")).to_be_visible()
    expect(shown(page, "2024, before to 2024, after")).to_be_visible()
    open_how(page)
    expect(page.get_by_role("radio", name="NBR, burns")).to_be_checked()
    expect(page.get_by_role("button", name="Change", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("Say what the bands and values are")).to_have_count(0)
    canvas(page)
    shoot("earth-fire")
    page.get_by_text("Polygon 2", exact=True).locator("visible=true").first.click()
    expect(shown(page, "Half ranked first")).to_be_visible()
    expect(shown(page, "Proved: the change lies in these pixels.")).to_be_visible()
    shoot("earth-taken-back")


def test_two_dates_of_the_sample_are_compared_explained_and_taken_away(page: Page, shoot: Shoot) -> None:
    page.goto("/")
    page.get_by_role("link", name="Earth").click()
    page.get_by_role("button", name="One place, two dates (synthetic)", exact=True).click()

    # The network of change knows real ground alone, and no area is given by it; the classes are what the sample was drawn to show.
    expect(shown(page, "No area is given: ")).to_be_visible()
    expect(shown(page, CHANGED)).to_have_count(0)
    choose_way(page, "Post-classification")
    expect(shown(page, CHANGED)).to_be_visible()
    expect(shown(page, "The score of change is not calibrated.")).to_be_visible()

    # The swipe bar follows the keys.
    expect(canvas(page)).to_have_attribute("aria-label", re.compile("Map of earth-before.tif"))
    expect(page.get_by_role("button", name="Change", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".sankey")).to_be_visible()
    expect(page.get_by_text("Forest to residential").first).to_be_visible()
    shoot("earth-change")
    swipe = page.get_by_role("slider", name="Swipe between the two dates")
    swipe.focus()
    page.keyboard.press("ArrowLeft")
    expect(swipe).to_have_attribute("aria-valuenow", "45")

    # A patch of change: the map goes there, and says why it counts as what it became.
    page.get_by_text("Forest to residential").first.click()
    expect(shown(page, "The pale bands are what")).to_be_visible()
    expect(canvas(page)).not_to_have_attribute("data-zoom", "1.00")
    expect(page.get_by_role("button", name="Why", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(shown(page, "Why residential, on 2021-06-19")).to_be_visible()
    shoot("earth-why")
    page.get_by_role("button", name="Next").click()
    expect(shown(page, re.compile("number 2 of"))).to_be_visible()

    # Areas by class, and what the model says of a place that is clicked.
    open_tab(page, "Land cover")
    expect(shown(page, MAPPED)).to_be_visible()
    expect(page.get_by_role("button", name="Land cover", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Reset").click()
    click_map(page, 0.3, 0.3)
    expect(shown(page, "At this place")).to_be_visible()
    expect(page.locator("p.card-title:visible")).to_have_text(["2019-06-15", "2021-06-19"])
    shoot("earth-cover")

    # A page switch and a reload lose nothing.
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_text("Models on this machine")).to_be_visible()
    page.get_by_role("link", name="Earth").click()
    canvas(page)
    expect(page.get_by_role("tab", name="Land cover")).to_have_attribute("aria-selected", "true")
    page.reload()
    canvas(page)
    expect(page.get_by_role("tab", name="Land cover")).to_have_attribute("aria-selected", "true")
    open_tab(page, "Change")
    expect(shown(page, CHANGED)).to_be_visible()

    # The report and the files.
    open_tab(page, "Report")
    expect(shown(page, re.compile("Forest became residential on"))).to_be_visible()
    open_tab(page, "Export")
    assert downloaded(page, file_button(page, "change.tif"))[:4] in (b"II*\x00", b"II+\x00")
    assert downloaded(page, file_button(page, "changes.gpkg")).startswith(b"SQLite format 3")
    assert b"Forest,Residential" in downloaded(page, file_button(page, "transitions.csv"))
    archive = zipfile.ZipFile(io.BytesIO(downloaded(page, page.get_by_role("button", name="All of it, as a zip"))))
    assert {"change.tif", "change.qml", "changes.gpkg", "report.pdf", "report.md", "report.json"} <= set(archive.namelist())

    page.get_by_role("button", name="Close").click()
    expect(shown(page, EMPTY)).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)


ABOVE = """(canvas) => {
  const at = [Math.round(canvas.width * 0.25), Math.round(canvas.height * 0.5)];
  return [...canvas.getContext("2d").getImageData(...at, 1, 1).data].join(" ");
}"""
"""The colour of a place in the upper half of the first date."""


def test_a_map_grows_strip_by_strip_and_what_is_drawn_of_it_never_vanishes(page: Page) -> None:
    page.goto("/earth")
    page.get_by_role("button", name="One place, two dates (synthetic)", exact=True).click()
    choose_way(page, "Post-classification")
    expect(page.get_by_role("button", name="Land cover", exact=True)).to_have_attribute("aria-pressed", "true")
    picture = canvas(page)
    bare = picture.evaluate(ABOVE)
    while picture.evaluate(ABOVE) == bare:
        expect(page.locator('[class*="progress"][class*="st-key"]').filter(has_text="Comparing").first).to_be_visible()
        page.wait_for_timeout(50)
    colours, change = set(), page.get_by_role("button", name="Change", exact=True)
    while True:
        colour = picture.evaluate(ABOVE)
        if change.count() > 0:  # the map gave way to the change, of which there may be none at this place
            break
        colours.add(colour)
        page.wait_for_timeout(20)
    assert bare not in colours
    expect(page.get_by_role("tab", name="Change")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("button", name="Land cover", exact=True)).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Close").click()


def test_a_comparison_by_an_index_needs_no_model_and_nothing_of_it_is_cut_off_at_1024_pixels(page: Page, shoot: Shoot) -> None:
    page.set_viewport_size(NARROW)
    page.goto("/earth")
    page.get_by_role("button", name="One place, two dates (synthetic)", exact=True).click()
    choose_way(page, "Spectral index")
    expect(shown(page, "NDVI = (near infrared - red)")).to_be_visible()
    expect(shown(page, CHANGED)).to_be_visible()
    assert cut_off(page) == []
    page.locator("[data-testid=stRadio] label:visible").first.click()
    expect(shown(page, "Why: the bands at both dates")).to_be_visible()
    shoot("earth-index-1024")
    for name, told in (("Report", "Method: difference of a spectral index"), ("Export", "change_score.tif"), ("Scenes", "earth-after.tif")):
        open_tab(page, name)
        expect(shown(page, re.compile(told))).to_be_visible()
        assert cut_off(page) == [], name
    assert canvas(page).bounding_box()
    page.get_by_role("button", name="Close").click()


def test_a_picture_that_did_not_come_is_asked_for_again(page: Page) -> None:
    """Also where the page is not drawn anew by itself."""
    lost: list[str] = []

    def lose(route: Route) -> None:
        lost.append(route.request.url)
        route.fulfill(status=404)

    pictures = re.compile(r"/media/")
    page.goto("/earth")
    page.get_by_role("button", name="One place, two dates (synthetic)", exact=True).click()
    page.route(pictures, lose)
    choose_way(page, "Spectral index")
    expect(shown(page, CHANGED)).to_be_visible()
    page.wait_for_timeout(SETTLED_MS)
    assert lost
    with page.expect_response(lambda answer: answer.url in lost and answer.ok, timeout=PATIENCE_MS):
        page.unroute(pictures)
    assert canvas(page).bounding_box()


def test_unnamed_bands_are_asked_for_and_then_mapped(page: Page, tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "unnamed_20200601.tif", town())
    page.goto("/earth")
    page.locator("input[type=file]").set_input_files(path)
    expect(shown(page, "Which band is which?")).to_be_visible()
    expect(shown(page, MAPPED)).to_have_count(0)
    page.get_by_role("button", name="Use these", exact=True).click()
    expect(shown(page, MAPPED)).to_be_visible()


def test_dates_of_different_places_are_refused_with_both_footprints(page: Page, tmp_path: Path) -> None:
    names, grey = ("B04", "B03", "B02"), np.full((3, 96, 96), 900, np.uint16)
    here = write_geotiff(tmp_path / "here_20190601.tif", grey, descriptions=names)
    far = from_origin(600_000.0, 5_000_000.0, 10.0, 10.0)
    there = write_geotiff(tmp_path / "there_20210601.tif", grey, transform=far, descriptions=names)
    page.goto("/earth")
    page.locator("input[type=file]").set_input_files([here, there])
    refusal = shown(page, "do not overlap")
    expect(refusal).to_contain_text("° N, 3.0000 to ")
    expect(refusal).to_contain_text("° N, 4.27")


def test_a_large_scene_waits_to_be_asked_and_stops_when_told(page: Page, place: Path) -> None:
    noise = np.random.default_rng(0).integers(300, 3000, (3, 2200, 2200), dtype=np.uint16)
    path = write_geotiff(place / "large_20200601.tif", noise, descriptions=("B04", "B03", "B02"), tiled=True)
    page.goto("/earth")
    page.get_by_label("A folder or file on this machine, or an address").fill(str(path))
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_role("button", name="Map this date").click()
    expect(shown(page, re.compile(r"Mapping 2020-06-01: [\d,]+ of [\d,]+ tiles"))).to_be_visible()
    # The picture may still be drawn, with a button of its own.
    mapping = page.locator('[class*="progress"][class*="st-key"]').filter(has_text="Mapping 2020-06-01")
    mapping.get_by_role("button", name="Cancel").click()
    expect(shown(page, "cancelled before it was done")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(shown(page, EMPTY)).to_be_visible()


def test_bands_of_paris_in_a_file_each_become_two_dates(page: Page, shared_data: Path) -> None:
    folder = shared_data / "geotiff" / "sentinel2-one-band-a-file-paris"
    page.goto("/earth")
    page.locator("input[type=file]").set_input_files(sorted(folder.glob("*/*.tif")))
    expect(shown(page, CHANGED)).to_be_visible()
    expect(shown(page, "2016-11-30 to 2017-11-07")).to_be_visible()
    open_tab(page, "Scenes")
    expect(page.get_by_text(", 13 files").locator("visible=true")).to_have_count(2)


def test_long_names_and_the_lines_of_scenes_fit_into_a_window_of_1024_pixels(page: Page, tmp_path: Path) -> None:
    page.set_viewport_size(NARROW)
    page.goto("/earth")
    names, later = ("B04", "B03", "B02", "B08"), np.roll(town(), 24, axis=2)
    files = [
        write_geotiff(tmp_path / f"S2A_OPER_MSI_L1C_TL_MPS__{date}T130757_A007527_T31UDQ_AND_SO_ON.tif", pixels, descriptions=names)
        for date, pixels in (("20161130", town()), ("20171107", later))
    ]
    page.locator("input[type=file]").first.set_input_files(files)
    choose_way(page, "Spectral index")
    expect(shown(page, CHANGED)).to_be_visible()
    assert too_wide(page, ".strip") == []
    open_tab(page, "Report")
    expect(shown(page, "Grid: 128 x 128 pixels")).to_be_visible()
    assert too_wide(page, ".report, .report p") == []
    open_tab(page, "Export")
    button, name = file_button(page, "changes.gpkg"), shown(page, "changes.gpkg")
    expect(button).to_be_visible()
    beside, words = button.bounding_box(), name.bounding_box()
    assert beside and words and beside["x"] > words["x"] and beside["y"] < words["y"] + 40
    assert cut_off(page) == []
    page.get_by_role("button", name="Close").click()


def too_wide(page: Page, selector: str) -> list[str]:
    """Texts that are wider than the place they have."""
    found: list[str] = page.evaluate(
        "(wanted) => [...document.querySelectorAll(wanted)].filter((each) => each.clientWidth && each.scrollWidth > each.clientWidth + 1)"
        ".map((each) => each.innerText)",
        selector,
    )
    return found


def test_two_dates_are_shown_in_turn_and_side_by_side(page: Page) -> None:
    page.goto("/earth")
    page.get_by_role("button", name="One place, two dates", exact=False).locator("visible=true").last.click()
    canvas(page)
    swipe, beside, blink = page.locator(".swipe").first, page.locator(".chip.beside").first, page.locator(".chip.blink").first
    expect(swipe).to_be_visible(timeout=60_000)
    page.keyboard.press("s")
    expect(beside).to_have_attribute("aria-pressed", "true")
    expect(swipe).to_be_hidden()
    blink.click()
    expect(beside).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".corner.top.left").first).to_be_hidden(timeout=5_000)  # only the date in view is named
    page.keyboard.press("b")
    expect(swipe).to_be_visible()
