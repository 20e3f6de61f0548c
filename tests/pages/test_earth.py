"""The Earth page itself, without a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import from_origin
from streamlit.testing.v1 import AppTest

from core.settings import settings
from tests.pages.conftest import run_until, words
from tests.pages.scenes import scene_of
from tests.unit.readers.scenes.geotiff_files import write_geotiff


def on_earth(application: AppTest, *paths: Path) -> AppTest:
    """The Earth page with these files open, as if a folder had been named."""
    application.switch_page("pages/earth.py").run()
    if paths:
        application.text_input(key="earth.place").set_value(str(paths[0]))
        application.button(key="FormSubmitter:earth.form-Open").click()
    return application


def test_an_empty_page_offers_files_a_place_and_samples(application: AppTest) -> None:
    page = on_earth(application).run()
    assert "Open one date or several" in words(page)
    offered = [button.label for button in page.button if str(button.key).startswith("earth.sample.")]
    assert offered == [
        "One place, two dates",
        "One place, two dates (synthetic)",
        "One place, 2019 (synthetic)",
        "One place, 2021 (synthetic)",
    ]
    assert "Real: Contains modified Copernicus Sentinel data 2024" in words(page)
    assert not page.exception


def test_the_fire_is_compared_by_the_index_of_burns_and_what_is_assumed_of_its_land_cover_is_said(application: AppTest) -> None:
    page = on_earth(application).run()
    page.button(key="earth.sample.wildfire-before+wildfire-after").click()
    assert "361.8 ha changed" in run_until(page, lambda said: " ha changed" in said)
    page.session_state["earth.tabs"] = "Land cover"
    text = run_until(page, lambda said: "not a probability" in said or "may mean nothing" in said)
    assert "Pixels of 19.9 m were enlarged to the 10 m that the model was trained at." in text


def test_the_two_dates_of_the_sample_are_compared_without_being_asked(application: AppTest) -> None:
    page = on_earth(application).run()
    page.button(key="earth.sample.earth-before+earth-after").click()
    text = run_until(page, lambda said: " ha changed" in said or "No change" in said)
    assert "2019-06-15 to 2021-06-19" in text
    page.session_state["earth.tabs"] = "Export"
    text = run_until(page, lambda said: "change.tif" in said)
    assert "transitions.csv" in text
    page.session_state["earth.tabs"] = "Report"
    assert "Research and development use only" in run_until(page, lambda said: "Method: comparison of the two class maps." in said)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the application may read."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    monkeypatch.setenv("SIGHTLINE_ROOTS", str(folder))
    settings.cache_clear()
    return folder


def test_unnamed_bands_are_asked_for_before_anything_is_computed(application: AppTest, place: Path) -> None:
    page = on_earth(application, write_geotiff(place / "unnamed.tif", np.full((4, 64, 64), 900, np.uint16)))
    text = run_until(page, lambda said: "Which band is which?" in said)
    assert "Mapping" not in text
    for place, colour in enumerate(("blue", "green", "red", "near infrared")):
        page.selectbox(key=f"earth.band.0.{place}").set_value(colour)
    next(button for button in page.button if button.label == "Use these").click()
    assert "ha mapped" in run_until(page, lambda said: "ha mapped" in said)


def test_dates_of_different_places_are_refused_with_both_footprints(application: AppTest, place: Path) -> None:
    grey = np.full((3, 64, 64), 900, np.uint16)
    scene_of(place / "here_20190601.tif", grey)
    scene_of(place / "there_20210601.tif", grey, transform=from_origin(600_000.0, 5_000_000.0, 10.0, 10.0))
    text = run_until(on_earth(application, place), lambda said: "do not overlap" in said)
    assert "45.1477 to 45.1535° N, 3.00" in text
    assert "° N, 4.2" in text


def test_a_second_date_is_added_to_the_first_and_compared_with_it(application: AppTest) -> None:
    page = on_earth(application).run()
    page.button(key="earth.sample.earth-after").click()
    assert "One date is shown" not in run_until(page, lambda said: "ha mapped" in said)
    page.session_state["earth.tabs"] = "Scenes"
    run_until(page, lambda said: "Correct" in said or "earth-after.tif" in said)
    page.button(key="earth.add.1.sample.earth-before").click()
    text = run_until(page, lambda said: " ha changed" in said or "No change" in said)
    assert "2019-06-15 to 2021-06-19" in text


def test_a_map_that_a_tab_begins_is_under_way_above_the_tabs(application: AppTest) -> None:
    page = on_earth(application).run()
    page.button(key="earth.sample.earth-before+earth-after").click()
    run_until(page, lambda said: " ha changed" in said or "No change" in said)
    page.session_state["earth.tabs"] = "Land cover"
    page.run()
    is_told = any(str(button.key).startswith("earth.map.") and str(button.key).endswith(".cancel") for button in page.button)
    assert is_told or "ha mapped" in words(page)
    run_until(page, lambda said: "ha mapped" in said)


def test_closing_deletes_what_was_made(application: AppTest, home: Path) -> None:
    page = on_earth(application).run()
    page.button(key="earth.sample.earth-before+earth-after").click()
    run_until(page, lambda said: " ha changed" in said or "No change" in said)
    assert list(home.glob("open/*/*/change.tif"))
    page.button(key="earth.close").click()
    run_until(page, lambda said: "Open one date or several" in said)
    assert list(home.glob("open/*/*")) == []
