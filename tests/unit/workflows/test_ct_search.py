"""A CT slice, a series or a picture becomes one answer: that of its best window, with candidates and further heads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import OutOfRange
from core.inference.engine import Engine, engine_for
from core.inference.prediction import predict_input
from core.prepare.ct import NO_LUNG
from core.prepare.inputs import to_input
from core.readers import read_dicom
from core.report.text import as_text
from core.settings import PROJECT
from core.types import Domain, Picture
from core.workflows.ct_search import search_ct
from core.workflows.image import compose, explain_image, explained_input, predict
from core.workflows.report_files import report_image
from tests.tiny import write_tiny_model
from tests.unit.prepare.ct_slices import chest, slices


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "ct", Domain.CHEST_CT))


@pytest.fixture(scope="module")
def bundled() -> Iterator[Engine]:
    """The model of the zoo."""
    if not (PROJECT / "models" / "zoo" / "chest-ct" / "model.safetensors").is_file():
        pytest.skip("models/zoo/chest-ct is not here: this test needs the bundled model")
    yield engine_for(str(PROJECT / "models" / "zoo" / "chest-ct"))


@pytest.fixture(scope="module")
def engine(folder: str) -> Iterator[Engine]:
    yield engine_for(folder)


def test_a_slice_is_answered_by_its_best_window(engine: Engine) -> None:
    found = search_ct(slices(chest(2.8), spacing=2.8), engine)
    prediction = found.prediction
    assert prediction.probabilities is not None and prediction.candidates is not None
    assert prediction.probability("nodule") == pytest.approx(found.by_slice[0], abs=1e-4)
    assert prediction.probability("nodule") >= max([one.score for one in prediction.candidates], default=0.0) - 1e-3
    assert prediction.frame is None
    assert any(one.code == "ct.best-of-windows" and one["label"] == "nodule" for one in prediction.assumptions)


def test_a_further_head_is_told_with_its_labels(engine: Engine) -> None:
    heads = search_ct(slices(chest(2.8), spacing=2.8), engine).prediction.heads
    assert heads is not None and heads["malignancy"]["labels"] == ["benign", "malignant"]
    assert sum(heads["malignancy"]["probabilities"]) == pytest.approx(1.0, abs=1e-5)
    assert set(heads) == {"malignancy"}  # the token head is no answer about an image


def test_of_a_series_the_slices_without_lung_are_left_out_and_the_best_one_is_named(engine: Engine) -> None:
    empty = chest(2.8, has_lungs=False)
    found = search_ct(slices(empty, chest(2.8), chest(2.8, nodules=((80.0, 150.0),)), spacing=2.8), engine)
    assert set(found.by_slice) == {1, 2}
    assert found.prediction.frame == found.window.frame == max(found.by_slice, key=lambda each: found.by_slice[each])
    assert {one.frame for one in found.prediction.candidates or ()} <= {1, 2}
    alone = search_ct(slices(empty, chest(2.8), spacing=2.8), engine, frame=1)
    assert set(alone.by_slice) == {1}


def test_the_search_for_the_window_that_is_explained_tells_how_far_it_is(engine: Engine) -> None:
    told: list[tuple[int, int]] = []
    explained_input(slices(chest(2.8), chest(2.8), spacing=2.8), engine, watch=lambda done, total: told.append((done, total)))
    assert told[-1] == (2, 2)


def test_an_image_without_lung_is_outside_and_still_answered(engine: Engine) -> None:
    found = search_ct(slices(chest(2.8, has_lungs=False), spacing=2.8), engine)
    assert found.prediction.outside.is_outside and found.prediction.outside.reason == NO_LUNG
    assert found.prediction.prediction is None and found.prediction.probabilities is not None
    assert found.prediction.candidates == ()


def test_an_image_of_which_most_windows_are_strange_is_outside(engine: Engine) -> None:
    known = engine.model.ood_detector
    assert known is not None
    strict = Engine(replace(engine.model, ood_detector=replace(known, threshold=0.0)), engine.runtime)
    prediction = search_ct(slices(chest(2.8), spacing=2.8), strict).prediction
    assert prediction.outside.is_outside and prediction.prediction is None
    assert prediction.outside.reason is not None and prediction.outside.reason.code == "outside.windows"


def test_a_window_is_explained_where_it_was_found_or_where_it_is_asked_for(engine: Engine, folder: str) -> None:
    study = slices(chest(2.8), chest(2.8, nodules=((80.0, 150.0),)), spacing=2.8)
    found = search_ct(study, engine)
    assert explained_input(study, engine).box == found.window.box
    asked = explained_input(study, engine, frame=1, at=(28, 53))
    left, top, width, height = asked.box
    assert (left + width / 2, top + height / 2) == pytest.approx((28, 53), abs=0.2)
    assert asked.frame == 1
    explanation = explain_image(study, folder, "rollout", at=(28, 53), frame=1)
    assert explanation.saliency.shape == (32, 32)
    with pytest.raises(OutOfRange):
        explained_input(study, engine, at=(5000, 5))


def test_a_picture_of_the_windows_size_is_one_window_without_candidates(folder: str) -> None:
    small = Picture("crop.png", "0" * 64, np.random.default_rng(0).integers(0, 255, (32, 32)).astype(np.uint8))
    prediction = predict(small, folder)
    assert prediction.candidates is None and prediction.heads is not None
    large = replace(small, pixels=np.tile(small.pixels, (2, 2)))
    assert predict(large, folder).candidates is not None


def test_a_report_says_how_the_slice_was_read_and_what_was_found(folder: str, tmp_path: Path) -> None:
    study = slices(chest(2.8), spacing=2.8)
    prediction = predict(study, folder)
    text = as_text(compose(study, prediction, None, folder))
    assert "windows of 32 x 32 pixels at 0.7 mm a pixel" in text
    assert "Display window" not in text
    assert text.count("Candidate ") == len(prediction.candidates or ())
    made = report_image(study, folder, tmp_path)
    assert all(path.stat().st_size > 0 for path in made.files)


def test_the_nodule_of_the_bundled_phantom_is_found_and_the_phantom_is_inside(bundled: Engine) -> None:
    prediction = search_ct(read_dicom(PROJECT / "sample_data" / "ct-series" / "slice-22.dcm"), bundled).prediction
    assert not prediction.outside.is_outside, prediction.outside
    assert prediction.prediction == "nodule"
    distances = [np.hypot(one.column - 68, one.row - 112) * 1.4 for one in prediction.candidates or ()]
    assert min(distances) < 6.0  # millimetres; its radius is 5.5


def test_a_ramp_is_outside_what_the_bundled_model_knows(bundled: Engine) -> None:
    ramp = (np.indices((56, 56)).sum(axis=0) * 2).astype(np.uint8)
    given = to_input(Picture("a.png", "0" * 64, ramp), bundled.model.preprocess)
    assert predict_input(bundled, given).outside.is_outside
