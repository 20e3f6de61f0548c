"""Figures and their intervals: what sklearn says, and groups that are drawn as a whole."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from core.types import Calibration
from training.evaluate.figures import Held, auroc, measure

LABELS = ("dark", "grey", "bright")
CALIBRATION = Calibration(temperature=1.0, conformal_threshold=0.7)


def held(groups: int = 300, images_a_group: int = 1) -> Held:
    random = np.random.default_rng(3)
    truth = np.repeat(random.integers(0, 3, groups), images_a_group)
    probs = np.repeat(random.dirichlet([1, 1, 1], groups), images_a_group, axis=0)
    probs[np.arange(len(truth)), truth] += 0.4
    probs = (probs / probs.sum(axis=1, keepdims=True)).astype(np.float32)
    return Held(truth, probs, [f"patient {index // images_a_group}" for index in range(len(truth))])


def test_figures_are_what_sklearn_says() -> None:
    given = held()
    found = measure(given, LABELS, CALIBRATION, {"light": ["grey", "bright"]})
    answers = given.probabilities.argmax(axis=1)
    assert np.isclose(found["accuracy"].value, (answers == given.labels).mean())
    assert np.isclose(found["balanced_accuracy"].value, balanced_accuracy_score(given.labels, answers))
    assert np.isclose(
        found["auroc"].value, np.mean([roc_auc_score(given.labels == label, given.probabilities[:, label]) for label in range(3)])
    )
    assert np.isclose(found["light_auroc"].value, roc_auc_score(given.labels > 0, given.probabilities[:, 1:].sum(axis=1)))


def test_tied_scores_count_half() -> None:
    scores = np.array([0.2, 0.2, 0.2, 0.8], dtype=np.float32)
    truth = np.array([False, True, False, True])
    assert np.isclose(auroc(np.ones((1, 4)), truth, scores)[0], roc_auc_score(truth, scores))


def test_copies_of_one_patient_do_not_narrow_the_interval() -> None:
    single, copied = (measure(held(150, copies), LABELS, CALIBRATION, {})["accuracy"] for copies in (1, 8))
    assert single.low is not None
    assert single.high is not None
    assert copied.low is not None
    assert copied.high is not None
    assert np.isclose(copied.high - copied.low, single.high - single.low, rtol=0.2)
