"""How good a model is on a folder of labelled images: DIR/<label>/<files>.

Figures use the most probable label of every readable image, whether or not the model would have answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import metrics
from core.errors import BadRecipe, NotFound
from core.inference.engine import engine_for
from core.metrics import Probabilities, Truth
from core.sources import Source, Unusable, walk
from core.types import Prediction
from core.workflows.files import FileAnswer, predict_files


@dataclass(frozen=True)
class ParentFigures:
    """Figures of a label that sums up others, against the other labels at a probability of one half. None where one side is missing."""

    accuracy: float
    auroc: float | None


@dataclass(frozen=True)
class Evaluation:
    """What a model reaches on a folder of images; None where nothing can be counted.

    n: images with probabilities. n_failed: files without. auroc: one-vs-rest, mean over the labels.
    ece: expected calibration error of the top label. ece_by_chance: what a perfectly calibrated model would get at this n.
    abstained: share of images whose set is empty or holds every label. coverage, mean_set_size: of the sets, None without calibration.
    accuracy_answered: of the images that the model gives one label for.
    confusion: [truth][answer], in the order of labels. parents: by parent label; images of a folder of that name count there alone.
    """

    n: int
    n_failed: int
    accuracy: float | None
    balanced_accuracy: float | None
    auroc: float | None
    f1_macro: float | None
    ece: float | None
    ece_by_chance: float | None
    abstained: float | None
    coverage: float | None
    mean_set_size: float | None
    accuracy_answered: float | None
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    parents: Mapping[str, ParentFigures]

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        return asdict(self)


@dataclass(frozen=True)
class Labelled:
    """A prediction with probabilities, and the folder that the image lies in: its label or parent label."""

    folder: str
    prediction: Prediction


def evaluate(
    model: str,
    data: Path,
    workspace: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    failed: Callable[[FileAnswer], None] = lambda answer: None,
) -> Evaluation:
    """The figures of a model on DIR/<label>/<files>.

    workspace: where archives are unpacked. progress: told (done, total) in files. failed: told of each file without probabilities.
    Raises NotFound for a missing folder or model, BadRecipe for a folder that is none of the model's labels, or nothing to read.
    """
    engine = engine_for(model)
    labels = engine.model.labels
    parents: Mapping[str, Sequence[str]] = engine.model.config.parents or {}
    files = _files(data, labels, parents, workspace)
    read = []
    for done, ((folder, _), answer) in enumerate(zip(files, predict_files([item for _, item in files], engine), strict=True), start=1):
        progress(done, len(files))
        if answer.prediction is None or answer.prediction.probabilities is None:
            failed(answer)
        else:
            read.append(Labelled(folder, answer.prediction))
    if not read:
        raise BadRecipe(f"{data} holds no image that the model can read.", "Give DIR/<label>/<files>.")
    return _evaluation(read, len(files) - len(read), labels, parents, engine.model.calibration is not None)


def _files(data: Path, labels: Sequence[str], parents: Mapping[str, Sequence[str]], workspace: Path) -> list[tuple[str, Source | Unusable]]:
    """(folder, file) of every file; files beside the folders (an index, a licence) are left alone."""
    if not data.is_dir():
        raise NotFound(f"{data} is not a folder.", "Give the folder that holds one sub-folder for each label.")
    folders = sorted(folder for folder in data.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    known = [*labels, *(parent for parent in parents if parent not in labels)]
    unknown = [folder.name for folder in folders if folder.name not in known]
    if unknown or not folders:
        what = f"the folder {unknown[0]}, which is no label of the model" if unknown else "no folders"
        raise BadRecipe(f"{data} holds {what}.", f"Its folders must be named {', '.join(known)}.")
    return [(folder.name, item) for folder in folders for item in walk([folder], workspace)]


def _evaluation(
    read: Sequence[Labelled], n_failed: int, labels: tuple[str, ...], parents: Mapping[str, Sequence[str]], is_calibrated: bool
) -> Evaluation:
    own = [one for one in read if one.folder in labels]
    truth: Truth = np.array([labels.index(one.folder) for one in own], dtype=np.int64)
    probs = _probabilities(own, len(labels))
    sets = [set(one.prediction.conformal_set) for one in own] if is_calibrated else []
    answered = np.array([one.prediction.prediction is not None for one in own], dtype=bool)
    right = truth == probs.argmax(axis=1)
    return Evaluation(
        n=len(read),
        n_failed=n_failed,
        accuracy=metrics.mean(right),
        balanced_accuracy=metrics.balanced_accuracy(truth, probs),
        auroc=metrics.auroc(truth, probs),
        f1_macro=metrics.f1_macro(truth, probs),
        ece=metrics.calibration_error(truth, probs),
        ece_by_chance=metrics.calibration_error_by_chance(probs),
        abstained=metrics.mean([len(found) in (0, len(labels)) for found in sets]) if is_calibrated else metrics.mean(0 * right),
        coverage=metrics.mean([one.folder in found for one, found in zip(own, sets, strict=True)]) if is_calibrated else None,
        mean_set_size=metrics.mean([len(found) for found in sets]),
        accuracy_answered=metrics.mean(right[answered]),
        labels=labels,
        confusion=metrics.confusion(truth, probs),
        parents={name: _parent(name, members, read, labels) for name, members in parents.items()},
    )


def _parent(name: str, members: Sequence[str], read: Sequence[Labelled], labels: Sequence[str]) -> ParentFigures:
    truth = np.array([one.folder == name or one.folder in members for one in read])
    probs = _probabilities(read, len(labels))[:, [labels.index(member) for member in members]].sum(axis=1)
    return ParentFigures(
        accuracy=float(((probs >= metrics.DECISION) == truth).mean()),
        auroc=metrics.binary_auroc(truth, probs),
    )


def _probabilities(read: Sequence[Labelled], labels: int) -> Probabilities:
    """float32 [images, labels]."""
    rows = [one.prediction.probabilities for one in read if one.prediction.probabilities is not None]
    return np.stack(rows) if rows else np.empty((0, labels), dtype=np.float32)
