"""The image transformers of transformers that are read beside our own: what each family calls things, and how its head reads the tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from transformers import (
    BeitForImageClassification,
    DeiTForImageClassification,
    DeiTForImageClassificationWithTeacher,
    Dinov2ForImageClassification,
    Dinov2WithRegistersForImageClassification,
    PretrainedConfig,
    PreTrainedModel,
    SwinForImageClassification,
    ViTForImageClassification,
)

from models.encoders.dinov3 import DINOv3ViTForImageClassification
from models.kinds import ENCODERS

WITH_TEACHER = "DeiTForImageClassificationWithTeacher"


@dataclass(frozen=True)
class Family:
    """One family of models.kinds.ENCODERS, which has its name.

    network: the classifier. prefix_tokens: tokens before the patches, registers aside ([CLS], and a distillation token).
    interpolates_when_told: whether other sizes than the one learned must be announced to its forward pass.
    """

    network: type[PreTrainedModel]
    prefix_tokens: int = 1
    interpolates_when_told: bool = False


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "vit": Family(ViTForImageClassification, interpolates_when_told=True),
        "deit": Family(DeiTForImageClassification, prefix_tokens=2, interpolates_when_told=True),
        "beit": Family(BeitForImageClassification),
        "swin": Family(SwinForImageClassification, prefix_tokens=0, interpolates_when_told=True),
        "dinov2": Family(Dinov2ForImageClassification),
        "dinov2_with_registers": Family(Dinov2WithRegistersForImageClassification),
        "dinov3_vit": Family(DINOv3ViTForImageClassification),
    }
)
"""By model_type of config.json. Dosovitskiy et al. 2021; Touvron et al. 2021; Bao et al. 2022; Liu et al. 2021; Oquab et al. 2024;
Darcet et al. 2024 (registers); Simeoni et al. 2025."""

WIDEST_EMBEDDING = 4096
"""Numbers of an embedding. The OOD detector inverts a matrix of that side, so of a deep and wide network some layers must do."""


@dataclass
class EncoderConfig:
    """What is asked of the configuration of a classifier, in the names of BertImageConfig.

    It is not frozen, since transformers' Trainer notes things on it.
    image_size: (rows, columns) of the input in pixels. patch_size: pixels a side of a token after the last layer (Swin merges tokens).
    prefix_tokens: tokens before the patches, by name in prefix_names.
    pooling: what the head reads: "cls"; "mean" (the mean of the tokens, whose logits exist for each of them); "distilled" ([CLS] and the
        distillation token alike); "cls-and-mean" ([CLS] beside the mean of the patches); "mean-then-norm" (the mean of the patches, put
        through a layer norm, so that no token has logits).
    hidden_size: width after the last layer. num_hidden_layers: layers of attention.
    embedded: which hidden states make the embedding (0: before the first layer). embedding_size: its numbers.
    inner: the family's own configuration.
    """

    family: str
    image_size: tuple[int, int]
    patch_size: int
    num_channels: int
    pooling: str
    prefix_tokens: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    embedded: tuple[int, ...]
    embedding_size: int
    has_attention: bool
    parents: dict[str, list[str]] | None
    inner: PretrainedConfig = field(repr=False)
    heads: None = None
    token_heads: None = None

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of tokens, without those before the patches."""
        return self.image_size[0] // self.patch_size, self.image_size[1] // self.patch_size

    @property
    def prefix_names(self) -> tuple[str, ...]:
        """What the tokens before the patches are called, in their order."""
        first = ("[CLS]", "distillation") if self.inner.model_type == "deit" else ("[CLS]",)
        registers = tuple(f"register {number}" for number in range(1, registers_of(self.inner) + 1))
        return (first + registers)[: self.prefix_tokens]

    @property
    def auxiliary_heads(self) -> dict[str, list[str]]:
        """Labels of heads beside the main one: there are none."""
        return {}

    @property
    def _attn_implementation(self) -> str:
        """The attention function in use, as transformers names it; models.bert_image.attention_captured reads it."""
        return str(self.inner._attn_implementation)


def encoder_config(inner: PretrainedConfig, size: tuple[int, int], is_distilled: bool = False) -> EncoderConfig:
    """The facts of a family's configuration for an input of `size` (rows, columns). is_distilled: whether it has a head for either token.

    Raises ValueError for patches that are no squares.
    """
    family, kind = FAMILIES[inner.model_type], ENCODERS[inner.model_type]
    widths = _widths(inner)
    embedded = _embedded(widths)
    heads = inner.num_attention_heads
    return EncoderConfig(
        family=kind.name,
        image_size=size,
        patch_size=side_of(inner.patch_size) * (2 ** (len(inner.depths) - 1) if inner.model_type == "swin" else 1),
        num_channels=inner.num_channels,
        pooling="distilled" if is_distilled else _pooling(inner),
        prefix_tokens=family.prefix_tokens + registers_of(inner),
        hidden_size=widths[-1],
        num_hidden_layers=sum(inner.depths) if inner.model_type == "swin" else inner.num_hidden_layers,
        num_attention_heads=heads[-1] if isinstance(heads, (list, tuple)) else heads,
        embedded=embedded,
        embedding_size=sum(widths[place] for place in embedded),
        has_attention=kind.has_attention,
        parents=getattr(inner, "parents", None),
        inner=inner,
    )


def network_of(config: Mapping[str, Any]) -> type[PreTrainedModel]:
    """The classifier that config.json names: DeiT has one with a head for either of its two tokens."""
    is_distilled = config.get("model_type") == "deit" and WITH_TEACHER in (config.get("architectures") or ())
    return DeiTForImageClassificationWithTeacher if is_distilled else FAMILIES[config["model_type"]].network


def registers_of(inner: PretrainedConfig) -> int:
    """Tokens between [CLS] and the patches that belong to no place, where attention is parked (Darcet et al. 2024)."""
    return int(getattr(inner, "num_register_tokens", 0))


def side_of(size: Any) -> int:
    """A number, or the one that both sides share. Raises ValueError."""
    sides = set(size) if isinstance(size, (list, tuple)) else {size}
    if len(sides) != 1:
        raise ValueError(f"patch_size is {size}; patches must be squares")
    return int(sides.pop())


def _pooling(inner: PretrainedConfig) -> str:
    if inner.model_type == "beit":
        return "mean-then-norm" if inner.use_mean_pooling else "cls"
    if inner.model_type.startswith("dinov"):
        return "cls-and-mean"
    return "mean" if inner.model_type == "swin" else "cls"


def _widths(inner: PretrainedConfig) -> list[int]:
    """Of each hidden state: before the first layer, and after each layer (of Swin, each stage, whose tokens are merged at its end)."""
    if inner.model_type != "swin":
        return [inner.hidden_size] * (inner.num_hidden_layers + 1)
    stages = len(inner.depths)
    return [inner.embed_dim * 2 ** min(stage, stages - 1) for stage in range(stages + 1)]


def _embedded(widths: list[int]) -> tuple[int, ...]:
    """As many hidden states as fit into the widest embedding, from the first to the last and evenly between; at least the last."""
    for count in range(len(widths), 1, -1):
        places = tuple(round(step * (len(widths) - 1) / (count - 1)) for step in range(count))
        if sum(widths[place] for place in places) <= WIDEST_EMBEDDING:
            return places
    return (len(widths) - 1,)
