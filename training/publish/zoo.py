"""Writes a model folder: weights in half precision, configuration, preprocessing, calibration, the outside model."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors
from torch import Tensor

from core.types import Calibration, ChangeCalibration, Preprocess
from models.bert_image import BertImageForChangeDetection, BertImageForMaskedImageModelling
from models.classifiers import Classifier, open_classifier
from models.encoders import ImageEncoderForClassification
from models.folder import QUANTISED
from models.registry import CALIBRATION, CONFIG, OUTSIDE, PREPROCESS, WEIGHTS, OodDetector, read_preprocess

Network = Classifier | BertImageForChangeDetection | BertImageForMaskedImageModelling


def write_network(folder: Path, network: Network, preprocess: Preprocess) -> None:
    """config.json (float32 at run time), model.safetensors (float16), preprocess.json. A quantised form of earlier weights goes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / QUANTISED).unlink(missing_ok=True)
    plain = network.inner if isinstance(network, ImageEncoderForClassification) else network
    halves = {name: _half(value) for name, value in plain.state_dict().items()}
    if plain is network:
        save_tensors(halves, folder / WEIGHTS, metadata={"format": "pt"})
    else:  # under the names that transformers gives the weights in files
        plain.save_pretrained(folder, state_dict=halves)
    config = plain.config.to_dict() | {"dtype": "float32", "architectures": [type(plain).__name__]}
    write_json(folder / CONFIG, {key: value for key, value in config.items() if key not in ("_name_or_path", "transformers_version")})
    write_json(folder / PREPROCESS, {key: value for key, value in asdict(preprocess).items() if value not in (None, (), False)})


def _half(value: Tensor) -> Tensor:
    return (value.half() if value.is_floating_point() else value).contiguous().clone()


def write_calibration(folder: Path, calibration: Calibration | ChangeCalibration) -> None:
    """calibration.json."""
    write_json(folder / CALIBRATION, asdict(calibration))


def write_ood_detector(folder: Path, outside: OodDetector) -> None:
    """outside.safetensors: arrays as the model has them, the support vectors as float16, numbers as float64 of one element."""
    arrays = {"mean": outside.mean, "whitening": outside.whitening, "threshold": np.array([outside.threshold], dtype=np.float64)}
    svm = outside.svm
    if svm is not None:
        arrays |= {"examples": svm.examples.astype(np.float16), "weights": svm.weights}
        arrays |= {"reach": np.array([svm.reach], dtype=np.float64), "offset": np.array([svm.offset], dtype=np.float64)}
    save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, folder / OUTSIDE)


def write_json(path: Path, value: Any) -> None:
    """Readable, keys as they come."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def loaded_back(folder: Path) -> Classifier:
    """The network as users will load it, so that figures belong to the weights that are shipped."""
    return open_classifier(folder, read_preprocess(folder))
