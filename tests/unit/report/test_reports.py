"""What a report may say: only what its facts say, and never anything against its prediction."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from core.errors import NotFound
from core.report.image import image_report
from core.report.language import language_of
from core.report.notices import say, say_all
from core.report.scene_change import change_report
from core.report.scene_map import map_report
from core.report.text import as_text, is_warning
from core.types import Fact, Outside, Prediction, Report, Scene, Sentence, Target, notice
from tests.unit.report import examples as ex

NUMBER = re.compile(r"(?<![\w.,-])-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?(?![\w-])")
ENGLISH = language_of("en")
NOT_A_RADIOGRAPH = notice("input.other-modality", modality="CT", domain="radiograph", modalities=("CR", "DX"))


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    """Any prediction that an engine could make: answered, abstaining, outside with or without numbers."""
    labels = draw(st.lists(st.sampled_from(("normal", "viral-pneumonia", "SeaLake", "Forest", "mass", "nodule")), min_size=2, unique=True))
    weights = np.array(draw(st.lists(st.floats(1e-6, 1.0), min_size=len(labels), max_size=len(labels))))
    probabilities = (weights / weights.sum()).astype(np.float32)
    order = [labels[index] for index in np.argsort(-probabilities, kind="stable")]
    chosen = order[: draw(st.integers(0, len(labels)))]
    reason = draw(st.sampled_from((NOT_A_RADIOGRAPH, notice("input.blank"))))
    is_outside = draw(st.booleans())
    outside = Outside(draw(st.floats(0, 100)), draw(st.floats(0, 100)), is_outside, reason if is_outside else None)
    made = ex.prediction(probabilities.tolist(), labels, chosen, outside)
    if is_outside and draw(st.booleans()):
        return replace(made, probabilities=None, logits=None, outside=replace(outside, score=float("nan")))
    return made


def cited(report: Report, sentence: Sentence) -> list[Fact]:
    return [report.fact(fact_id) for fact_id in sentence.facts]


def numbers(text: str) -> list[str]:
    return NUMBER.findall(text)


def assert_numbers_are_cited(report: Report) -> None:
    """Every number of a sentence stands, as it is written there, in what its own facts write."""
    for sentence in report.sentences:
        known = [number for fact in cited(report, sentence) for number in numbers(ENGLISH.write(fact))]
        for number in numbers(sentence.text):
            assert number in known, (number, sentence)


def assert_labels_are_cited(report: Report, labels: tuple[str, ...]) -> None:
    """Every label that a sentence speaks of is the value of one of its facts."""
    for sentence in report.sentences:
        facts = cited(report, sentence)
        said = {value for fact in facts for value in (fact.value if isinstance(fact.value, tuple) else (fact.value,))}
        free_text = " ".join(str(fact.value) for fact in facts if fact.unit == "sentence")
        for label in labels:
            words = ENGLISH.labels.get(label, label)
            if re.search(rf"\b{words}\b", sentence.text, re.IGNORECASE) and words not in free_text:
                assert label in said, (label, sentence)


@given(prediction=predictions(), explained=st.booleans(), calibrated=st.booleans())
def test_no_report_contradicts_its_prediction(prediction: Prediction, explained: bool, calibrated: bool) -> None:
    model = ex.CHEST_MODEL if calibrated else replace(ex.CHEST_MODEL, coverage=None, is_calibrated=False)
    explanation = ex.explanation(target=Target.of_label(prediction.labels[0])) if explained else None
    place = notice("place.image", height="upper", side="left")
    report = image_report(ex.study(), prediction, explanation, model, region=place, created=ex.NOON)

    ids = [fact.id for fact in report.facts]
    assert len(ids) == len(set(ids))
    assert_numbers_are_cited(report)
    assert_labels_are_cited(report, prediction.labels)

    findings = [sentence for sentence in report.sentences if sentence.section == "findings"]
    assert findings
    if prediction.outside.is_outside:
        assert say(prediction.outside.reason) in findings[0].text
        assert not any(fact_id.startswith(("label.", "set.", "head.")) for sentence in findings for fact_id in sentence.facts)
        assert not any(fact.unit in ("probability", "score") for sentence in findings for fact in cited(report, sentence))
        return
    unit = "probability" if calibrated else "score"
    for place in range(1, len(prediction.labels) + 1):
        label = report.fact(f"label.{place}.label").value
        assert report.fact(f"label.{place}.{unit}").value == pytest.approx(prediction.probability(str(label)))
    answers = [sentence.text for sentence in findings if "set: " in sentence.text]
    if not calibrated:
        assert not answers
        assert "probability" not in " ".join(sentence.text for sentence in findings)
        assert "calibrated;" not in " ".join(sentence.text for sentence in findings)
    elif prediction.prediction is None:
        assert findings[0].text.startswith("The model abstains")
        assert not answers
    else:
        words = ENGLISH.labels.get(prediction.prediction, prediction.prediction)
        assert findings[0].text.lower().startswith(words.lower())
        assert len(answers) == 1
        assert set(report.fact("set.labels").value) == set(prediction.conformal_set)  # type: ignore[arg-type]


@given(
    shares=st.lists(st.floats(0, 1), min_size=3, max_size=3),
    hectares=st.lists(st.floats(0, 1e7), min_size=3, max_size=3),
    outside=st.floats(0, 1),
    valid=st.integers(0, 10**9),
)
def test_no_map_report_says_what_is_not_in_its_facts(shares: list[float], hectares: list[float], outside: float, valid: int) -> None:
    made = ex.land_cover_map(outside_share=outside, valid_pixels=valid)
    areas = tuple(replace(area, share=share, hectares=size) for area, share, size in zip(made.areas, shares, hectares, strict=True))
    report = map_report(replace(made, areas=areas), ex.LAND_MODEL, created=ex.NOON)
    assert_numbers_are_cited(report)
    assert_labels_are_cited(report, made.labels)


@given(changed=st.integers(0, 60_000), hectares=st.floats(0, 1e6), score=st.floats(0, 1), named=st.booleans())
def test_no_change_report_says_what_is_not_in_its_facts(changed: int, hectares: float, score: float, named: bool) -> None:
    made = ex.change_map(changed_pixels=changed, changed_hectares=hectares)
    polygons = tuple(replace(one, probability=score, before="Pasture" if named else None) for one in made.polygons)
    report = change_report(replace(made, polygons=polygons), ex.LAND_MODEL if named else None, created=ex.NOON)
    assert_numbers_are_cited(report)
    assert_labels_are_cited(report, made.labels)


def sentences(report: Report, section: str) -> list[str]:
    return [sentence.text for sentence in report.sentences if sentence.section == section]


def test_an_answer_reads_as_the_style_asks() -> None:
    report = image_report(ex.study(), ex.prediction(), None, ex.CHEST_MODEL)
    assert sentences(report, "findings")[:3] == [
        "Bacterial pneumonia: 0.83 (calibrated; 90 % prediction set: bacterial pneumonia and viral pneumonia).",
        "Viral pneumonia: 0.14.",
        "Normal: 0.03.",
    ]


def test_the_highest_of_many_windows_is_called_a_score_and_no_probability() -> None:
    searched = replace(ex.prediction(), assumptions=(notice("ct.best-of-slices", label="nodule", windows=1_040, slices=8),))
    report = image_report(ex.study(), searched, None, ex.CHEST_MODEL)
    assert sentences(report, "findings")[0] == "Bacterial pneumonia: score 0.83, the highest; the scores are not calibrated."
    assert not [fact.id for fact in report.facts if fact.unit == "probability" or fact.id.startswith("set.")]


def test_certainty_is_never_written_as_one_or_zero() -> None:
    report = image_report(ex.study(), ex.prediction((0.0004, 0.9995, 0.0001), conformal_set=("bacterial-pneumonia",)), None, ex.CHEST_MODEL)
    assert sentences(report, "findings")[0].startswith("Bacterial pneumonia: above 0.99 ")
    assert sentences(report, "findings")[1] == "Normal: below 0.01."


def test_a_parent_label_is_told_with_the_labels() -> None:
    report = image_report(ex.study(), ex.prediction(heads={"pneumonia": 0.97}), None, ex.CHEST_MODEL)
    assert "Pneumonia: 0.97." in sentences(report, "findings")


@pytest.mark.parametrize("image", [ex.study(), ex.picture(), ex.scene()])
def test_neither_a_file_name_nor_a_person_is_in_a_report(image: object) -> None:
    report = image_report(image, ex.prediction(), ex.explanation(), ex.CHEST_MODEL)  # type: ignore[arg-type]
    assert "DOE" not in as_text(report)
    assert not any("DOE" in str(fact.value) for fact in report.facts)


def test_monochrome1_and_the_window_are_stated() -> None:
    inverted = image_report(ex.study(photometric="MONOCHROME1"), ex.prediction(), None, ex.CHEST_MODEL)
    assert "Display window of the file: centre 2048, width 4096." in sentences(inverted, "technique")
    assert any("inverted once" in text for text in sentences(inverted, "technique"))
    plain = image_report(ex.study(), ex.prediction(), None, ex.CHEST_MODEL)
    assert not any("inverted" in text for text in sentences(plain, "technique"))


@pytest.mark.parametrize(
    ("deletion", "insertion", "meaning"),
    [
        ((0.1, 0.2, 0.3, 0.4), (0.9, 0.2, 0.3, 0.4), ("the model used what is marked", "is enough for much of the answer")),
        ((0.3, 0.2, 0.3, 0.4), (0.3, 0.2, 0.3, 0.4), ("does not support the map", "does not support the map")),
        ((0.9, 0.2, 0.3, 0.4), (0.1, 0.2, 0.3, 0.4), ("speaks against the map", "speaks against the map")),
    ],
)
def test_the_measurements_of_a_map_are_put_into_words(
    deletion: tuple[float, ...], insertion: tuple[float, ...], meaning: tuple[str, str]
) -> None:
    explanation = ex.explanation(deletion=ex.removal(*deletion), insertion=ex.removal(*insertion))
    told = sentences(image_report(ex.study(), ex.prediction(), explanation, ex.CHEST_MODEL), "explanation")
    assert meaning[0] in next(text for text in told if text.startswith("Removing"))
    assert meaning[1] in next(text for text in told if text.startswith("Showing"))
    assert told[-1] == "A heatmap is not a lesion outline."


def test_the_map_of_an_outside_image_is_no_finding() -> None:
    report = image_report(ex.study(), ex.prediction(outside=ex.OUTSIDE), ex.explanation(), ex.CHEST_MODEL)
    assert any("not a finding" in text for text in sentences(report, "explanation"))
    assert "Distance from the training images: 80.5; up to 30.2 counts as known." in sentences(report, "findings")


def test_every_assumption_and_the_intended_use_are_among_the_limits() -> None:
    one, two = notice("radiograph.view-assumed"), notice("radiograph.body-part-assumed", part="CHEST")
    prediction = ex.prediction(assumptions=(one, two, one))
    limits = sentences(image_report(ex.study(), prediction, None, ex.CHEST_MODEL), "limits")
    assert limits.count("The header names no frontal view: a frontal view was assumed.") == 1
    assert "The header names no body part: CHEST was assumed." in limits
    assert "The patients in it were 1 to 5 years old." in limits
    assert limits[-1] == "Research and development use only. Not for clinical decisions."


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
        ({"is_scale_known": False}, "--scale and --offset tell"),
    ],
)
def test_a_map_that_may_mean_nothing_tells_no_hectares(changes: dict[str, Any], reason: str) -> None:
    report = map_report(ex.land_cover_map(**changes), ex.LAND_MODEL)
    assert report.withheld is not None
    assert reason in report.withheld
    assert report.withheld in [sentence.text for sentence in report.sentences[:2]]
    assert not any(" ha" in sentence.text for sentence in report.sentences)
    assert not any(fact.unit == "ha" for fact in report.facts), "nor does a table"


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
    assert "Forest: 300.0 ha, 50.0 % of the valid area." in told
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
    report = change_report(ex.change_map(changed_pixels=0, transitions=(), polygons=(), changed_hectares=0.0), ex.LAND_MODEL)
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
    assert told[0] == "From 2020-06-01 to 2023-06-04, 12.0 ha changed: 1,200 of 60,000 valid pixels, 2.0 %."
    assert "Polygon 1: 9.0 ha in the north-east of the scene, forest to industrial, mean score 0.82." in told
    assert "Polygon 2: 3.0 ha in the centre of the scene, mean score 0.44." in told


def test_a_south_up_scene_is_named_by_the_ground_not_by_the_raster() -> None:
    upside_down: Scene = ex.scene(transform=ex.Affine(10, 0, 448000, 0, 10, 5409000))
    told = sentences(change_report(replace(ex.change_map(), before=upside_down), ex.LAND_MODEL), "findings")
    assert any("south-east of the scene" in text for text in told)


def test_a_patch_of_one_class_at_both_dates_did_not_become_it() -> None:
    made = ex.change_map()
    same = replace(made, polygons=(replace(made.polygons[0], after="Forest"),), is_calibrated=True)
    told = sentences(change_report(same, ex.LAND_MODEL), "findings")[-1]
    assert "forest at both dates, mean probability of change 0.82." in told.lower()
    assert "forest to forest" not in told.lower()


def test_a_change_report_calls_its_score_no_probability() -> None:
    limits = sentences(change_report(ex.change_map()), "limits")
    assert "The score of change is not calibrated; it is not a probability." in limits


def test_a_language_without_templates_is_refused_by_name() -> None:
    with pytest.raises(NotFound, match="'xx'"):
        image_report(ex.study(), ex.prediction(), None, ex.CHEST_MODEL, language="xx")
