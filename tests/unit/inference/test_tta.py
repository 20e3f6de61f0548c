"""The mean over quarter turns and mirror images: the same however a window is turned, and nothing else than the mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.inference.engine import Engine, engine_for
from core.inference.tta import TTA_COUNT, answered, augmented_inputs
from core.types import Domain, FloatImage
from tests.tiny import SIDE, write_tiny_model
from training.loop.forward import answer_all


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    yield engine_for(str(write_tiny_model(tmp_path_factory.mktemp("models") / "ct", Domain.CHEST_CT)))


def windows(count: int = 2) -> FloatImage:
    return np.random.default_rng(4).normal(size=(count, 1, SIDE, SIDE)).astype(np.float32)


def test_the_eight_views_differ_and_the_first_is_upright() -> None:
    seen = augmented_inputs(windows(1))
    assert len({view.tobytes() for view in seen}) == len(seen) == TTA_COUNT
    np.testing.assert_array_equal(seen[:1], windows(1))


def test_an_answer_does_not_depend_on_how_the_window_lies(engine: Engine) -> None:
    lying, turned = windows(), np.ascontiguousarray(np.rot90(windows(), 1, axes=(2, 3))[..., ::-1])
    one, other = answered(engine, lying), answered(engine, turned)
    np.testing.assert_allclose(one.logits, other.logits, atol=1e-4)
    np.testing.assert_allclose(one.heads["malignancy"], other.heads["malignancy"], atol=1e-4)
    assert np.abs(engine.forward(lying).logits - engine.forward(turned).logits).max() > 1e-3


def test_tokens_and_embeddings_are_those_of_the_upright_view(engine: Engine) -> None:
    mean, plain = answered(engine, windows()), engine.forward(windows())
    np.testing.assert_allclose(mean.embeddings, plain.embeddings, atol=1e-4)
    np.testing.assert_allclose(mean.heads["place"], plain.heads["place"], atol=1e-4)


def test_a_model_that_does_not_ask_for_it_answers_once(engine: Engine) -> None:
    plain = Engine(replace(engine.model, preprocess=replace(engine.model.preprocess, test_time_augmentation=False)), engine.runtime)
    np.testing.assert_array_equal(answered(plain, windows()).logits, plain.forward(windows()).logits)


def test_a_training_measures_the_answers_that_predictions_give(engine: Engine) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (3, 1, SIDE, SIDE)).astype(np.uint8)
    values = pixels / np.float32(255.0)
    spread = values.std(axis=(1, 2, 3), keepdims=True)
    standardised = ((values - values.mean(axis=(1, 2, 3), keepdims=True)) / spread).astype(np.float32)
    measured = answer_all(engine.model.network, torch.from_numpy(pixels), engine.model.preprocess)
    np.testing.assert_allclose(measured.logits, answered(engine, standardised).logits, atol=1e-3)
    np.testing.assert_allclose(measured.heads["malignancy"], answered(engine, standardised).heads["malignancy"], atol=1e-3)
