"""Polygons of change are reviewed: a key says what one is, the next one comes, and the GeoPackage holds what was said."""

from __future__ import annotations

from pathlib import Path

import geopandas
from streamlit.testing.v1 import AppTest

from core.change.methods.choose import bands_method
from core.workflows.change import detect_change
from core.workflows.change_files import write_verdicts
from tests.pages.conftest import run_until
from tests.unit.change.pairs import ground, with_block, written


def verdicts_in(path: Path) -> dict[int, str]:
    rows = geopandas.read_file(path).set_index("id")["verdict"]
    return {int(key): verdict for key, verdict in rows.items() if isinstance(verdict, str)}


def test_a_verdict_brings_the_next_polygon_and_stands_in_the_geopackage(application: AppTest) -> None:
    page = application.switch_page("pages/earth.py").run()
    page.button(key="earth.sample.wildfire-before+wildfire-after").click()
    run_until(page, lambda said: "Largest polygons" in said)
    next(radio for radio in page.radio if radio.label == "Largest polygons").set_value(1)
    run_until(page, lambda said: "number 1 of" in said)
    page.button(key="earth.review.accepted").click()
    run_until(page, lambda said: "number 2 of" in said)
    page.button(key="earth.review.rejected").click()
    text = run_until(page, lambda said: "number 3 of" in said)
    assert "2 polygons reviewed: 1 accepted, 1 rejected." in text
    page.button(key="earth.polygon.all").click()
    text = run_until(page, lambda said: "Largest polygons" in said)
    captions = " ".join(str(caption) for radio in page.radio if radio.label == "Largest polygons" for caption in radio.proto.captions)
    assert ", accepted" in captions and ", rejected" in captions


def test_what_is_said_of_a_polygon_can_be_taken_back_and_changes_nothing_else(tmp_path: Path) -> None:
    before, after = written(tmp_path / "a.tif", ground()), written(tmp_path / "b.tif", with_block(ground()))
    result = detect_change(before, after, bands_method("mad"), tmp_path / "out")
    first = geopandas.read_file(result.polygons_file, layer="changes")
    assert len(first) > 0
    write_verdicts(result.polygons_file, {1: "relabelled: Forest"})
    assert verdicts_in(result.polygons_file) == {1: "relabelled: Forest"}
    write_verdicts(result.polygons_file, {1: None})
    again = geopandas.read_file(result.polygons_file, layer="changes")
    assert verdicts_in(result.polygons_file) == {}
    assert again.geometry.geom_equals(first.geometry).all() and (again["hectares"] == first["hectares"]).all()
