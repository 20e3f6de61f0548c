"""Figures of a model on labelled folders, against independent counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score

from core import metrics
from core.errors import BadRecipe
from core.inference.engine import engine_for
from core.sources import Source
from core.workflows.evaluation.images import Evaluation, evaluate
from core.workflows.files import FileAnswer, predict_files
from tests.tiny import write_tiny_model
from tests.unit.cli.running import write_picture

LABELS = ("normal", "bacterial-pneumonia", "viral-pneumonia")
PARENTS = {"pneumonia": ["bacterial-pneumonia", "viral-pneumonia"]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny model of radiographs that declares pneumonia as the sum of its two kinds."""
    folder = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "parents": PARENTS}))
    return str(folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures without meaning, unequally many of each label."""
    folder = tmp_path_factory.mktemp("data")
    for place, (label, count) in enumerate(zip(LABELS, (14, 12, 10), strict=True)):
        for number in range(count):
            write_picture(folder / label / f"{number:02}.png", seed=100 * place + number)
    return folder


@pytest.fixture(scope="module")
def answers(model: str, data: Path) -> tuple[np.ndarray, np.ndarray, list[FileAnswer]]:  # type: ignore[type-arg]
    """(truth, probabilities, answers), counted here from the answers to the files."""
    files = [file for label in sorted(LABELS) for file in sorted((data / label).iterdir())]
    found = list(predict_files([Source(str(file), file) for file in files], engine_for(model)))
    truth = np.array([LABELS.index(file.parent.name) for file in files])
    return truth, np.stack([one.prediction.probabilities for one in found if one.prediction is not None]), found  # type: ignore[misc]


@pytest.fixture(scope="module")
def found(model: str, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return evaluate(model, data, tmp_path_factory.mktemp("work"))


def test_the_figures_are_those_of_scikit_learn(found: Evaluation, answers) -> None:  # type: ignore[no-untyped-def]
    truth, probs, _ = answers
    best = probs.argmax(axis=1)
    assert (found.n, found.n_failed) == (36, 0)
    assert found.accuracy == pytest.approx(accuracy_score(truth, best))
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(truth, best))
    assert found.f1_macro == pytest.approx(f1_score(truth, best, average="macro"))
    exact = probs.astype(float) / probs.astype(float).sum(axis=1, keepdims=True)
    assert found.auroc == pytest.approx(roc_auc_score(truth, exact, multi_class="ovr", average="macro"), abs=1e-6)
    assert sum(found.confusion[label][label] for label in range(3)) == pytest.approx(found.accuracy * 36)
    assert [sum(row) for row in found.confusion] == [14, 12, 10]


def test_sets_and_abstentions_are_counted_as_predict_tells_them(found: Evaluation, answers) -> None:  # type: ignore[no-untyped-def]
    truth, probs, one_by_one = answers
    sets = [one.prediction.conformal_set for one in one_by_one]
    single = np.array([one.prediction.prediction is not None for one in one_by_one])
    assert found.coverage == pytest.approx(np.mean([LABELS[true] in held for true, held in zip(truth, sets, strict=True)]))
    assert found.mean_set_size == pytest.approx(np.mean([len(held) for held in sets]))
    assert found.abstained == pytest.approx(np.mean([len(held) in (0, 3) for held in sets]))
    assert single.any()
    assert found.accuracy_answered == pytest.approx((probs.argmax(axis=1) == truth)[single].mean())


def test_a_parent_is_found_from_one_half_of_its_labels_together(found: Evaluation, answers) -> None:  # type: ignore[no-untyped-def]
    truth, probs, _ = answers
    is_ill, pneumonia = truth > 0, probs[:, 1:].sum(axis=1)
    assert found.parents["pneumonia"].accuracy == pytest.approx(((pneumonia >= 0.5) == is_ill).mean())
    assert found.parents["pneumonia"].auroc == pytest.approx(roc_auc_score(is_ill, pneumonia), abs=1e-6)


def test_a_folder_of_the_parent_counts_for_the_parent_alone(model: str, found: Evaluation, data: Path, tmp_path: Path) -> None:
    for label in LABELS:
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / label).symlink_to(data / label)
    for number in range(6):
        write_picture(tmp_path / "data" / "pneumonia" / f"{number}.png", seed=900 + number)
    more = evaluate(model, tmp_path / "data", tmp_path)
    assert more.n == found.n + 6
    assert (more.accuracy, more.ece, more.confusion) == (found.accuracy, found.ece, found.confusion)
    assert more.parents != found.parents


def test_with_the_parent_alone_there_is_nothing_to_count_for_the_labels(model: str, data: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "pneumonia").mkdir(parents=True)
    for file in (data / "viral-pneumonia").iterdir():
        (tmp_path / "data" / "pneumonia" / file.name).symlink_to(file)
    found = evaluate(model, tmp_path / "data", tmp_path)
    assert (found.n, found.accuracy, found.auroc, found.ece, found.f1_macro) == (10, None, None, None, None)
    assert found.parents["pneumonia"].auroc is None
    assert 0 <= found.parents["pneumonia"].accuracy <= 1


def test_an_image_outside_the_model_counts_by_its_most_probable_label(model: str, tmp_path: Path) -> None:
    """In colour, so refused: still one of the images."""
    for number in range(3):
        write_picture(tmp_path / "normal" / f"{number}.png", seed=number, shape=(48, 40, 3))
    found = evaluate(model, tmp_path, tmp_path / "work")
    assert (found.n, found.n_failed) == (3, 0)
    assert found.accuracy is not None
    assert found.accuracy_answered is None


def test_a_model_without_calibration_has_neither_sets_nor_abstentions(data: Path, tmp_path: Path) -> None:
    plain = write_tiny_model(tmp_path / "plain", calibrated=False)
    found = evaluate(str(plain), data, tmp_path)
    assert (found.coverage, found.mean_set_size, found.abstained) == (None, None, 0.0)
    assert found.accuracy_answered == found.accuracy


def test_files_without_an_answer_are_told_and_counted(model: str, tmp_path: Path) -> None:
    write_picture(tmp_path / "normal" / "a.png")
    (tmp_path / "normal" / "b.txt").write_text("no picture")
    failed: list[str] = []
    steps: list[tuple[int, int]] = []
    found = evaluate(model, tmp_path, tmp_path / "work", lambda *step: steps.append(step), lambda answer: failed.append(answer.label))
    assert (found.n, found.n_failed) == (1, 1)
    assert failed == [str(tmp_path / "normal" / "b.txt")]
    assert steps == [(1, 2), (2, 2)]


def test_a_folder_in_which_nothing_can_be_read_has_no_figures(model: str, tmp_path: Path) -> None:
    (tmp_path / "normal").mkdir()
    (tmp_path / "normal" / "b.txt").write_text("no picture")
    with pytest.raises(BadRecipe, match="no image"):
        evaluate(model, tmp_path, tmp_path / "work")


def test_the_calibration_error_is_the_gap_of_each_bin_weighted_by_its_images() -> None:
    """Ten answers of 0.95 of which seven are right, ten of 0.55 of which six are: (10 * 0.25 + 10 * 0.05) / 20."""
    probs = np.array([[0.95, 0.05]] * 10 + [[0.55, 0.45]] * 10, dtype=np.float32)
    truth = np.array([0] * 7 + [1] * 3 + [0] * 6 + [1] * 4)
    assert metrics.calibration_error(truth, probs) == pytest.approx(0.15, abs=1e-6)


def test_bins_are_fifteen_of_equal_width() -> None:
    """Two confidences in one bin cancel, in two bins they do not."""
    truth = np.array([0, 1])
    one_bin = np.array([[0.61, 0.39], [0.65, 0.35]], dtype=np.float32)
    two_bins = np.array([[0.61, 0.39], [0.67, 0.33]], dtype=np.float32)
    assert metrics.calibration_error(truth, one_bin) == pytest.approx(abs(1 - 0.61 - 0.65) / 2, abs=1e-6)
    assert metrics.calibration_error(truth, two_bins) == pytest.approx((0.39 + 0.67) / 2, abs=1e-6)


def test_chance_alone_gives_an_error_that_shrinks_with_the_images() -> None:
    probs = np.random.default_rng(0).dirichlet((2.0, 1.0, 1.0), 4000).astype(np.float32)
    few, many = (metrics.calibration_error_by_chance(probs[:count]) for count in (100, 4000))
    assert few is not None and many is not None
    assert few == pytest.approx(many * 40**0.5, rel=0.15)
    assert metrics.calibration_error_by_chance(probs[:100]) == few  # drawn with a fixed seed


def test_a_calibrated_model_errs_as_chance_says() -> None:
    random = np.random.default_rng(1)
    probs = random.dirichlet((2.0, 1.0, 1.0), 3000).astype(np.float32)
    truth = (random.random((3000, 1)) > probs.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    told, chance = metrics.calibration_error(truth, probs), metrics.calibration_error_by_chance(probs)
    assert told is not None and chance is not None
    assert told == pytest.approx(chance, rel=0.5)
