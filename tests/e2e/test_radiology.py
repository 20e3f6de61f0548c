"""A clinician's way through the Radiology page, in a browser: from a file to a signed report, and a CT series through its slices."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from pydicom.data import get_testdata_file

from core.settings import PROJECT
from core.ui.widgets.words import INTENDED_USE
from models.registry import list_models
from tests.e2e.conftest import Shoot

CT_SERIES = sorted((PROJECT / "sample_data" / "ct-series").iterdir())
MEASURED = "The pale bands are what"
SEARCH_MS = 400_000
"""A series is searched slice by slice, which takes long on a machine that is busy elsewhere."""


def canvas(page: Page) -> Locator:
    """The picture, once it is drawn."""
    found = page.locator("canvas[data-ready=true]").first
    expect(found).to_be_visible()
    return found


def drag(page: Page, dx: int, dy: int) -> None:
    """Press in the middle of the picture, and let go dx and dy pixels away."""
    box = canvas(page).bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()


def downloaded(page: Page, button: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(str(waiting.value.path())).read_bytes()


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")


def test_a_sample_is_read_windowed_explained_reported_and_taken_away(page: Page, shoot: Shoot) -> None:
    page.goto("/")
    expect(page.get_by_text("Models on this machine")).to_be_visible()
    expect(page.locator(".cards article")).to_have_count(len(list_models()))
    expect(page.get_by_text(INTENDED_USE).first).to_be_visible()
    shoot("home")
    page.get_by_role("button", name="A chest radiograph", exact=True).click()

    # Findings: bars, or the reason in place of them.
    expect(page.get_by_text("Not for clinical use").first).to_be_visible()
    picture = canvas(page)
    expect(page.locator(".bars:visible, .note:visible").first).to_be_visible()
    shoot("radiology-findings")

    # The window follows the hand, keys turn it over and back.
    first = picture.get_attribute("data-width")
    drag(page, 60, 20)
    expect(picture).not_to_have_attribute("data-width", str(first))
    page.keyboard.press("i")
    expect(page.get_by_role("button", name="Invert")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("r")
    expect(picture).to_have_attribute("data-width", str(first))
    expect(page.get_by_role("button", name="Invert")).to_have_attribute("aria-pressed", "false")

    # Why: a map over the picture, measured against random ones; a clicked patch speaks.
    open_tab(page, "Why")
    expect(page.get_by_text(MEASURED)).to_be_visible()
    overlay = page.get_by_role("button", name="Occlusion", exact=True)
    expect(overlay).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".colours")).to_be_visible()
    page.get_by_label("Opacity of Occlusion").fill("60")
    picture.focus()
    page.keyboard.press("h")
    expect(page.get_by_role("button", name="Hide")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("h")
    page.get_by_role("radio", name="Integrated Gradients").click()
    expect(page.get_by_text("Completeness: ")).to_be_visible()
    expect(page.get_by_role("button", name="Integrated Gradients", exact=True)).to_be_visible()
    drag(page, 0, 0)  # a click
    expect(page.get_by_role("heading", name=re.compile(r"Patch \d+ across, \d+ down"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"Number \d+ of \d+ patches in this map"))).to_be_visible()
    shoot("radiology")

    # Report: a sentence shows its facts; what is written and signed goes to the clipboard as plain text.
    open_tab(page, "Report")
    page.locator(".report p[tabindex]:visible").first.hover()
    expect(page.locator(".cites:visible")).to_be_visible()
    shoot("radiology-report")
    page.locator(".st-key-panel label").filter(has_text="Edit").nth(1).click()
    page.get_by_role("textbox", name="Findings").fill("Read by a person.")
    page.get_by_role("textbox", name="Findings").press("Control+Enter")
    page.get_by_role("textbox", name="Signed by").fill("R. Reader")
    page.get_by_role("button", name="Sign off").click()
    expect(page.get_by_text("Signed by R. Reader").first).to_be_visible()
    page.get_by_role("button", name="Copy report").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = str(page.evaluate("navigator.clipboard.readText()"))
    assert "Read by a person." in copied
    assert "Signed by R. Reader" in copied
    assert "Integrated Gradients" in copied
    assert "<" not in copied.replace("< 0.01", "")

    # Export: what was seen is what is taken away.
    open_tab(page, "Export")
    assert downloaded(page, "PDF").startswith(b"%PDF")
    assert "Read by a person" in downloaded(page, "Markdown").decode()
    assert json.loads(downloaded(page, "JSON"))["signed_by"] == "R. Reader"
    assert downloaded(page, "Saliency, NumPy").startswith(b"\x93NUMPY")
    assert downloaded(page, "Overlay, PNG").startswith(b"\x89PNG")
    assert json.loads(downloaded(page, "Measurements, JSON"))["method"] == "integrated-gradients"

    # A reload loses nothing; closing forgets everything.
    page.reload()
    expect(page.get_by_text(INTENDED_USE).first).to_be_visible()
    canvas(page)
    expect(page.get_by_role("tab", name="Export")).to_have_attribute("aria-selected", "true")
    open_tab(page, "Report")
    expect(page.get_by_text("Signed by R. Reader").first).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_text("Open an image")).to_be_visible()
    shoot("radiology-empty")
    page.reload()
    expect(page.get_by_text("Open an image")).to_be_visible()


def test_an_uploaded_ct_image_keeps_its_header_and_is_answered(page: Page, shoot: Shoot) -> None:
    page.goto("/radiology")
    page.locator("input[type=file]").set_input_files(get_testdata_file("CT_small.dcm"))
    picture = canvas(page)
    expect(page.get_by_text("Not for clinical use").first).to_be_visible()
    for key, width, centre in (("1", "400", "40"), ("2", "1500", "-600"), ("4", "2500", "480")):
        picture.focus()
        page.keyboard.press(key)
        expect(picture).to_have_attribute("data-width", width)
        expect(picture).to_have_attribute("data-centre", centre)
    picture.hover()
    expect(page.get_by_text(re.compile(r"-?\d+ HU"))).to_be_visible()
    open_tab(page, "Study")
    expect(page.get_by_text("A CT image", exact=True)).to_be_visible()
    expect(page.get_by_text("CompressedSamples")).to_have_count(0)
    shoot("radiology-ct-image")
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_text("Models on this machine")).to_be_visible()
    page.get_by_role("link", name="Radiology").click()
    expect(page.get_by_text("CT_small.dcm").first).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_text("Open an image")).to_be_visible()


BRIGHTNESS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i];
  return sum;
}"""
DRAWN = 222 * 100
"""What the 222 pixels of the overlay plane of examples_overlay.dcm add at least, at whatever size."""


def test_what_the_file_draws_over_its_image_is_white_and_can_be_hidden(page: Page, shoot: Shoot) -> None:
    page.goto("/radiology")
    page.locator("input[type=file]").set_input_files(get_testdata_file("examples_overlay.dcm"))
    picture = canvas(page)
    expect(picture).to_have_attribute("data-ready", "true")
    drawn = picture.evaluate(BRIGHTNESS)
    shoot("radiology-overlay-planes")
    picture.focus()
    page.keyboard.press("h")
    page.wait_for_timeout(500)
    assert drawn > picture.evaluate(BRIGHTNESS) + DRAWN
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Open an image")).to_be_visible()


def test_a_ct_series_is_scrolled_and_windowed_and_a_candidate_is_visited_through_the_window_of_the_lung(page: Page, shoot: Shoot) -> None:
    page.goto("/radiology")
    page.locator("input[type=file]").set_input_files(CT_SERIES)
    picture = canvas(page)
    expect(picture).to_have_attribute("data-slice", str(len(CT_SERIES) // 2 + 1))
    picture.hover()
    page.mouse.wheel(0, 120)
    expect(picture).to_have_attribute("data-slice", str(len(CT_SERIES) // 2 + 2))
    picture.focus()
    page.keyboard.press("End")
    expect(picture).to_have_attribute("data-slice", str(len(CT_SERIES)))
    page.get_by_role("slider", name="Slice").fill("22")
    expect(picture).to_have_attribute("data-slice", "22")
    page.get_by_role("button", name=re.compile("^lung")).click()
    expect(picture).to_have_attribute("data-width", "1500")
    expect(page.get_by_text("Candidates").first).to_be_visible(timeout=SEARCH_MS)
    expect(page.get_by_text(", no probability").first).to_be_visible()
    page.get_by_role("button", name=re.compile("^soft tissue")).click()
    expect(picture).to_have_attribute("data-width", "400")
    first = page.get_by_role("button", name=re.compile("^Slice [0-9]+, (left|right) side of the patient")).first
    number = re.findall("[0-9]+", first.inner_text())[0]
    first.click()
    expect(picture).to_have_attribute("data-slice", number)
    expect(page.get_by_text(re.compile(f"^Slice {number}: "))).to_be_visible()
    expect(picture).to_have_attribute("data-width", "1500")
    other = len(CT_SERIES) if int(number) == 1 else 1
    page.get_by_role("slider", name="Slice").fill(str(other))
    expect(page.get_by_text(re.compile(f"^Slice {other}( |: )"))).to_be_visible()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_text("Models on this machine")).to_be_visible()
    page.get_by_role("link", name="Radiology").click()
    expect(canvas(page)).to_have_attribute("data-slice", str(other))
    open_tab(page, "Study")
    expect(page.get_by_text("One volume")).to_be_visible()
    shoot("radiology-ct")


def test_a_damaged_file_is_refused_in_a_sentence_and_another_may_be_tried(page: Page, tmp_path: Path, shoot: Shoot) -> None:
    whole = (PROJECT / "sample_data" / "chest-radiograph.dcm").read_bytes()
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(whole[:400])
    page.goto("/radiology")
    page.locator("input[type=file]").set_input_files(damaged)
    expect(page.get_by_text("damaged.dcm is a DICOM object that holds no image")).to_be_visible()
    expect(page.get_by_text("Open an image")).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)
    shoot("radiology-refused")
    sound = tmp_path / "without-an-ending"
    sound.write_bytes(whole)
    expect(page.locator("input[type=file]")).to_have_count(1)  # the box that took the damaged file goes when the page is drawn to its end
    page.locator("input[type=file]").set_input_files(sound)
    expect(page.get_by_text("Not for clinical use").first).to_be_visible()
