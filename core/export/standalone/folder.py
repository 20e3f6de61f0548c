"""A model as one folder that runs by onnxruntime alone, with its card and its licence inside."""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from core.export.staging import staged
from core.export.standalone.graph import INPUT, latency_ms, needed, shape_of, write_graph
from core.export.standalone.item import stac_item
from core.export.standalone.words import CONTENTS, readme
from core.inference.runtimes.measured import PROCESSORS
from core.prepare.tensor import SMALLEST_DEVIATION
from core.settings import PROJECT
from models.registry import CARD, LoadedModel

GRAPH, ABOUT, OUTSIDE_FILE, ITEM, EXAMPLE, STATISTICS = (
    "model.onnx",
    "model.json",
    "outside.npz",
    "item.json",
    "run.py",
    "image_statistics.py",
)
CARD_COPY, README, LICENCE, NOTICE = "CARD.md", "README.md", "LICENSE", "NOTICE"
OURS = "Apache-2.0"
"""Licence of weights that have no LICENSE of their own beside them: the project's."""
MEDIA_TYPES = {".onnx": "application/octet-stream", ".json": "application/json", ".npz": "application/octet-stream", ".py": "text/x-python"}


@dataclass(frozen=True)
class Standalone:
    """What was written. size: bytes of all files. latency_ms: of one image on one core of this machine."""

    folder: Path
    files: tuple[str, ...]
    size: int
    latency_ms: float


def write_standalone(model: LoadedModel, out: Path) -> Standalone:
    """Write the folder; all of it appears at once. model: of one image, whose network is opened here.

    Raises InputError where onnx or onnxruntime is missing, CannotWrite.
    """
    onnx, onnxruntime = needed()
    with staged(out) as folder:
        write_graph(model, folder / GRAPH)
        _write_json(folder / ABOUT, _about(model))
        _write_detector(model, folder / OUTSIDE_FILE)
        _write_code(folder)
        _copy_papers(model, folder)
        milliseconds = latency_ms(folder / GRAPH, shape_of(model))
        files = {file.name: (_media_type(file), CONTENTS[file.name], file.stat().st_size) for file in sorted(folder.glob("[!.]*"))}
        numbers = sum(parameter.numel() for parameter in model.network.parameters())
        _write_json(folder / ITEM, stac_item(model, datetime.now(UTC), files, numbers, onnx.__version__))
        size = sum(size for _, _, size in files.values()) + (folder / ITEM).stat().st_size
        words = readme(model, [*files, ITEM], size, milliseconds, _processor(), onnxruntime.__version__)
        (folder / README).write_text(words, encoding="utf-8")
        names = tuple(sorted((*files, ITEM, README)))
    return Standalone(out, names, sum((out / name).stat().st_size for name in names), milliseconds)


def _about(model: LoadedModel) -> dict[str, Any]:
    """model.json: all that stands before and behind the network."""
    known, calibration, detector = model.preprocess, model.calibration, model.ood_detector
    return {
        "model": model.id,
        "title": model.card.title,
        "weights": model.weights_hash,
        "knows": model.card.knows,
        "labels": list(model.labels),
        "parents": {name: list(members) for name, members in (model.config.parents or {}).items()},
        "input": {
            "name": INPUT,
            "channels": list(known.channels),
            "size": list(known.size),
            "standardise": known.standardise,
            "mean": list(known.mean),
            "std": list(known.std),
            "least_deviation": SMALLEST_DEVIATION,
            "test_time_augmentation": known.test_time_augmentation,
            "reflectance_top": known.reflectance_top,
            "ground_sample_distance_m": known.ground_sample_distance_m,
            "pixel_spacing_mm": known.pixel_spacing_mm,
        },
        "calibration": None if calibration is None else dict(vars(calibration)),
        "outside": None if detector is None else {"threshold": detector.threshold},
    }


def _write_detector(model: LoadedModel, path: Path) -> None:
    detector = model.ood_detector
    if detector is None:
        return
    arrays: dict[str, Any] = {"mean": detector.mean, "whitening": detector.whitening}
    if detector.svm is not None:
        svm = detector.svm
        arrays |= {"examples": svm.examples, "weights": svm.weights, "reach": np.float64(svm.reach), "offset": np.float64(svm.offset)}
    np.savez_compressed(path, **arrays)


def _write_code(folder: Path) -> None:
    shutil.copyfile(Path(__file__).with_name("run.py.txt"), folder / EXAMPLE)
    code = (PROJECT / "models" / STATISTICS).read_text(encoding="utf-8")
    alone = code.replace("from core.types import FloatImage\n", "FloatImage = NDArray[np.float32]\n")
    (folder / STATISTICS).write_text(alone, encoding="utf-8")


def _copy_papers(model: LoadedModel, folder: Path) -> None:
    """Card, licence, and whose work the weights began with, as far as they are there."""
    if (model.folder / CARD).is_file():
        shutil.copyfile(model.folder / CARD, folder / CARD_COPY)
    is_ours = model.card.licence.startswith(OURS)
    for name in (LICENCE, NOTICE):
        source = model.folder / name
        if source.is_file() or is_ours:
            shutil.copyfile(source if source.is_file() else PROJECT / name, folder / name)


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _media_type(file: Path) -> str:
    return MEDIA_TYPES.get(file.suffix, "text/markdown" if file.suffix == ".md" else "text/plain")


def _processor() -> str:
    """The name of the processor, as the system tells it."""
    text = PROCESSORS.read_text(encoding="utf-8", errors="replace") if PROCESSORS.is_file() else ""
    named = next((line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")), "")
    return named or platform.processor() or platform.machine()
