"""What a report may say: only what its facts say, and never anything against its prediction."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotFound
from core.report.image import image_report
from core.report.language import language_of
from core.report.notices import say
from core.report.scene_change import change_report
from core.report.scene_map import map_report
from core.report.tables import tables_of
from core.report.text import as_text, headline
from core.types import Candidate, Domain, Fact, Gain, Inside, Mark, Outside, Prediction, Report, Sentence, Target, notice
from tests.unit.report import examples as ex
from tests.unit.report.examples import sentences

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
        assert words.lower() in findings[0].text.lower().split("(")[0]
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


def test_an_answer_reads_as_the_style_asks() -> None:
    report = image_report(ex.study(), ex.prediction(), None, ex.CHEST_MODEL)
    assert sentences(report, "findings")[:3] == [
        "Looks like bacterial pneumonia, 0.83 (calibrated; 90 % prediction set: bacterial pneumonia and viral pneumonia): "
        "opacity; other diseases not known.",
        "Viral pneumonia: 0.14.",
        "Normal: 0.03.",
    ]


def test_of_whom_the_kind_was_not_measured_the_parent_label_alone_is_named() -> None:
    adult = ex.prediction(parents=ex.PNEUMONIA, unnamed=ex.PNEUMONIA["pneumonia"], heads={"pneumonia": 0.97})
    knows = "Knows pneumonia of children and, less well, of adults; no other disease."
    report = image_report(ex.study(), adult, None, replace(ex.CHEST_MODEL, knows=knows))
    assert sentences(report, "findings")[:3] == [
        "Looks like pneumonia, 0.97 (calibrated; 90 % prediction set: pneumonia): opacity; other diseases not known.",
        "Normal: 0.03.",
        knows,
    ]
    told = as_text(report) + " ".join(str(fact.value) for fact in report.facts)
    assert not re.search("bacterial|viral", told.split("Licence")[0].split("LIMITS")[0], re.IGNORECASE)
    assert not any("bacterial" in str(fact.value) or "viral" in str(fact.value) for fact in report.facts if fact.source == "prediction")


@pytest.mark.parametrize("labels", [("normal", "pneumonia"), ex.CHEST_LABELS])
def test_an_opacity_is_never_called_pneumonia_alone(labels: tuple[str, ...]) -> None:
    report = image_report(ex.study(), ex.prediction((0.1, 0.9, 0.0)[: len(labels)], labels, labels[1:2]), None, ex.CHEST_MODEL)
    assert headline(report).endswith("opacity; other diseases not known.")
    assert headline(image_report(ex.study(), ex.prediction((0.9, 0.1), ("mass", "pneumonia"), ("mass",)), None, ex.CHEST_MODEL)) == (
        "Mass: 0.90 (calibrated; 90 % prediction set: mass)."
    )  # a model that knows others says which it found


CT_MODEL = replace(ex.CHEST_MODEL, preprocess=replace(ex.CHEST, domain=Domain.CHEST_CT, pixel_spacing_mm=0.7))


def searched(*candidates: Candidate, expected_false: float | None = None) -> Prediction:
    many = (notice("ct.best-of-slices", windows=1_040, slices=8),)
    made = ex.prediction((0.01, 0.99), ("no-nodule", "nodule"), ("nodule",), assumptions=many)
    return replace(made, candidates=candidates, expected_false=expected_false, searched_for="nodule")


def lesion(**changes: Any) -> Candidate:
    facts: dict[str, Any] = {"side": "right", "half": "left", "zone": "upper", "z_mm": 63.0, "ratings": {"malignancy": 0.3}, **changes}
    return Candidate(68.0, 112.0, 21, 0.93, 0.95, None, (Mark(68.0, 112.0, 21, 11.0),), **facts)  # type: ignore[arg-type]


def test_of_a_search_the_count_is_told_and_no_probability_and_no_set() -> None:
    report = image_report(ex.study(), searched(lesion()), None, CT_MODEL)
    assert sentences(report, "findings")[:3] == [
        "1 candidate; how many candidates are false on series like this is not measured.",
        "The highest score of lung nodule in all windows is 0.99; it is no probability.",
        "Candidate 1: right side of the patient, upper zone of the lungs; slice 22, column 68, row 112, z 63 mm, size 11 mm, score 0.93; "
        "malignancy, as readers would rate it, score 0.30.",
    ]
    assert not [fact.id for fact in report.facts if fact.unit == "probability" or fact.id.startswith(("set.", "label.", "head."))]
    (table,) = [table for table in tables_of(report) if table.group == "candidate"]
    assert table.columns[-1] == "Malignancy, score" and table.rows[0][:3] == (
        "1",
        "right side of the patient, upper zone of the lungs",
        "22",
    )


def test_the_slices_of_a_ct_are_called_slices_everywhere() -> None:
    """The slice with the highest score and that of its candidate are one thing, and have one name."""
    series = ex.study(np.zeros((40, 4, 4), np.int16), modality="CT")
    report = image_report(series, replace(searched(lesion()), frame=21), None, CT_MODEL)
    assert "All 40 slices were searched; the highest score is in slice 22." in sentences(report, "technique")
    assert "frame" not in " ".join(sentence.text for sentence in report.sentences).lower()


def test_of_a_search_that_was_measured_the_expectation_is_told() -> None:
    report = image_report(ex.study(), searched(lesion(), lesion(), expected_false=1.3), None, CT_MODEL)
    assert sentences(report, "findings")[0] == "2 candidates; on series like this about 1.3 are false."
    none = image_report(ex.study(), searched(), None, CT_MODEL)
    assert headline(none) == "No candidate was found."


def test_what_the_file_does_not_tell_of_a_candidate_is_unknown() -> None:
    bare = lesion(side=None, zone=None, z_mm=None, ratings={}, half="left")
    told = sentences(image_report(ex.study(), searched(replace(bare, marks=())), None, CT_MODEL), "findings")
    assert "Candidate 1: left half of the image; slice 22, column 68, row 112, z unknown, size unknown, score 0.93." in told


@pytest.mark.parametrize(
    ("inside", "warned"),
    [
        (Inside({"lungs": None, "body": 0.7, "outside": 0.3}, {"lungs": None, "body": 0.8, "outside": 0.2}), "lies outside the patient"),
        (Inside({"valid": 0.75, "cloud": None, "nodata": 0.25}, {"valid": 0.9, "cloud": None, "nodata": 0.1}), "no ground was seen"),
        (Inside({"lungs": 0.6, "body": 0.35, "outside": 0.05}, {"lungs": 0.3, "body": 0.4, "outside": 0.3}), ""),
    ],
)
def test_where_the_map_lies_is_said_before_any_score_and_the_answer_says_where_much_lies_beside(inside: Inside, warned: str) -> None:
    report = image_report(ex.study(), ex.prediction(), ex.explanation(inside=inside), ex.CHEST_MODEL)
    told = sentences(report, "explanation")
    where = [place for place, text in enumerate(told) if text.startswith("Of the map's weight")]
    scores = [place for place, text in enumerate(told) if re.search(r"Gain|Deletion|Insertion", text)]
    assert len(where) == sum(share is not None for share in inside.shares.values()) and max(where) < min(scores)
    assert any("Much of what moved the model" in text and warned in text for text in sentences(report, "findings")) is bool(warned)
    assert headline(report).startswith("Looks like")


def test_a_map_of_one_view_says_what_the_answer_is_a_mean_of() -> None:
    one = notice("explanation.one-view", target="viral-pneumonia", views=8, explained=0.91, told=0.86)
    told = sentences(image_report(ex.study(), ex.prediction(), ex.explanation(assumptions=(one,)), ex.CHEST_MODEL), "explanation")
    assert any("the upright view alone, which gives viral pneumonia 0.91 where the mean gives 0.86" in text for text in told)


def test_certainty_is_never_written_as_one_or_zero() -> None:
    report = image_report(ex.study(), ex.prediction((0.0004, 0.9995, 0.0001), conformal_set=("bacterial-pneumonia",)), None, ex.CHEST_MODEL)
    assert sentences(report, "findings")[0].startswith("Looks like bacterial pneumonia, above 0.99 ")
    assert sentences(report, "findings")[1] == "Normal: below 0.01."


def test_a_parent_label_is_told_with_the_labels() -> None:
    report = image_report(ex.study(), ex.prediction(heads={"pneumonia": 0.97}), None, ex.CHEST_MODEL)
    assert "Pneumonia: 0.97." in sentences(report, "findings")


@pytest.mark.parametrize("image", [ex.study(), ex.picture(), ex.scene()])
def test_neither_a_file_name_nor_a_person_is_in_a_report(image: object) -> None:
    report = image_report(image, ex.prediction(), ex.explanation(), ex.CHEST_MODEL)  # type: ignore[arg-type]
    assert "DOE" not in as_text(report)
    assert not any("DOE" in str(fact.value) for fact in report.facts)


def test_the_hash_of_the_source_is_told_whole() -> None:
    study = ex.study()
    assert f"SHA-256 of the source: {study.sha256}." in sentences(image_report(study, ex.prediction(), None, ex.CHEST_MODEL), "technique")


def test_monochrome1_and_the_window_are_stated() -> None:
    inverted = image_report(ex.study(photometric="MONOCHROME1"), ex.prediction(), None, ex.CHEST_MODEL)
    assert "Display window of the file: centre 2048, width 4096." in sentences(inverted, "technique")
    assert any("inverted once" in text for text in sentences(inverted, "technique"))
    plain = image_report(ex.study(), ex.prediction(), None, ex.CHEST_MODEL)
    assert not any("inverted" in text for text in sentences(plain, "technique"))


@pytest.mark.parametrize(
    ("gain", "meaning"),
    [
        (ex.gain(), "The map shows what this network uses"),
        (ex.gain(p=0.06), "The map is not clearly better than random maps as smooth"),
        (ex.gain(edges=0.5), "A map that knows nothing of what the network learnt does as well"),
        (ex.gain(random_weights=None), "Not every comparison could be made"),
    ],
)
def test_the_measurements_of_a_map_are_put_into_words(gain: Gain, meaning: str) -> None:
    told = sentences(image_report(ex.study(), ex.prediction(), ex.explanation(gain=gain), ex.CHEST_MODEL), "explanation")
    assert any(text.startswith("Gain (insertion minus deletion): 0.400; random maps as smooth score -0.100 to 0.200") for text in told)
    verdict = next(text for text in told if "support" in text or "shows what" in text or "could be made" in text)
    assert verdict.startswith(meaning)
    assert told[-1] == "A heatmap is not a lesion outline."


def test_an_outside_image_is_not_explained_in_its_report() -> None:
    report = image_report(ex.study(), ex.prediction(outside=ex.OUTSIDE), ex.explanation(), ex.CHEST_MODEL)
    assert sentences(report, "explanation") == ["No explanation was computed."]
    assert report.parameters["explanation"] is None and not any(fact.source == "explanation" for fact in report.facts)
    assert "Distance from the training images: 80.5; up to 30.2 counts as known." in sentences(report, "findings")


def test_every_assumption_and_the_intended_use_are_among_the_limits() -> None:
    one, two = notice("radiograph.view-assumed"), notice("radiograph.body-part-assumed", part="CHEST")
    prediction = ex.prediction(assumptions=(one, two, one))
    limits = sentences(image_report(ex.study(), prediction, None, ex.CHEST_MODEL), "limits")
    assert limits.count("The header names no frontal view: a frontal view was assumed.") == 1
    assert "The header names no body part: CHEST was assumed." in limits
    assert "The patients in it were 1 to 5 years old." in limits
    assert limits[-1] == "Research and development use only. Not for clinical decisions."


def test_a_language_without_templates_is_refused_by_name() -> None:
    with pytest.raises(NotFound, match="'xx'"):
        image_report(ex.study(), ex.prediction(), None, ex.CHEST_MODEL, language="xx")
