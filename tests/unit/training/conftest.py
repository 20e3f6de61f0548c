"""A small data set of drawn images, and a recipe that trains on it in seconds."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

LABELS = ("dark", "bright")
PATIENTS = 16
RECIPE = """
id = "tiny"
labels = ["dark", "bright"]
[parents]
light = ["bright"]
[network]
patch_size = 8
stem = "linear"
pooling = "mean"
hidden_size = 16
num_hidden_layers = 1
num_attention_heads = 2
intermediate_size = 32
hidden_dropout_prob = 0.0
attention_probs_dropout_prob = 0.0
[preprocess]
domain = "radiograph"
size = [16, 16]
channels = ["luminance"]
standardise = "fixed"
mean = [0.5]
std = [0.25]
[data]
split = "{split}"
validation_share = 0.4
read_size = [20, 20]
[augmentation]
zoom = [0.8, 1.0]
noise = 0.02
dropped = [0.0, 0.25]
[schedule]
steps = {steps}
batch_size = 8
learning_rate = 0.003
warmup_steps = 2
averaging = 0.9
checkpoint_every = 4
validate_every = 50
threads = 1
precision = "float32"
[card]
title = "Dark and bright"
task = "classification"
modality = "drawn"
licence = "Apache-2.0"
origin = "Drawn squares of noise, made by the test."
reference = "The test drew them."
failures = "Grey ones were looked at."
comparison = "Of squares divided at random, 0.9 are right."
limits = "It knows two greys. It knows nothing else."
"""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """The images of draw_images, to change at will."""
    return draw_images(tmp_path)


def draw_images(tmp_path: Path) -> Path:
    """DIR/{dark,bright}/person<ID>_<n>.png, two images of each of 16 patients a label, and index.csv with a place for each."""
    random = np.random.default_rng(0)
    rows = []
    for index, label in enumerate(LABELS):
        (tmp_path / "images" / label).mkdir(parents=True)
        for patient in range(PATIENTS):
            for take in range(2):
                name = f"{label}/person{index * PATIENTS + patient}_{take}.png"
                pixels = np.clip(random.normal(80 + 90 * index, 20, (24, 24)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / "images" / name)
                rows.append((name, 40.0 + patient % 4, patient))
    with (tmp_path / "images" / "index.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(("file", "latitude", "longitude"))
        writer.writerows(rows)
    return tmp_path / "images"


def lamps(tmp_path: Path) -> Path:
    """Images of twelve patients by the parent label `light` or the label `dark`; two of the patients have boxes."""
    folder = tmp_path / "lamps"
    rows = ["file,patient,boxes"]
    for name in ("light", "dark"):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            for take in range(2):
                pixels = np.random.default_rng([number, take, len(name)]).integers(0, 255, (8, 8), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / name / f"{number}{take}.png")
                boxes = '"[[""lamp"", 1, 1, 2, 2]]"' if name == "light" and number in (3, 8) and take == 0 else "[]"
                rows.append(f"{name}/{number}{take}.png,p{number},{boxes}")
    (folder / "index.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    """A recipe of 12 steps, divided by patient."""
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE.format(split="patient", steps=12))
    return path
