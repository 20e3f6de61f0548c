"""A report does not contradict itself: of sentences that cannot both be true, it says one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.report.composer import Composer
from core.report.image import image_report
from core.report.language import language_of
from core.report.model_facts import ModelFacts
from core.report.scene_change import change_report
from core.report.scene_map import map_report
from core.types import Report
from tests.unit.report import examples as ex

CALIBRATED = frozenset({
    "answer", "answer_seen", "other", "head", "map_confidence", "change_caveat_probability",
    "change_polygon_probability", "change_polygon_same_probability", "change_polygon_plain_probability",
    "change_polygon_linear_probability", "change_polygon_same_linear_probability",
})  # fmt: skip
"""Sentences that speak of probabilities, or say that they were calibrated."""
UNCALIBRATED = frozenset({"answer_score", "answer_seen_score", "other_score", "head_score", "uncalibrated"})
"""Sentences that say of the model, or of the answer, that it was not."""
SCORE_OF_CHANGE = frozenset({
    "change_caveat_score", "change_polygon", "change_polygon_same", "change_polygon_plain",
    "change_polygon_linear", "change_polygon_same_linear",
})  # fmt: skip
PROBABILITY_OF_CHANGE = frozenset({
    "change_caveat_probability", "change_polygon_probability", "change_polygon_same_probability", "change_polygon_plain_probability",
    "change_polygon_linear_probability", "change_polygon_same_linear_probability",
})  # fmt: skip
NEITHER = frozenset({"map_confidence_score", "highest"})
"""Sentences that name probabilities or calibration, and go with either."""
WITHHELD = frozenset({"withheld_outside", "withheld_ground", "withheld_scale", "withheld_files"})
AREAS = frozenset({"map_valid", "map_class", "change_area", "change_transition"}) | SCORE_OF_CHANGE | PROBABILITY_OF_CHANGE
ANSWERED = frozenset({"answer", "answer_score", "answer_seen", "answer_seen_score"})
EXCLUSIVE: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (CALIBRATED, UNCALIBRATED),
    (SCORE_OF_CHANGE, PROBABILITY_OF_CHANGE),
    (WITHHELD, AREAS - {"change_caveat_score", "change_caveat_probability"}),
    (frozenset({"outside"}), ANSWERED | {"abstains_all", "abstains_none", "inside_distance"}),
    (frozenset({"abstains_all", "abstains_none"}), ANSWERED),
    (frozenset({"answer", "answer_score"}), frozenset({"answer_seen", "answer_seen_score"})),
    (frozenset({"abstains_all"}), frozenset({"abstains_none"})),
    (frozenset({"map_warning"}), frozenset({"map_outside"})),
    (frozenset({"map_confidence"}), frozenset({"map_confidence_score"})),
    (frozenset({"map_empty"}), AREAS),
    (frozenset({"change_empty", "change_none"}), AREAS - {"change_caveat_score", "change_caveat_probability"}),
    (frozenset({"change_empty"}), frozenset({"change_none"})),
    (frozenset({"candidate"}), frozenset({"candidate_rated"})),
    (frozenset({"highest"}), ANSWERED | {"abstains_all", "abstains_none", "outside", "other", "other_score", "head", "head_score"}),
    (frozenset({"no_explanation"}), frozenset({"method", "method_agnostic"})),
    (frozenset({"method"}), frozenset({"method_agnostic"})),
    (frozenset({"gain_supported"}), frozenset({"gain_within_random", "gain_below_opponent", "gain_without_opponent"})),
    (frozenset({"gain_within_random"}), frozenset({"gain_below_opponent", "gain_without_opponent"})),
    (frozenset({"gain_below_opponent"}), frozenset({"gain_without_opponent"})),
)  # fmt: skip


RATED = {"malignancy": {"labels": ("benign", "malignant"), "probabilities": (0.2, 0.8)}}
"""A further head."""


def test_every_sentence_on_calibration_is_known_to_this_test() -> None:
    """Whoever adds one says here what it claims."""
    templates = language_of("en").sentences
    speaking = {name for name, text in templates.items() if "calibrat" in text or "probabilit" in text or "{probability}" in text}
    assert speaking <= CALIBRATED | UNCALIBRATED | SCORE_OF_CHANGE | PROBABILITY_OF_CHANGE | NEITHER
    named = {name for pair in EXCLUSIVE for side in pair for name in side}
    assert named <= set(templates)


@st.composite
def reports(draw: st.DrawFn) -> Callable[[], Report]:
    """Any report of any kind, as it is composed; the model that it names is the one that made the result."""
    is_calibrated = draw(st.booleans())
    coverage = 0.9 if is_calibrated else None
    kind = draw(st.sampled_from(("image", "map", "change", "change by model")))
    if kind == "image":
        labels = ex.CHEST_LABELS
        chosen = labels[: draw(st.integers(0, 3))]
        outside = draw(st.sampled_from((ex.INSIDE, ex.OUTSIDE)))
        heads = draw(st.sampled_from((None, {"pneumonia": 0.97}, RATED)))
        candidates = draw(st.sampled_from((None, ())))
        prediction = ex.prediction(conformal_set=chosen, outside=outside, heads=heads, candidates=candidates)
        explanation = draw(st.sampled_from((None, ex.explanation(), ex.explanation(class_specific=True))))
        facts = replace(ex.CHEST_MODEL, coverage=coverage, is_calibrated=is_calibrated)
        return lambda: image_report(ex.study(), prediction, explanation, facts)
    share, valid = draw(st.sampled_from((0.0, 0.2, 0.8))), draw(st.sampled_from((0, 60_000)))
    known = {"is_ground_known": draw(st.booleans()), "is_scale_known": draw(st.booleans())}
    cover: ModelFacts | None = draw(st.sampled_from((None, replace(ex.LAND_MODEL, coverage=coverage, is_calibrated=is_calibrated))))
    if kind == "map":
        mapped = ex.land_cover_map(outside_share=share, valid_pixels=valid, **known)
        return lambda: map_report(mapped, cover)
    changed = draw(st.sampled_from((0, min(1_200, valid))))
    made = ex.change_map(valid_pixels=valid, changed_pixels=changed, parameters={"outside_share_after": share}, **known)
    if not changed:
        made = replace(made, polygons=(), transitions=(), became=())
    if kind == "change":
        return lambda: change_report(made, cover)
    by_model = replace(ex.LAND_MODEL, coverage=None, is_calibrated=is_calibrated)  # a change model has no sets, calibrated or not
    return lambda: change_report(replace(made, method="model", is_calibrated=is_calibrated), by_model)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(compose=reports())
def test_no_report_contradicts_itself(compose: Callable[[], Report], monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[str] = set()
    write = Composer.say

    def recorded(self: Composer, section: str, template: str, /, *, region: str = "", **roles: str) -> None:
        said.add(template)
        write(self, section, template, region=region, **roles)

    with monkeypatch.context() as patch:
        patch.setattr(Composer, "say", recorded)
        compose()
    for one, other in EXCLUSIVE:
        assert not (said & one and said & other), (said & one, said & other)


@pytest.mark.parametrize("is_calibrated", [True, False])
def test_a_change_model_is_calibrated_or_not_and_never_both(is_calibrated: bool) -> None:
    facts = replace(ex.LAND_MODEL, coverage=None, is_calibrated=is_calibrated)
    text = " ".join(
        one.text for one in change_report(replace(ex.change_map(), method="model", is_calibrated=is_calibrated), facts).sentences
    )
    assert ("was calibrated" in text) is is_calibrated
    assert ("not calibrated" in text) is not is_calibrated
