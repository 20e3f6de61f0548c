"""The OOD detector: what a header rules out, and what looks unlike the training, is told with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from core.errors import BrokenModel, OutOfRange
from core.inference.engine import Engine, engine_for
from core.inference.ood import assess, ood_score, svm_score
from core.inference.prediction import predict_input
from core.prepare.inputs import to_input
from core.readers import read_dicom
from core.settings import settings
from core.types import FloatImage, ModelInput, Notice, Picture, Prediction, notice
from models.image_statistics import statistics_length
from models.registry import LoadedModel, OodDetector, load_model
from tests.tiny import FAR, LAYERS, WIDTH, write_tiny_model
from training.calibrate.fit import MOST_DIRECTIONS, fit_ood_detector
from training.publish.zoo import write_ood_detector

DIMENSIONS = 40
SAMPLES = Path(__file__).resolve().parents[3] / "sample_data"
SPREADS = np.geomspace(10.0, 0.05, DIMENSIONS)


def embeddings(count: int, seed: int, turn: int = 0) -> NDArray[np.float32]:
    """Embeddings of one kind of images: correlated, with spreads from 10 down to 0.05 around a mean of 3."""
    basis = np.linalg.qr(np.random.default_rng(turn).normal(size=(DIMENSIONS, DIMENSIONS)))[0]
    return (3.0 + np.random.default_rng(seed).normal(size=(count, DIMENSIONS)) * SPREADS @ basis.T).astype(np.float32)


def narrow_direction() -> NDArray[np.float64]:
    """The direction in which embeddings of that kind vary least."""
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(DIMENSIONS, DIMENSIONS)))[0]
    return np.asarray(basis[:, -1])


@pytest.fixture(scope="module")
def detector() -> OodDetector:
    return fit_ood_detector([embeddings(3000, seed=1)], [embeddings(2000, seed=2)])


def given(refusal: Notice | None = None) -> ModelInput:
    pixels = np.zeros((1, 32, 32), dtype=np.float32)
    return ModelInput(pixels, pixels, (0.0, 0.0, 32.0, 32.0), refusal=refusal)


def model_with(engine: Engine, detector: OodDetector | None) -> LoadedModel:
    return replace(engine.model, ood_detector=detector)


# ---------------------------------------------------------------- the distance


def test_no_origin_is_given_up_for_a_larger_one() -> None:
    far = embeddings(40, seed=3) + 2.0
    detector = fit_ood_detector([embeddings(3000, seed=1)], [embeddings(2000, seed=2), far], share_refused=0.1)
    assert float((ood_score(far, detector) > detector.threshold).mean()) <= 0.1


def test_a_small_origin_counts_as_much_as_a_large_one() -> None:
    small = embeddings(60, seed=3) + 2.0
    alike = fit_ood_detector([embeddings(3000, seed=1), small], [embeddings(2000, seed=2)])
    thrown_together = fit_ood_detector([np.concatenate([embeddings(3000, seed=1), small])], [embeddings(2000, seed=2)])
    assert ood_score(small, alike).mean() < ood_score(small, thrown_together).mean()
    assert alike.mean == pytest.approx((embeddings(3000, seed=1).mean(axis=0) + small.mean(axis=0)) / 2.0, abs=1e-4)


def test_a_support_vector_machine_finds_outliers_that_lie_near() -> None:
    train, held = embeddings(3000, seed=1), embeddings(2000, seed=2)
    step = np.linalg.qr(np.random.default_rng(0).normal(size=(DIMENSIONS, DIMENSIONS)))[0][:, 0].astype(np.float32) * 25.0
    known, unknown = embeddings(300, seed=3) + step, embeddings(300, seed=4) + step
    plain, judged = fit_ood_detector([train], [held], 0.04), fit_ood_detector([train], [held], 0.04, [known])
    refused = [float((ood_score(unknown, detector) > detector.threshold).mean()) for detector in (plain, judged)]
    assert refused[1] > refused[0] + 0.2
    assert float((ood_score(embeddings(2000, seed=5), judged) > judged.threshold).mean()) < 0.07


def test_a_support_vector_machine_gives_up_no_outlier_that_the_distance_finds() -> None:
    train, held = embeddings(3000, seed=1), embeddings(2000, seed=2)
    far = embeddings(50, seed=3) + np.float32(60.0) * narrow_direction().astype(np.float32)
    judged = fit_ood_detector([train], [held], outliers=[embeddings(300, seed=4) * 2.0])
    assert (ood_score(far, judged) > judged.threshold).all()


def test_a_support_vector_machine_finds_outliers_on_either_side() -> None:
    train, held = embeddings(1500, seed=1), embeddings(1000, seed=2)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(DIMENSIONS, DIMENSIONS)))[0].astype(np.float32)
    step = 30.0 * basis[:, 0] + 2.0 * basis[:, 20]
    judged = fit_ood_detector([train], [held], outliers=[embeddings(300, seed=3) + step, embeddings(300, seed=4) - step])
    plain = fit_ood_detector([train], [held])
    for side in (1.0, -1.0):
        unknown = embeddings(300, seed=5) + np.float32(side) * step
        refused = [float((ood_score(unknown, detector) > detector.threshold).mean()) for detector in (plain, judged)]
        assert refused[1] > max(0.8, refused[0] + 0.2)


def test_the_verdict_is_in_the_unit_of_the_distance() -> None:
    held = embeddings(1000, seed=2)
    judged = fit_ood_detector([embeddings(1500, seed=1)], [held], outliers=[embeddings(300, seed=3, turn=1)])
    assert judged.svm is not None
    whitened = (held - judged.mean) @ judged.whitening
    found, distances = svm_score(whitened, judged.svm), np.linalg.norm(whitened, axis=1)
    for share in (0.5, 0.99):
        assert float(np.quantile(found, share)) == pytest.approx(float(np.quantile(distances, share)), rel=1e-3)


def test_a_small_origin_teaches_the_judge_too() -> None:
    small = embeddings(60, seed=3) + 30.0
    known, strange = [embeddings(6000, seed=1), small], [embeddings(300, seed=4, turn=1)]
    judged = fit_ood_detector(known, [embeddings(2000, seed=2), embeddings(500, seed=6) + 30.0], outliers=strange)
    assert float((ood_score(embeddings(500, seed=7) + 30.0, judged) > judged.threshold).mean()) < 0.1


def test_about_one_in_a_hundred_of_the_right_kind_is_given_up(detector: OodDetector) -> None:
    refused = (ood_score(embeddings(4000, seed=3), detector) > detector.threshold).mean()
    assert 0.003 < refused < 0.025


def test_the_share_that_is_given_up_can_be_chosen() -> None:
    held = embeddings(1000, seed=2)
    detector = fit_ood_detector([embeddings(3000, seed=1)], [held], share_refused=0.2)
    assert (ood_score(held, detector) > detector.threshold).mean() == pytest.approx(0.2, abs=0.01)


def test_another_kind_of_image_is_outside_although_its_mean_and_spread_are_the_same(detector: OodDetector) -> None:
    outliers = embeddings(500, seed=4, turn=1)
    assert (ood_score(outliers, detector) > detector.threshold).mean() > 0.99


def test_a_small_step_where_the_training_never_goes_counts_more_than_a_large_one_where_it_does(detector: OodDetector) -> None:
    mean = detector.mean.astype(np.float64)
    along = np.linalg.qr(np.random.default_rng(0).normal(size=(DIMENSIONS, DIMENSIONS)))[0][:, 0]
    small = ood_score((mean + 2.0 * narrow_direction()).astype(np.float32), detector)
    large = ood_score((mean + 10.0 * along).astype(np.float32), detector)
    assert float(large) < detector.threshold < float(small)


def test_the_score_grows_with_distance_and_is_the_length_of_the_whitened_difference(detector: OodDetector) -> None:
    several = embeddings(5, seed=5)
    scores = ood_score(several, detector)
    assert scores.shape == (5,)
    for embedding, score in zip(several, scores, strict=True):
        assert float(ood_score(embedding, detector)) == pytest.approx(float(score), rel=1e-6)
        assert float(np.linalg.norm((embedding - detector.mean) @ detector.whitening)) == pytest.approx(float(score), rel=1e-5)
    further = detector.mean + 2.0 * (several - detector.mean)
    np.testing.assert_allclose(ood_score(further, detector), 2.0 * scores, rtol=1e-4)


def test_any_leading_shape_is_scored(detector: OodDetector) -> None:
    several = embeddings(6, seed=6)
    np.testing.assert_allclose(ood_score(several.reshape(2, 3, -1), detector).ravel(), ood_score(several, detector), rtol=1e-5)


def test_fewer_images_than_dimensions_give_a_finite_detector() -> None:
    detector = fit_ood_detector([embeddings(12, seed=1)], [embeddings(12, seed=2)])
    assert np.isfinite(detector.whitening).all() and np.isfinite(detector.threshold)
    constant = fit_ood_detector([np.ones((4, 3), dtype=np.float32)], [np.ones((1, 3), dtype=np.float32)])
    assert np.isfinite(constant.whitening).all() and constant.threshold == 0.0


def test_a_wide_network_keeps_a_small_detector() -> None:
    random = np.random.default_rng(0)
    wide = random.normal(size=(50, MOST_DIRECTIONS + 44)).astype(np.float32)
    assert fit_ood_detector([wide], [wide]).whitening.shape == (MOST_DIRECTIONS + 44, MOST_DIRECTIONS)


@pytest.mark.parametrize(("train", "held", "share"), [(1, 5, 0.03), (5, 0, 0.03), (5, 5, 1.0), (5, 5, -0.1)])
def test_what_cannot_make_a_detector_is_refused(train: int, held: int, share: float) -> None:
    with pytest.raises(OutOfRange):
        fit_ood_detector([embeddings(train, seed=1)], [embeddings(held, seed=2)], share)


# ---------------------------------------------------------------- the verdict


def test_a_header_that_rules_the_image_out_comes_first_and_the_distance_is_told_beside(engine: Engine, detector: OodDetector) -> None:
    refusal = notice("input.other-modality", modality="US", domain="radiograph", modalities=("CR", "DX"))
    outside = assess(given(refusal), detector.mean, model_with(engine, detector))
    assert (outside.is_outside, outside.reason, outside.score) == (True, refusal, 0.0)


def test_what_looks_unlike_the_training_is_outside_with_a_sentence(engine: Engine, detector: OodDetector) -> None:
    far = (detector.mean + 2.0 * narrow_direction()).astype(np.float32)
    outside = assess(given(), far, model_with(engine, detector))
    assert outside.is_outside and outside.score > outside.threshold == detector.threshold
    assert outside.reason == notice("outside.image", domain="radiograph", score=outside.score, threshold=outside.threshold)


def test_what_looks_like_the_training_is_inside_without_a_reason(engine: Engine, detector: OodDetector) -> None:
    outside = assess(given(), detector.mean, model_with(engine, detector))
    assert (outside.is_outside, outside.reason) == (False, None)


def test_a_score_that_is_no_number_is_outside(engine: Engine, detector: OodDetector) -> None:
    assert assess(given(), np.full(DIMENSIONS, np.nan, dtype=np.float32), model_with(engine, detector)).is_outside


def test_a_model_without_a_detector_still_obeys_the_header(engine: Engine, detector: OodDetector) -> None:
    plain = assess(given(), detector.mean, model_with(engine, None))
    assert not plain.is_outside and np.isnan(plain.score) and np.isnan(plain.threshold)
    assert assess(given(notice("input.localizer")), detector.mean, model_with(engine, None)).is_outside


@pytest.mark.parametrize("taught", [False, True])
def test_a_detector_is_the_same_after_it_was_written_and_read(tmp_path: Path, taught: bool) -> None:
    random, dimensions = np.random.default_rng(0), (LAYERS + 1) * WIDTH + statistics_length(1)
    train, held, strange = (random.normal(size=(count, dimensions)).astype(np.float32) for count in (300, 100, 50))
    detector = fit_ood_detector([train], [held], outliers=[strange * 1.5] if taught else [])
    folder = write_tiny_model(tmp_path / "tiny")
    write_ood_detector(folder, detector)
    again = load_model(str(folder)).ood_detector
    assert again is not None and again.threshold == detector.threshold < FAR and (again.svm is not None) == taught
    np.testing.assert_array_equal(again.whitening, detector.whitening)
    np.testing.assert_array_equal(ood_score(strange, again), ood_score(strange, detector))


def test_a_detector_whose_support_vectors_do_not_fit_is_refused(tmp_path: Path) -> None:
    random, dimensions = np.random.default_rng(0), (LAYERS + 1) * WIDTH + statistics_length(1)
    train = random.normal(size=(100, dimensions)).astype(np.float32)
    detector = fit_ood_detector([train], [train], outliers=[train * 2.0])
    assert detector.svm is not None
    folder = write_tiny_model(tmp_path / "tiny")
    write_ood_detector(folder, replace(detector, svm=replace(detector.svm, weights=detector.svm.weights[1:])))
    with pytest.raises(BrokenModel, match="examples, weights and whitening"):
        load_model(str(folder))


# ---------------------------------------------------------------- the bundled radiograph model


@pytest.fixture(scope="module")
def chest() -> Iterator[Engine]:
    if not (settings().zoo / "chest-xray" / "outside.safetensors").is_file():
        pytest.skip("models/zoo/chest-xray is not here")
    yield engine_for("chest-xray")


def picture(pixels: NDArray[np.uint8]) -> Picture:
    return Picture("picture.png", "0" * 64, np.ascontiguousarray(pixels, dtype=np.uint8))


def answered(engine: Engine, pixels: NDArray[np.uint8]) -> Prediction:
    return predict_input(engine, to_input(picture(pixels), engine.model.preprocess))


def noise(power: float) -> NDArray[np.uint8]:
    """Random pixels whose amplitude falls with frequency: 0 is white, 1 looks like clouds."""
    frequencies = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None])
    frequencies[0, 0] = 1.0
    waves = np.fft.fft2(np.random.default_rng(0).normal(size=(256, 256))) / frequencies**power
    values: FloatImage = np.fft.ifft2(waves).real.astype(np.float32)
    return np.uint8(255 * (values - values.min()) / np.ptp(values))  # type: ignore[return-value]


@pytest.mark.parametrize("name", ["camera", "brick", "grass", "moon", "coins", "page"])
def test_grey_photographs_are_outside_what_the_radiograph_model_knows(chest: Engine, name: str) -> None:
    prediction = answered(chest, getattr(data, name)())
    assert prediction.outside.is_outside and prediction.prediction is None
    assert prediction.outside.reason is not None and prediction.outside.reason.code == "outside.image"


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_noise_is_outside(chest: Engine, power: float) -> None:
    assert answered(chest, noise(power)).outside.is_outside


def test_a_colour_photograph_is_outside_by_its_colours(chest: Engine) -> None:
    prediction = answered(chest, data.astronaut())
    assert prediction.outside.is_outside and prediction.outside.reason == notice("picture.in-colour", domain="radiograph")


def test_a_slice_of_a_ct_is_outside_by_its_header_and_by_its_look(chest: Engine) -> None:
    slice_ = to_input(read_dicom(SAMPLES / "ct-series" / "slice-14.dcm"), chest.model.preprocess)
    reason = predict_input(chest, slice_).outside.reason
    assert reason is not None and (reason.code, reason["modality"]) == ("input.other-modality", "CT")
    assert predict_input(chest, replace(slice_, refusal=None)).outside.is_outside


@pytest.mark.parametrize("name", ["chest-radiograph.dcm", "chest-radiograph-opacity.dcm"])
def test_the_drawn_radiographs_are_outside_because_their_header_says_that_they_show_no_patient(chest: Engine, name: str) -> None:
    outside = predict_input(chest, to_input(read_dicom(SAMPLES / name), chest.model.preprocess)).outside
    assert outside.is_outside and outside.reason == notice("input.synthetic")
