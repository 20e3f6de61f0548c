"""A teacher's way through the Explain page, in a browser: one image, several methods, a patch, and how far the methods agree."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from pydicom.data import get_testdata_file

from core.settings import PROJECT
from tests.e2e.conftest import Shoot

SAMPLES = PROJECT / "sample_data"
METHODS = ("Attention rollout", "Relevance (Chefer)", "Grad-CAM of tokens", "Integrated Gradients", "Occlusion")
CONTROLS = ("noise", "centre", "edges", "random weights")
MATRIX = "table.agreement td"
STRIPS = ".gain"
ALL_MAPS_MS = 300_000
"""Five maps, each with random ones as smooth, are some four thousand passes: half a minute on two cores that have nothing else to do."""


def open_sample(page: Page, path: Path) -> None:
    page.goto("/explain")
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_role("button", name="Close")).to_be_visible()


def picture(page: Page, label: str | re.Pattern[str]) -> Locator:
    found = page.get_by_role("img", name=label).first
    expect(found).to_have_attribute("data-ready", "true")
    return found


def click_in(page: Page, found: Locator, across: float, down: float) -> None:
    """A click; across and down are shares of the picture."""
    found.scroll_into_view_if_needed()
    box = found.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)


def test_methods_stand_side_by_side_with_what_they_are_worth(page: Page, shoot: Shoot) -> None:
    open_sample(page, SAMPLES / "real" / "child-pneumonia.dcm")

    # The image first; then a map a method, each measured against random maps, among controls, and how far they agree.
    picture(page, "The image as the model reads it")
    page.get_by_role("button", name="Attention rollout", exact=True).click()
    expect(page.locator(MATRIX)).to_have_count(len(METHODS) ** 2, timeout=ALL_MAPS_MS)
    for method in METHODS:
        picture(page, re.compile(f"^{re.escape(method)} for "))
    expect(page.get_by_text("Controls: what nothing looks like")).to_be_visible(timeout=ALL_MAPS_MS)
    expect(page.locator(STRIPS)).to_have_count(len(METHODS) + len(CONTROLS))
    page.locator(STRIPS).first.hover()
    expect(page.get_by_role("img", name=re.compile("^Probability while tokens are deleted")).first).to_be_visible()

    # A patch: what it attends to, and what attends to it.
    click_in(page, picture(page, re.compile("^Occlusion for ")), 0.4, 0.6)
    expect(page.get_by_text(re.compile(r"^\d+ across, \d+ down, of "))).to_be_visible()
    expect(page.get_by_text(re.compile("All layers, mean of"))).to_be_visible()
    shoot("explain")
    page.get_by_role("radio", name="Attended to by").click()
    expect(page.get_by_text("Heads that look at it most")).to_be_visible()
    click_in(page, picture(page, re.compile("^Attention of .* layers by")), 0.05, 0.05)
    expect(page.get_by_text("Layer 1, head 1.")).to_be_visible()

    page.get_by_role("button", name="Let go").click()
    click_in(page, picture(page, re.compile("^Occlusion for ")), 0.4, 0.6)
    expect(page.get_by_text(re.compile("All layers, mean of"))).to_be_visible()
    click_in(page, picture(page, re.compile("^Attention of .* layers by")), 0.05, 0.05)
    expect(page.get_by_text("Layer 1, head 1.")).to_be_visible()

    # A reload loses nothing; a method that is not wanted goes.
    page.reload()
    expect(page.locator(MATRIX)).to_have_count(len(METHODS) ** 2)
    expect(page.get_by_text("Layer 1, head 1.")).to_be_visible()
    page.get_by_role("button", name="Attention rollout", exact=True).click()
    expect(page.locator(MATRIX)).to_have_count((len(METHODS) - 1) ** 2)
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Open an image", exact=True)).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)


NARROW = {"width": 1024, "height": 768}
CUT = """() => [...document.querySelectorAll('button, [role=tab], [role=radio], [data-baseweb=select], label p, table, h4, h5')]
    .filter(each => each.checkVisibility() && !each.closest('[data-testid=stSidebar], .wide table'))
    .filter(each => { const box = each.getBoundingClientRect();
        const isCut = each.tagName == 'BUTTON' && each.scrollWidth > each.clientWidth + 1;
        return isCut || box.right > window.innerWidth + 1 || box.left < -1; })
    .map(each => each.tagName + ' ' + each.textContent.trim().slice(0, 40))"""
"""What reaches beyond the window, or is a button whose words do not fit into it."""


def test_on_a_narrow_screen_nothing_is_cut(page: Page, shoot: Shoot) -> None:
    page.set_viewport_size(NARROW)
    open_sample(page, SAMPLES / "real" / "child-pneumonia.dcm")
    expect(page.locator(STRIPS).first).to_be_visible(timeout=ALL_MAPS_MS)
    click_in(page, picture(page, re.compile("^[A-Z].* for ")), 0.4, 0.6)
    expect(page.get_by_text(re.compile("All layers, mean of"))).to_be_visible()
    shoot("explain-narrow")
    assert page.evaluate(CUT) == []
    page.get_by_role("button", name="Close").click()
    page.goto("/models")
    expect(page.get_by_text("What it does not know")).to_be_visible()
    assert page.evaluate(CUT) == []


def test_what_is_painted_is_masked_by_hand_and_by_keys(page: Page) -> None:
    open_sample(page, SAMPLES / "real" / "child-pneumonia.dcm")
    picture(page, "The image as the model reads it")
    page.get_by_role("radio", name="Masks tokens").click()
    expect(page.get_by_text("Drag over the image to mask tokens.")).to_be_visible()
    image = picture(page, "The image as the model reads it")
    box = image.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.35 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.35 * box["height"])
    page.mouse.up()
    told = page.get_by_text(re.compile(r"^\d+ of 100 tokens masked"))
    expect(told).to_be_visible()
    before = told.inner_text()
    for key in ("ArrowDown", "ArrowDown", "Space"):  # the first wakes the keyboard's cell in the middle
        image.press(key)
    expect(told).not_to_have_text(before)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Drag over the image to mask tokens.")).to_be_visible()
    page.get_by_role("button", name="Close").click()


def test_the_window_of_a_scene_goes_where_it_is_clicked(page: Page) -> None:
    open_sample(page, SAMPLES / "earth-after.tif")
    target = page.get_by_role("combobox", name=re.compile("Target"))
    expect(target).not_to_have_value(re.compile("Sea or lake"))
    click_in(page, picture(page, re.compile("^Overview of earth-after.tif")), 0.75, 0.15)
    expect(target).to_have_value(re.compile("Sea or lake"))
    picture(page, re.compile("^[A-Z].* for Sea or lake"))
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Open an image", exact=True)).to_be_visible()


def test_an_image_that_no_model_was_made_for_is_explained_with_a_warning(page: Page) -> None:
    open_sample(page, Path(str(get_testdata_file("MR_small.dcm"))))
    expect(page.get_by_text("Outside what this model knows")).to_be_visible()
    expect(page.get_by_text("Choose a target: the model has no answer of its own for this image.")).to_be_visible()
    page.get_by_role("combobox", name=re.compile("Target")).click()
    page.get_by_role("option").first.click()
    expect(page.get_by_text("The maps show how the model reacts, not a finding.")).to_be_visible()
    expect(page.locator(STRIPS).first).to_be_visible(timeout=ALL_MAPS_MS)
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Open an image", exact=True)).to_be_visible()
