"""A whole change model folder with a tiny random network, and a small scene of one place at two dates with every band that it reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from rasterio.transform import Affine

from core.readers import read_scene
from core.types import Scene
from models.bert_image import BertImageChangeConfig, BertImageForChangeDetection
from tests.tiny import CARD
from tests.unit.readers.scenes.geotiff_files import write_geotiff

SIDE = 32
CHANNELS = ("blue", "green", "red", "near infrared", "short-wave infrared 1", "short-wave infrared 2")
BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")
LEVELS = (500, 600, 700, 1800, 1500, 1000)
"""Digital numbers of a field."""
STEEPNESS, MIDDLE = 4.0, 2.0
"""The telling network's logit a deviation, and the mean difference of the bands, in deviations, at which it is 0."""
GRID = Affine(10, 0, 448_000.0, 0, -10, 5_411_000.0)
"""A place near Paris in EPSG:32631."""
BLOCK = (slice(40, 64), slice(32, 60))
"""Rows and columns of what is built between the dates."""


def tiny_change_network(seed: int = 0) -> BertImageForChangeDetection:
    """The network alone, in evaluation mode, the same for the same seed."""
    config = BertImageChangeConfig(
        image_size=SIDE,
        num_channels=len(CHANNELS),
        patch_size=4,
        stem_channels=[8, 16],
        stem_blocks=[0, 0],
        decoder_channels=[8, 8],
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        id2label={0: "unchanged", 1: "changed"},
        label2id={"unchanged": 0, "changed": 1},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BertImageForChangeDetection(config).eval()


@torch.no_grad()
def telling(network: BertImageForChangeDetection) -> BertImageForChangeDetection:
    """The network with a head that reads nothing but how far the bands of each pixel differ, so that its answer is known beforehand."""
    for layer in (network.pixels, network.classifier):
        layer.weight.zero_()
        layer.bias.zero_()
    first = network.config.decoder_channels[0]
    for place in range(4):  # of the four pixels that lie in one place of the map
        network.pixels.weight[place, first + place :: 4, 1, 1] = 1.0 / len(CHANNELS)
        network.classifier.weight[place, place, 1, 1] = STEEPNESS
    network.classifier.bias.fill_(-STEEPNESS * MIDDLE)
    return network


def write_tiny_change_model(folder: Path, *, calibrated: bool = True, threshold: float = 0.5, seed: int = 0) -> Path:
    """Write config.json, model.safetensors, preprocess.json, calibration.json and README.md. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    transformers.utils.logging.disable_progress_bar()
    telling(tiny_change_network(seed)).save_pretrained(folder)
    preprocess = {
        "domain": "change",
        "size": [SIDE, SIDE],
        "channels": list(CHANNELS),
        "standardise": "scene",
        "ground_sample_distance_m": 10.0,
    }
    (folder / "preprocess.json").write_text(json.dumps(preprocess), encoding="utf-8")
    if calibrated:
        calibration = {"temperature": 1.0, "offset": 0.0, "threshold": threshold}
        (folder / "calibration.json").write_text(json.dumps(calibration), encoding="utf-8")
    card = CARD.format(title="Tiny change model", modality="Sentinel-2").replace('"classification"', '"change"')
    (folder / "README.md").write_text(card, encoding="utf-8")
    return folder


def field(seed: int = 3, size: tuple[int, int] = (104, 96)) -> NDArray[np.uint16]:
    """[6, rows, columns]: a land with texture."""
    texture = np.random.default_rng(seed).normal(0.0, 60.0, (len(LEVELS), *size))
    return np.clip(np.array(LEVELS)[:, None, None] + texture, 1, 6000).astype(np.uint16)


def built(pixels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The same land with a bright block on it."""
    changed = pixels.copy()
    changed[:, *BLOCK] = 4000
    return changed


def scene_of(
    path: Path, pixels: NDArray[np.uint16], transform: Affine = GRID, bands: tuple[str, ...] = BANDS, nodata: int | None = None
) -> Scene:
    """Written and read back; bands: which of BANDS are written."""
    chosen = pixels[[BANDS.index(band) for band in bands]]
    return read_scene([write_geotiff(path, chosen, transform=transform, crs="EPSG:32631", descriptions=bands, nodata=nodata)])


def two_dates(folder: Path) -> tuple[Scene, Scene]:
    """A field, and the same with a block built on it."""
    return scene_of(folder / "before.tif", field()), scene_of(folder / "after.tif", built(field(seed=4)))
