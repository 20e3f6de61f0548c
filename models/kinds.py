"""The kinds of networks that are read, by model_type of config.json: our own, and the families of transformers beside them.

Their names alone, so that a list of models is shown without the libraries that compute them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CLASSIFIER, CHANGE = "bert_image", "bert_image_change"
OWN = (CLASSIFIER, CHANGE)
TEXT = "bert"
"""model_type of a network that reads words."""


@dataclass(frozen=True)
class Kind:
    """A family of transformers.

    has_attention: whether every token attends to every other, so that there are matrices to multiply; Swin attends within windows.
    """

    name: str
    has_attention: bool = True


ENCODERS: Mapping[str, Kind] = MappingProxyType(
    {
        "vit": Kind("ViT"),
        "deit": Kind("DeiT"),
        "beit": Kind("BEiT"),
        "swin": Kind("Swin", has_attention=False),
        "dinov2": Kind("DINOv2"),
        "dinov2_with_registers": Kind("DINOv2 with registers"),
        "dinov3_vit": Kind("DINOv3"),
    }
)
NAMES = ", ".join(kind.name for kind in ENCODERS.values())
