"""What a prediction says, and when the model says that it does not know."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.inference.calibration import probabilities
from core.inference.engine import Engine, open_engine
from core.inference.prediction import UNCALIBRATED, decide, predict_input, predict_inputs
from core.inference.runtimes import Runtime
from core.types import Calibration, FloatImage, ModelInput, Notice, Outside, notice
from models.registry import load_model
from tests.tiny import LABELS, write_tiny_model
from tests.unit.report import examples as ex

INSIDE = Outside(score=1.0, threshold=2.0, is_outside=False)
STRANGE = Outside(score=3.0, threshold=2.0, is_outside=True, reason=notice("outside.image", domain="radiograph", score=3.0, threshold=2.0))
ABC = ("a", "b", "c")
NO_IMAGE = notice("input.no-image", modality="SEG")


def given(values: FloatImage, refusal: Notice | None = None, assumptions: tuple[Notice, ...] = ()) -> ModelInput:
    return ModelInput(values, np.zeros_like(values), (0.0, 0.0, 32.0, 32.0), refusal=refusal, assumptions=assumptions)


EMPTY = given(np.zeros((1, 0, 0), dtype=np.float32), refusal=NO_IMAGE)


def test_a_prediction_carries_what_the_network_and_its_calibration_say(engine: Engine, values: FloatImage) -> None:
    prediction = predict_input(engine, given(values[0]), seconds={"read": 0.5, "prepare": 0.25}, frame=3)
    forward = engine.forward(values[:1])
    assert prediction.logits is not None and prediction.probabilities is not None and prediction.token_logits is not None
    np.testing.assert_allclose(prediction.logits, forward.logits[0], atol=1e-5)
    np.testing.assert_allclose(prediction.probabilities, probabilities(prediction.logits, engine.model.calibration))
    assert prediction.probabilities.sum() == pytest.approx(1.0, abs=1e-6)
    assert prediction.token_logits.shape == (4, 4, 3)
    assert (prediction.model, prediction.weights, prediction.frame) == ("tiny", engine.model.weights_hash, 3)
    assert (prediction.runtime, prediction.precision, prediction.device) == ("torch", "fp32", "cpu")
    assert set(prediction.seconds) == {"read", "prepare", "forward"} and prediction.seconds["forward"] > 0.0


def test_inputs_are_answered_in_their_order_with_the_empty_ones_in_place(engine: Engine, values: FloatImage) -> None:
    inputs = [EMPTY, given(values[0]), EMPTY, given(values[1]), given(values[2])]
    together = predict_inputs(engine, inputs)
    for prediction, single in zip(together, inputs, strict=True):
        alone = predict_input(engine, single)
        assert prediction.prediction == alone.prediction and prediction.conformal_set == alone.conformal_set
        if prediction.probabilities is not None:
            np.testing.assert_allclose(prediction.probabilities, alone.probabilities, atol=1e-6)
    assert [prediction.probabilities is None for prediction in together] == [True, False, True, False, False]


def test_an_input_that_could_not_be_made_is_an_answer_with_its_reason(engine: Engine) -> None:
    prediction = predict_input(engine, EMPTY)
    assert prediction.outside.is_outside and prediction.outside.reason == NO_IMAGE
    assert np.isnan(prediction.outside.score) and prediction.outside.threshold == 1e6
    assert (prediction.logits, prediction.probabilities, prediction.prediction, prediction.conformal_set) == (None, None, None, ())
    assert prediction.labels == engine.model.labels
    assert predict_inputs(engine, []) == []


def test_a_refused_image_keeps_its_scores_but_gets_no_label(engine: Engine, values: FloatImage) -> None:
    refusal = notice("input.other-modality", modality="MR", domain="radiograph", modalities=("CR", "DX"))
    prediction = predict_input(engine, given(values[0], refusal=refusal))
    assert prediction.prediction is None and prediction.probabilities is not None
    assert prediction.outside.is_outside and prediction.outside.reason == refusal
    assert np.isfinite(prediction.outside.score)


def test_assumptions_of_the_input_come_first_and_those_of_the_caller_follow(engine: Engine, values: FloatImage) -> None:
    own, more = notice("picture.taken-as-frontal"), notice("input.middle-frame", frames=3, number=2)
    assert predict_input(engine, given(values[0], assumptions=(own,)), assumptions=(more,)).assumptions == (own, more)


def test_a_model_without_calibration_answers_and_says_that_its_scores_are_no_probabilities(tmp_path: Path, values: FloatImage) -> None:
    engine = Engine(load_model(str(write_tiny_model(tmp_path / "tiny", calibrated=False))), Runtime())
    prediction = predict_input(engine, given(values[0]))
    assert prediction.conformal_set == () and UNCALIBRATED in prediction.assumptions
    assert prediction.logits is not None
    assert prediction.prediction == LABELS[engine.model.preprocess.domain][int(prediction.logits.argmax())]


def test_the_most_probable_label_is_the_prediction() -> None:
    probs = np.array([0.2, 0.7, 0.1], dtype=np.float32)
    assert decide(probs, ABC, Calibration(1.0, 0.5), INSIDE) == (("b",), "b")
    assert decide(probs, ABC, Calibration(1.0, 0.85), INSIDE) == (("b", "a"), "b")


def test_a_model_abstains_where_no_label_or_every_label_is_likely() -> None:
    probs = np.array([0.4, 0.35, 0.25], dtype=np.float32)
    assert decide(probs, ABC, Calibration(1.0, 0.5), INSIDE) == ((), None)
    assert decide(probs, ABC, Calibration(1.0, 0.8), INSIDE) == (ABC, None)


def test_outside_there_is_a_set_and_no_prediction() -> None:
    assert decide(np.array([0.2, 0.7, 0.1], dtype=np.float32), ABC, Calibration(1.0, 0.5), STRANGE) == (("b",), None)


def test_a_device_name_is_told_as_it_is(engine: Engine, values: FloatImage) -> None:
    lower = Engine(engine.model, replace(Runtime(), precision="bf16"))
    assert predict_input(lower, given(values[0])).precision == "bf16"


PNEUMONIA = {"pneumonia": ("bacterial-pneumonia", "viral-pneumonia")}


@pytest.mark.parametrize(
    ("probs", "likely", "answer", "told", "told_set"),
    [
        ((0.05, 0.65, 0.30), ("bacterial-pneumonia", "viral-pneumonia"), "bacterial-pneumonia", "pneumonia", ("pneumonia",)),
        ((0.40, 0.35, 0.25), ("normal", "bacterial-pneumonia"), "normal", None, ("normal", "pneumonia")),
        ((0.90, 0.06, 0.04), ("normal",), "normal", "normal", ("normal",)),
        ((0.40, 0.35, 0.25), (), None, None, ()),
    ],
)
def test_where_a_kind_is_not_named_the_parent_takes_its_place(
    probs: tuple[float, ...], likely: tuple[str, ...], answer: str | None, told: str | None, told_set: tuple[str, ...]
) -> None:
    whole = ex.prediction(probs, conformal_set=likely, prediction=answer, parents=PNEUMONIA, heads={"pneumonia": sum(probs[1:])})
    named = replace(whole, unnamed=PNEUMONIA["pneumonia"]).named
    assert (named.prediction, named.conformal_set, named.labels) == (told, told_set, ("normal", "pneumonia"))
    assert named.probabilities is not None and named.probabilities.tolist() == pytest.approx([probs[0], sum(probs[1:])])
    assert named.heads is None and whole.named is whole
    refused = replace(whole, unnamed=PNEUMONIA["pneumonia"], outside=STRANGE)
    assert refused.named.prediction is None


def test_a_model_that_does_not_say_on_whom_its_kinds_were_measured_names_none(tmp_path: Path, values: FloatImage) -> None:
    parents = {name: list(members) for name, members in PNEUMONIA.items()}
    engine = open_engine(str(write_tiny_model(tmp_path / "silent", parents=parents)))
    prediction = predict_input(engine, given(values[0]))
    assert prediction.unnamed == PNEUMONIA["pneumonia"] and prediction.named.labels == ("normal", "pneumonia")
    assert any(one.code == "model.kind-not-measured" for one in prediction.assumptions)
    ranges = [{"label": label, "age_years": [1.0, 5.0], "views": ["AP"]} for label in PNEUMONIA["pneumonia"]]
    file = tmp_path / "silent" / "preprocess.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "measured_for": ranges}))
    prediction = predict_input(open_engine(str(tmp_path / "silent")), given(values[0]))
    assert prediction.unnamed == () and prediction.named is prediction
