"""A whole model folder with a tiny random network, for tests that need a model and not its knowledge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file

from core.types import Domain
from models.bert_image import BertImageConfig, BertImageForImageClassification
from models.image_statistics import statistics_length

SIDE, PATCH, WIDTH, LAYERS, HEADS = 32, 8, 32, 2, 4
LABELS = {
    Domain.RADIOGRAPH: ("normal", "bacterial-pneumonia", "viral-pneumonia"),
    Domain.LAND_COVER: (
        "AnnualCrop", "Forest", "HerbaceousVegetation", "Highway", "Industrial",
        "Pasture", "PermanentCrop", "Residential", "River", "SeaLake",
    ),
    Domain.CHEST_CT: ("no-nodule", "nodule"),
}  # fmt: skip
PREPROCESS: dict[Domain, dict[str, Any]] = {
    Domain.RADIOGRAPH: {
        "domain": "radiograph",
        "size": [SIDE, SIDE],
        "channels": ["luminance"],
        "standardise": "image",
        "age_years": [1.0, 5.0],
        "modalities": ["CR", "DX"],
        "body_parts": ["CHEST"],
        "views": ["AP", "PA"],
    },
    Domain.LAND_COVER: {
        "domain": "land-cover",
        "size": [SIDE, SIDE],
        "channels": ["red", "green", "blue"],
        "standardise": "fixed",
        "mean": [0.35, 0.38, 0.41],
        "std": [0.2, 0.14, 0.12],
        "ground_sample_distance_m": 10.0,
        "reflectance_top": 0.275,
    },
    Domain.CHEST_CT: {
        "domain": "chest-ct",
        "size": [SIDE, SIDE],
        "channels": ["luminance"],
        "standardise": "image",
        "modalities": ["CT"],
        "body_parts": ["CHEST"],
        "pixel_spacing_mm": 0.7,
        "test_time_augmentation": True,
    },
}
HEADS_OF_CT: dict[str, Any] = {"heads": {"malignancy": ["benign", "malignant"]}, "token_heads": {"place": ["elsewhere", "nodule"]}}
MODALITIES = {Domain.RADIOGRAPH: "CR, DX", Domain.LAND_COVER: "Sentinel-2, red, green, blue, 10 m", Domain.CHEST_CT: "CT"}
CARD = """---
title: "{title}"
task: "classification"
modality: "{modality}"
licence: "Apache-2.0"
metrics: {{"accuracy": 0.5}}
---
# {title}

## Training data

None: the weights are random.

## Limits

- It knows nothing.
"""
FAR = 1e6
"""An outside threshold that nothing reaches."""
SPREAD = 0.3
"""Deviation of the initial weights: large enough that the labels differ between images."""


def write_tiny_model(
    folder: Path, domain: Domain = Domain.RADIOGRAPH, *, pooling: str = "mean", calibrated: bool = True, seed: int = 0, **changes: Any
) -> Path:
    """Write config.json, model.safetensors, preprocess.json, calibration.json, outside.safetensors and README.md. Returns the folder.

    The input is 32 x 32 px in patches of 8; whatever is shown to it lies inside. Without `calibrated` there is no calibration.json.
    changes: of the configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    transformers.utils.logging.disable_progress_bar()
    network = tiny_network(domain, pooling=pooling, seed=seed, **changes)
    network.save_pretrained(folder)
    (folder / "preprocess.json").write_text(json.dumps(PREPROCESS[domain]), encoding="utf-8")
    if calibrated:
        calibration = {"temperature": 1.5, "conformal_threshold": 0.75, "coverage": 0.9}
        (folder / "calibration.json").write_text(json.dumps(calibration), encoding="utf-8")
    dimensions = (network.config.num_hidden_layers + 1) * WIDTH + statistics_length(len(PREPROCESS[domain]["channels"]))
    whitening = np.random.default_rng(seed).normal(0.0, dimensions**-0.5, (dimensions, 8)).astype(np.float32)
    threshold = np.array([FAR], dtype=np.float32)
    outside = {"mean": np.zeros(dimensions, np.float32), "whitening": whitening, "threshold": threshold}
    save_file(outside, folder / "outside.safetensors")
    card = CARD.format(title=f"Tiny {domain.value} model", modality=MODALITIES[domain])
    (folder / "README.md").write_text(card, encoding="utf-8")
    return folder


def tiny_network(
    domain: Domain = Domain.RADIOGRAPH, *, pooling: str = "mean", seed: int = 0, **changes: Any
) -> BertImageForImageClassification:
    """The network alone, in evaluation mode, the same for the same seed. changes: of the configuration."""
    labels = LABELS[domain]
    sizes: dict[str, Any] = dict(
        image_size=SIDE,
        patch_size=PATCH,
        num_channels=len(PREPROCESS[domain]["channels"]),
        pooling=pooling,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=2 * WIDTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=SPREAD,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        **(HEADS_OF_CT if domain is Domain.CHEST_CT else {}),
    )
    config = BertImageConfig(**{**sizes, **changes})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BertImageForImageClassification(config).eval()
