"""Reports of maps and of change: hectares where they may be told, the weightiest first, each polygon by its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rasterio.crs import CRS

from core.report.language import language_of
from core.report.notices import say, say_all
from core.report.scene_change import change_report
from core.report.scene_map import map_report
from core.report.text import as_text, is_warning
from core.types import Scene, TakenBack, notice
from tests.unit.report import examples as ex
from tests.unit.report.examples import sentences

ENGLISH = language_of("en")


def test_a_map_outside_what_the_model_knows_begins_with_the_warning() -> None:
    report = map_report(ex.land_cover_map(outside_share=0.34), ex.LAND_MODEL)
    assert report.sentences[0].text.startswith("Warning: 34.0 % of the valid pixels")
    assert "Warning: 34.0 %" in "\n".join(as_text(report).splitlines()[:6])
    assert report.withheld is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"outside_share": 0.64}, "No area is given: 64.0 % of the valid pixels lie outside what this model knows."),
        ({"is_ground_known": False}, "the size of the scene or of its pixels on the ground"),
        ({"is_scale_known": False}, "a scale and an offset tell"),
    ],
)
def test_a_map_that_may_mean_nothing_tells_no_hectares(changes: dict[str, Any], reason: str) -> None:
    report = map_report(ex.land_cover_map(**changes), ex.LAND_MODEL)
    assert report.withheld is not None
    assert reason in report.withheld
    assert report.withheld in [sentence.text for sentence in report.sentences[:2]]
    assert not any(" ha" in sentence.text for sentence in report.sentences)
    assert not any(fact.unit == "ha" for fact in report.facts), "nor does a table"


def test_how_much_of_a_map_depends_on_the_tiles_is_told() -> None:
    told = sentences(map_report(ex.land_cover_map(), ex.LAND_MODEL), "findings")
    assert any(text.startswith("On 12.0 % of the valid pixels the class depends on where tiles are laid") for text in told)
    assert not any("unstable" in text for text in sentences(map_report(ex.land_cover_map(unstable=None), ex.LAND_MODEL), "findings"))


def test_a_line_on_the_ground_is_named_without_an_area() -> None:
    report = map_report(ex.land_cover_map(linear=("River",), token_metres=80.0), ex.LAND_MODEL)
    (river,) = [sentence.text for sentence in report.sentences if sentence.text.startswith("River")]
    assert "no area is given" in river and "80" in river and " ha" not in river
    assert any(sentence.text.startswith("Forest") and " ha" in sentence.text for sentence in report.sentences)


def test_what_a_line_became_is_told_in_pixels() -> None:
    told = sentences(change_report(ex.change_map(linear=("Pasture",)), ex.LAND_MODEL), "findings")
    assert "Forest became industrial on 9.0 ha." in told
    assert any(text.startswith("Pasture became residential in 300 pixels") and " ha" not in text for text in told)


def test_the_maps_differ_on_more_than_what_counts_as_change() -> None:
    told = sentences(change_report(ex.change_map(), ex.LAND_MODEL), "findings")
    assert any(text.startswith("The two land-cover maps differ on 12.5 ha, 1,250 pixels;") for text in told)


def test_two_scenes_of_one_year_are_told_apart_by_their_names() -> None:
    made = ex.change_map()
    before, after = (replace(scene, date_text="2024", name=name) for scene, name in ((made.before, "pre.tif"), (made.after, "post.tif")))
    told = sentences(change_report(replace(made, before=before, after=after), ex.LAND_MODEL), "findings")
    assert any("From pre.tif to post.tif" in sentence for sentence in told)


def test_a_sentence_that_begins_with_the_name_of_a_file_keeps_it_as_it_is_written() -> None:
    warnings = tuple(notice("scene.of-one", name=name, said=notice("change.outside", percent=57)) for name in ("earth-before.tif", "paris"))
    told = sentences(change_report(replace(ex.change_map(), warnings=warnings), ex.LAND_MODEL), "findings")
    assert any(sentence.startswith("earth-before.tif: 57 %") for sentence in told)
    assert any(sentence.startswith("Paris: 57 %") for sentence in told)


def test_the_smallest_area_that_was_asked_for_stands_in_the_headline_too() -> None:
    made = ex.change_map()
    asked = replace(made, parameters={**made.parameters, "min_area_hectares": 0.5}, outlined_hectares=9.5)
    told = "\n".join(sentences(change_report(asked, ex.LAND_MODEL), "findings"))
    assert "9.5 ha changed in polygons of at least 0.5 ha; with all smaller ones 12.0 ha" in told


def test_an_area_that_would_read_0_ha_is_not_listed() -> None:
    made = ex.land_cover_map()
    areas = (replace(made.areas[0], hectares=0.04), *made.areas[1:])
    told = "\n".join(sentences(map_report(replace(made, areas=areas), ex.LAND_MODEL), "findings"))
    assert " 0.0 ha" not in told
    assert made.areas[0].label not in told.replace("pasture", ""), "it is not called absent either"


def test_a_map_lists_its_classes_by_area_and_those_it_did_not_find() -> None:
    told = sentences(map_report(ex.land_cover_map(), ex.LAND_MODEL), "findings")
    assert "Forest: 300.0 ha (mapped, no interval), 50.0 % of the valid area." in told
    assert "Not found in the scene: pasture." in told
    assert "The map covers 600.0 ha in 60,000 valid pixels." in told


def test_a_map_states_grid_scale_and_offset() -> None:
    told = sentences(map_report(ex.land_cover_map(), ex.LAND_MODEL), "technique")
    assert "Grid: 300 x 200 pixels of 10 m x 10 m, EPSG:32631." in told
    assert "Reflectance of B04, B03 and B02: digital number x scale + offset, with scale 0.0001 and offset -0.1." in told


@pytest.mark.parametrize(("code", "pixel"), [(2263, "3.048 m"), (27572, "10 m"), (4807, "9 degrees")])
def test_the_size_of_a_pixel_is_told_in_metres_or_degrees_whatever_the_grid_counts_in(code: int, pixel: str) -> None:
    made = ex.land_cover_map()
    placed = replace(made, scene=replace(made.scene, crs=CRS.from_epsg(code)))
    assert f"of {pixel} x {pixel}, EPSG:{code}" in " ".join(sentences(map_report(placed), "technique"))


def test_two_equal_dates_are_reported_as_no_change() -> None:
    report = change_report(ex.change_map(changed_pixels=0, transitions=(), became=(), polygons=(), changed_hectares=0.0), ex.LAND_MODEL)
    assert sentences(report, "findings") == ["From 2020-06-01 to 2023-06-04, none of the 60,000 valid pixels changed."]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"parameters": {"outside_share_before": 0.02, "outside_share_after": 0.64}}, "64.0 % of the valid pixels lie outside"),
        ({"is_ground_known": False}, "pixels on the ground"),
        ({"is_scale_known": False}, "--scale"),
    ],
)
def test_where_most_is_outside_a_sentence_stands_in_place_of_the_hectares(changes: dict[str, Any], reason: str) -> None:
    report = change_report(ex.change_map(**changes), ex.LAND_MODEL)
    assert report.withheld is not None
    assert reason in report.withheld
    assert report.sentences[0].text == report.withheld
    assert not any(" ha" in text for text in sentences(report, "findings"))
    assert not any(fact.unit == "ha" for fact in report.facts)


def test_where_little_is_outside_the_hectares_are_told() -> None:
    report = change_report(ex.change_map(parameters={"outside_share_after": 0.5}), ex.LAND_MODEL)
    assert report.withheld is None
    assert "12.0 ha" in report.sentences[0].text


def test_the_warnings_of_two_dates_are_their_first_lines_and_are_not_said_again() -> None:
    warned = (notice("change.shifted", pixels=3.1), notice("change.later-first", before="Late", after="Early"))
    assumed = notice("scene.reflectance-assumed")
    report = change_report(ex.change_map(warnings=warned, assumptions=(*warned, assumed)), ex.LAND_MODEL)
    told, rest = say_all(warned), say(assumed)
    assert tuple(sentences(report, "findings")[:2]) == told
    assert all(is_warning(report, sentence) for sentence in report.sentences[:2])
    assert not any(is_warning(report, sentence) for sentence in report.sentences[2:])
    assert [text for text in sentences(report, "limits") if text in (*told, rest)] == [rest]


def test_the_largest_changes_are_placed_in_the_scene() -> None:
    told = sentences(change_report(ex.change_map(), ex.LAND_MODEL), "findings")
    assert told[0] == "From 2020-06-01 to 2023-06-04, 12.0 ha changed (mapped, no interval): 1,200 of 60,000 valid pixels, 2.0 %."
    assert "Polygon 1: 9.0 ha in the north-east of the scene, forest to industrial, mean score 0.82." in told
    assert "Polygon 2: 3.0 ha in the centre of the scene, mean score 0.44." in told


def test_a_south_up_scene_is_named_by_the_ground_not_by_the_raster() -> None:
    upside_down: Scene = ex.scene(transform=ex.Affine(10, 0, 448000, 0, 10, 5409000))
    told = sentences(change_report(replace(ex.change_map(), before=upside_down), ex.LAND_MODEL), "findings")
    assert any("south-east of the scene" in text for text in told)


def test_a_polygon_of_one_class_at_both_dates_did_not_become_it() -> None:
    made = ex.change_map()
    same = replace(made, polygons=(replace(made.polygons[0], after="Forest"),), is_calibrated=True)
    told = sentences(change_report(same, ex.LAND_MODEL), "findings")[-1]
    assert "forest at both dates, mean probability of change 0.82." in told.lower()
    assert "forest to forest" not in told.lower()


def test_what_was_asked_for_is_told_in_the_terms_of_the_field() -> None:
    asked = {
        "index": "ndvi",
        "direction": "either",
        "threshold_by": "usual",
        "crs": "EPSG:32631",
        "min_area_hectares": 0.5,
        "runtime": "torch",
    }
    told = sentences(change_report(ex.change_map(parameters=asked), ex.LAND_MODEL), "technique")
    assert set(told) >= {
        "Spectral index: NDVI.",
        "What counts as change: a rise or a fall.",
        "How the threshold was found: the usual one of the method.",
        "Coordinate reference system: EPSG:32631.",
        "Smallest polygon that is listed, in hectares: 0.5.",
        "Computed by: PyTorch.",
    }


def test_a_change_report_calls_its_score_no_probability() -> None:
    limits = sentences(change_report(ex.change_map()), "limits")
    assert "The score of change is not calibrated; it is not a probability." in limits


def taken_back(**changes: Any) -> TakenBack:
    facts: dict[str, Any] = {"undone": 0.98, "kept": 1.0, "first": 0.71, "second": 0.29, "bands": (("red", 0.8),)}
    return TakenBack(1, cells=np.zeros((2, 2), dtype=np.float32), **{**facts, **changes})


def findings_of(found: TakenBack) -> str:
    made = ex.change_map()
    polygons = (replace(made.polygons[0], taken_back=found), *made.polygons[1:])
    return " ".join(sentences(change_report(replace(made, polygons=polygons), ex.LAND_MODEL), "findings"))


def test_a_change_that_vanishes_with_its_pixels_alone_is_said_to_lie_in_them() -> None:
    told = findings_of(taken_back())
    assert "put back into polygon 1, 98.0 % of its change is gone." in told
    assert "they leave 100.0 % of it." in told and "brings 71.0 %, the other half 29.0 %." in told
    assert "shown to lie in these pixels" in told and "surrounds" not in told


@pytest.mark.parametrize("changes", [{"undone": 0.5}, {"kept": 0.5}, {"kept": None}, {"first": 0.3, "second": 0.6}, {"first": None}])
def test_a_change_that_fails_one_test_is_not_said_to_be_proved(changes: dict[str, Any]) -> None:
    told = findings_of(taken_back(**changes))
    assert "it is not proved that the change lies in these pixels" in told and "shown to lie" not in told
    assert ("What surrounds them takes part" in told) == ("undone" in changes)


@pytest.mark.parametrize("is_calibrated", [False, True])
@pytest.mark.parametrize("after", ["Industrial", "Forest"])
def test_a_polygon_of_a_line_has_no_area_as_its_transition_has_none(after: str, is_calibrated: bool) -> None:
    made = ex.change_map(linear=("Forest",))
    polygons = (replace(made.polygons[0], after=after), *made.polygons[1:])
    report = change_report(replace(made, polygons=polygons, is_calibrated=is_calibrated), ex.LAND_MODEL)
    (told,) = [text for text in sentences(report, "findings") if text.startswith("Polygon 1:")]
    assert "line on the ground, and no area is given." in told and " ha" not in told
    assert any(text.startswith("Polygon 2: 3.0 ha") for text in sentences(report, "findings"))
