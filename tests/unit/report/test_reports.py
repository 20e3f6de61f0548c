"""What a report may say: only what its facts say, and never anything against its prediction."""

from __future__ import annotations

import re
from dataclasses import replace

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
from core.report.text import as_text
from core.types import Fact, Gain, Outside, Prediction, Report, Sentence, Target, notice
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


def test_a_language_without_templates_is_refused_by_name() -> None:
    with pytest.raises(NotFound, match="'xx'"):
        image_report(ex.study(), ex.prediction(), None, ex.CHEST_MODEL, language="xx")
