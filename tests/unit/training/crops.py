"""Drawn crops of CT for tests of training: a bright disc in the middle of a dark, noisy square, with what readers drew, and their index."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 72
PATIENTS = 14
RECIPE = """
id = "tiny-ct"
labels = ["no-nodule", "nodule"]
[network]
patch_size = 8
stem = "convolution"
stem_channels = [4, 8, 16]
stem_blocks = [0, 0, 0]
pooling = "mean"
hidden_size = 16
num_hidden_layers = 1
num_attention_heads = 2
intermediate_size = 32
hidden_dropout_prob = 0.0
attention_probs_dropout_prob = 0.0
[network.heads]
malignancy = ["benign", "malignant"]
[network.token_heads]
place = ["elsewhere", "nodule"]
[preprocess]
domain = "chest-ct"
size = [24, 24]
channels = ["luminance"]
standardise = "image"
modalities = ["CT"]
body_parts = ["CHEST"]
pixel_spacing_mm = 0.7
[data]
layout = "nodules"
split = "patient"
validation_share = 0.45
read_size = [72, 72]
[augmentation]
zoom = [0.9, 1.1]
turns = true
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
title = "Discs"
task = "classification"
modality = "CT"
licence = "Apache-2.0"
origin = "Drawn discs, made by the test."
limits = "It knows discs. It knows nothing else."
"""


def draw_crops(folder: Path) -> Path:
    """DIR/<patient>/nodule-0_slice-<n>.jpg, ..._readers.png and index.csv: two crops a patient.

    The disc is 6 px wide, or 12 where it is rated malignant; every seventh patient's was drawn by one reader alone.
    """
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    lines = []
    for patient in range(PATIENTS):
        name, is_malignant = f"P-{patient:02d}", patient % 2 == 1
        readers = 1 if patient % 7 == 6 else 4
        disc = np.hypot(rows, columns) <= (6.0 if is_malignant else 3.0)
        (folder / name).mkdir(parents=True)
        for take in range(2):
            stem = f"{name}/nodule-0_slice-{take}"
            pixels = np.clip(random.normal(60, 12, (SIDE, SIDE)) + 150 * disc, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{stem}.jpg", quality=95)
            Image.fromarray((disc * readers).astype(np.uint8)).save(folder / f"{stem}_readers.png")
            lines.append((f"{stem}.jpg", name, readers, 5 if is_malignant else 1))
    with (folder / "index.csv").open("w", newline="") as index:
        writer = csv.writer(index)
        writer.writerow(("file", "patient", "most_readers", "malignancy_1_to_5_or_ambiguous"))
        writer.writerows(lines)
    return folder
