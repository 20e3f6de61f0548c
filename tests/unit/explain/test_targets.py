"""A label, several labels as one, a label against another, the answer for a token: each is one number that methods and measures share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError, NotFound, OutOfRange, WrongTask
from core.explain.registry import METHODS, explain
from core.explain.targets import read_logits, target_of
from core.export.explanation import as_values
from core.inference.calibration import probabilities
from core.inference.engine import Engine, open_engine
from core.inference.prediction import predict_input
from core.types import Explanation, FloatImage, ModelInput, Target
from tests.tiny import write_tiny_model

BACTERIAL, VIRAL = "bacterial-pneumonia", "viral-pneumonia"
FEW = {"integrated-gradients": {"steps": 8}, "rise": {"masks": 16}, "smooth-grad": {"samples": 2}}
QUICK = {method: FEW.get(method, {}) for method in METHODS}
ALL = tuple(method for method in METHODS if method != "band-ablation")  # of more than the one band of these models
LINEAR = tuple(method for method in ALL if method not in ("relevance", "gradient-rollout"))
"""Methods whose map of a mean is the mean of the maps; of the others the positive part is taken first."""
SIGNED = ("integrated-gradients", "occlusion")
TOKENS = [(column, row) for row in range(4) for column in range(4)]


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A tiny model that declares pneumonia as the sum of two of its labels."""
    folder = tmp_path_factory.mktemp("models") / "parted"
    return open_engine(str(write_tiny_model(folder, parents={"pneumonia": [BACTERIAL, VIRAL]})))


def explained(engine: Engine, image: ModelInput, method: str, target: Target | str) -> Explanation:
    return explain(engine, image, method, target, parameters={"removal_steps": 2, **QUICK[method]})


def attribution(engine: Engine, image: ModelInput, method: str, target: Target | str) -> FloatImage:
    found = explained(engine, image, method, target).attribution
    assert found is not None
    return found


@pytest.mark.parametrize("method", SIGNED)
def test_what_speaks_for_one_label_against_another_is_the_difference_of_what_speaks_for_each(
    parted: Engine, image: ModelInput, method: str
) -> None:
    both = attribution(parted, image, method, target_of(parted, image, BACTERIAL, VIRAL))
    each = attribution(parted, image, method, BACTERIAL) - attribution(parted, image, method, VIRAL)
    np.testing.assert_allclose(both, each, atol=1e-5)


@pytest.mark.parametrize("method", SIGNED)
def test_what_speaks_for_a_label_is_the_mean_of_what_speaks_for_it_at_each_token(parted: Engine, image: ModelInput, method: str) -> None:
    """The network's head reads the mean of the tokens, so this is exact."""
    tokens = [attribution(parted, image, method, Target(VIRAL, (VIRAL,), token=token)) for token in TOKENS]
    np.testing.assert_allclose(np.mean(tokens, axis=0), attribution(parted, image, method, VIRAL), atol=1e-5)


def test_the_rollout_of_a_token_is_its_row(parted: Engine, image: ModelInput) -> None:
    whole = explained(parted, image, "rollout", VIRAL).tokens
    rows = [explained(parted, image, "rollout", Target(VIRAL, (VIRAL,), token=token)).tokens for token in TOKENS]
    assert whole is not None and all(row is not None for row in rows)
    np.testing.assert_allclose(np.mean([row.values for row in rows if row is not None], axis=0), whole.values, atol=1e-6)


@pytest.mark.parametrize("method", LINEAR)
def test_a_region_is_explained_by_the_mean_of_its_tokens(parted: Engine, image: ModelInput, method: str) -> None:
    region = explained(parted, image, method, Target(VIRAL, (VIRAL,), region=(1, 2, 2, 3)))
    tokens = [explained(parted, image, method, Target(VIRAL, (VIRAL,), token=token)) for token in ((1, 2), (2, 2), (1, 3), (2, 3))]
    raw = [one.attribution if one.tokens is None else one.tokens.values for one in (region, *tokens)]
    np.testing.assert_allclose(raw[0], np.mean(np.stack([each for each in raw[1:] if each is not None]), axis=0), atol=1e-5)


def test_a_region_of_one_token_is_that_token_and_one_of_all_is_the_image(parted: Engine, image: ModelInput) -> None:
    def logits(target: Target) -> FloatImage:
        return read_logits(parted, image.values[np.newaxis], target)

    np.testing.assert_allclose(logits(Target("", (), region=(0, 0, 3, 3))), logits(Target("", ())), atol=1e-5)
    np.testing.assert_array_equal(logits(Target("", (), region=(2, 1, 2, 1))), logits(Target("", (), token=(2, 1))))


@pytest.mark.parametrize("method", ALL)
def test_the_curves_hold_the_probability_that_the_target_has_in_the_image(parted: Engine, image: ModelInput, method: str) -> None:
    prediction = predict_input(parted, image)
    assert prediction.heads is not None and prediction.token_logits is not None
    bacterial, viral = prediction.probability(BACTERIAL), prediction.probability(VIRAL)
    at_token = probabilities(prediction.token_logits[2, 1], parted.model.calibration)[2]
    wanted = {
        "pneumonia": prediction.heads["pneumonia"],
        target_of(parted, image, BACTERIAL, VIRAL): bacterial / (bacterial + viral),
        target_of(parted, image, VIRAL, at=(8, 23)): at_token,
    }
    for target, probability in wanted.items():
        found = explained(parted, image, method, target)
        assert found.deletion.curve[0] == pytest.approx(probability, abs=1e-6)
        assert found.insertion.curve[-1] == pytest.approx(probability, abs=1e-6)


def test_a_parent_label_is_the_sum_of_its_labels(parted: Engine, image: ModelInput) -> None:
    target = target_of(parted, image, "pneumonia")
    assert target == Target("pneumonia", (BACTERIAL, VIRAL))
    found = explain(parted, image, "integrated-gradients", target, parameters={"removal_steps": 2})
    assert found.completeness_error is not None and found.completeness_error < 0.05


def test_without_a_label_a_token_is_explained_for_its_own_likeliest(parted: Engine, image: ModelInput) -> None:
    tokens = parted.forward(image.values[None]).token_logits
    assert tokens is not None
    for column, row in ((0, 0), (3, 1)):
        target = target_of(parted, image, at=(8 * column + 7, 8 * row))
        assert target.token == (column, row)
        assert target.name == parted.model.labels[int(tokens[0, row, column].argmax())]


def test_a_pixel_of_the_source_is_found_in_a_window_of_it(parted: Engine, image: ModelInput) -> None:
    window = replace(image, box=(100.0, 50.0, 64.0, 64.0))
    assert target_of(parted, window, VIRAL, at=(100, 50)).token == (0, 0)
    assert target_of(parted, window, VIRAL, at=(163, 82)).token == (3, 2)
    assert target_of(parted, window, VIRAL, region=(100, 50, 116, 65)).region == (0, 0, 1, 0), "tokens of 16 pixels, both edges included"
    with pytest.raises(OutOfRange, match="columns 100 to 163, rows 50 to 113"):
        target_of(parted, window, VIRAL, at=(99, 60))


def test_what_cannot_be_a_target_is_refused_with_what_can(parted: Engine, image: ModelInput, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=f"'lung'.*normal, {BACTERIAL}, {VIRAL}, pneumonia"):
        target_of(parted, image, "lung")
    with pytest.raises(NotFound, match="'lung'"):
        target_of(parted, image, VIRAL, "lung")
    with pytest.raises(OutOfRange, match="no part of pneumonia"):
        target_of(parted, image, "pneumonia", VIRAL)
    with pytest.raises(OutOfRange, match="none of the last before the first"):
        target_of(parted, image, VIRAL, region=(9, 0, 8, 8))
    with pytest.raises(OutOfRange, match=r"region.*0 <= column < 4"):
        explain(parted, image, "occlusion", Target(VIRAL, (VIRAL,), region=(0, 0, 4, 0)))
    with pytest.raises(InputError, match="A token and a region"):
        target_of(parted, image, VIRAL, at=(0, 0), region=(0, 0, 8, 8))
    with pytest.raises(OutOfRange, match="column < 4 and 0 <= row < 4"):
        explain(parted, image, "rollout", Target(VIRAL, (VIRAL,), token=(4, 0)))
    of_images = open_engine(str(write_tiny_model(tmp_path / "cls", pooling="cls")))
    with pytest.raises(WrongTask, match="none for its tokens"):
        target_of(of_images, image, VIRAL, at=(0, 0))
    with pytest.raises(WrongTask, match="A region is not supported for the model cls"):
        target_of(of_images, image, VIRAL, region=(0, 0, 8, 8))


def test_the_file_names_a_label_and_tells_more_where_there_is_more(parted: Engine, image: ModelInput) -> None:
    plain = as_values(image, explained(parted, image, "rollout", "pneumonia"))
    assert plain["target"] == "pneumonia"
    more = as_values(image, explained(parted, image, "rollout", target_of(parted, image, BACTERIAL, VIRAL, (0, 31))))
    assert more["target"] == {"label": BACTERIAL, "against": VIRAL, "token": (0, 3)}
