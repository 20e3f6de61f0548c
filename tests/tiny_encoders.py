"""Tiny checkpoints of other families with random weights, as transformers saves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import (
    BeitConfig,
    BeitForImageClassification,
    DeiTConfig,
    DeiTForImageClassification,
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersForImageClassification,
    DINOv3ViTConfig,
    PreTrainedModel,
    SwinConfig,
    SwinForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

from models.encoders.dinov3 import DINOv3ViTForImageClassification

FAMILIES = ("vit", "deit", "beit", "swin", "dinov2", "dinov2_with_registers", "dinov3_vit")
REGISTERS = 3
SIDE, PATCH, WIDTH, LAYERS, HEADS = 32, 8, 16, 2, 2
LABELS = ("cat", "dog", "crane")
SPREAD = 0.3
"""Deviation of the initial weights: large enough that the labels differ between images."""
PLAIN: dict[str, Any] = {
    "image_size": SIDE, "patch_size": PATCH, "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
    "initializer_range": SPREAD, "id2label": dict(enumerate(LABELS)), "label2id": {label: index for index, label in enumerate(LABELS)},
}  # fmt: skip
PROCESSOR: dict[str, Any] = {
    "do_resize": True, "size": {"height": SIDE, "width": SIDE}, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
    "image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.25, 0.2],
}  # fmt: skip


def write_tiny_encoder(folder: Path, family: str = "vit", *, seed: int = 0, **changes: Any) -> Path:
    """Write config.json, model.safetensors and preprocessor_config.json of a family. changes: of its configuration. Returns the folder."""
    transformers.utils.logging.disable_progress_bar()
    tiny_encoder(family, seed=seed, **changes).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR), encoding="utf-8")
    return folder


def tiny_encoder(family: str, *, seed: int = 0, **changes: Any) -> PreTrainedModel:
    """The network of transformers itself, in evaluation mode: 32 x 32 px in patches of 8 (of Swin 4, merged once)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _made(family, {**PLAIN, **changes}).eval()
        with torch.no_grad():
            for value in network.parameters():
                value.add_(torch.randn_like(value) * SPREAD / 3)  # a layer norm of tokens that begin as zeros would have no gradient
        return network


def _made(family: str, facts: dict[str, Any]) -> PreTrainedModel:
    if family == "vit":
        return ViTForImageClassification(ViTConfig(intermediate_size=2 * WIDTH, **facts))
    if family == "deit":
        return DeiTForImageClassification(DeiTConfig(intermediate_size=2 * WIDTH, **facts))
    if family == "beit":
        config = BeitConfig(intermediate_size=2 * WIDTH, use_relative_position_bias=True, layer_scale_init_value=0.5, **facts)
        return BeitForImageClassification(config)
    if family == "dinov2":
        return Dinov2ForImageClassification(Dinov2Config(mlp_ratio=2, **facts))
    if family == "dinov2_with_registers":
        return Dinov2WithRegistersForImageClassification(Dinov2WithRegistersConfig(mlp_ratio=2, num_register_tokens=REGISTERS, **facts))
    if family == "dinov3_vit":
        return DINOv3ViTForImageClassification(DINOv3ViTConfig(intermediate_size=2 * WIDTH, num_register_tokens=REGISTERS, **facts))
    windows = {"patch_size": 4, "embed_dim": WIDTH // 2, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4, "mlp_ratio": 2.0}
    plain = {key: value for key, value in facts.items() if key not in ("hidden_size", "num_hidden_layers", "num_attention_heads")}
    return SwinForImageClassification(SwinConfig(**{**plain, **windows}))


def written(folder: Path, name: str, **changes: object) -> None:
    """Other values in a JSON file; None takes one away."""
    values = {**json.loads((folder / name).read_text()), **changes} if (folder / name).is_file() else changes
    (folder / name).write_text(json.dumps({key: value for key, value in values.items() if value is not None}))
