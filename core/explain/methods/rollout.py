"""Attention rollout: how much of each patch reaches the readout through all layers.

Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers", section 3. Class-agnostic: the same map for every label.

Layers with windows have 0 between windows, and linear attention has the matrix that its features imply. Where tokens are merged, the new
token is taken as the mean of the old ones: what a merge makes of each of them is not attention, and is left aside as the value vectors are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import NoAttention
from core.explain.evidence import MethodResult
from core.explain.forward import network_logits, to_device
from core.inference.engine import Engine
from core.types import ModelInput, Progress, Target, TokenMap
from models.bert_image import BertImageConfig, attention_captured
from models.bert_image.blocks import Blocks
from models.bert_image.merging import merges_of
from models.registry import LoadedModel


def explain_rollout(engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress) -> MethodResult:
    """Token values as they come out of the product, unscaled: of the readout, or the mean of the rows of the target's tokens.

    Its label does not matter.

    Raises NoAttention.
    """
    rows, columns = (side // size for side, size in zip(given.values.shape[1:], engine.model.patch, strict=True))
    pooling = engine.model.network.config.pooling

    def work(model: LoadedModel) -> Tensor:
        joint = joint_attention(model, to_device(model, given.values[np.newaxis]))
        prefix = model.network.config.prefix_tokens
        if target.tokens is None:
            return read_out(joint, pooling, prefix).cpu()
        grid = joint[prefix:, prefix:].reshape(rows, columns, rows * columns)
        return grid[target.tokens].mean(dim=(0, 1)).cpu()

    values = engine.run(work).numpy().reshape(rows, columns).astype(np.float32)
    progress(1, 1)
    tokens = TokenMap(values, engine.model.patch)
    used = {**parameters, "readout": "token" if target.token else "region" if target.region else pooling}
    return MethodResult(tokens.at_pixels(), used, forwards=1, tokens=tokens)


def joint_attention(model: LoadedModel, values: Tensor) -> Tensor:
    """float64 [tokens, tokens]: the product over all layers for one input [1, channels, rows, columns]; rows sum to 1.

    Rows are the tokens that are read out, columns those of the stem. Where tokens were merged, all of a block have the row of its token.
    Each layer is folded in as soon as it is formed, so one matrix is held at a time however deep the network is. Raises NoAttention.
    """
    joint: Tensor | None = None
    depth, merges = 0, merges_in(model, values)
    with torch.no_grad(), attention_captured(model.network) as captured:

        def fold(*_: object) -> None:
            nonlocal joint, depth
            while captured:
                joint, depth = followed_by(joint, captured.pop(0)[0]), depth + 1
                joint = merged(joint, merges[depth]) if depth in merges else joint

        hooks = [layer.register_forward_hook(fold) for layer in _layers(model.network)]
        try:
            network_logits(model, values)
        finally:
            for hook in hooks:
                hook.remove()
    if joint is None:
        raise NoAttention(f"The model {model.id} formed no attention matrix.", "Choose a method that needs none: occlusion.")
    for blocks in reversed(merges.values()):
        joint = joint[blocks.block_of]
    return joint


def followed_by(joint: Tensor | None, attention: Tensor) -> Tensor:
    """One more layer: attention [heads, tokens, tokens], rows summing to 1, after the product of the layers before it (None for none)."""
    flow = attention.double().mean(dim=0)  # [tokens, tokens]
    flow = flow + torch.eye(len(flow), dtype=flow.dtype, device=flow.device)  # the residual connection
    flow = flow / flow.sum(dim=-1, keepdim=True)
    return flow if joint is None else flow @ joint


def merged(joint: Tensor, blocks: Blocks) -> Tensor:
    """A merge of tokens after the layers before it: [tokens, stem tokens] -> [blocks, stem tokens], the mean over each block's tokens."""
    sums = joint.new_zeros(len(blocks.members), joint.shape[1]).index_add(0, blocks.block_of, joint)
    return sums / blocks.sizes[:, None]


def merges_in(model: LoadedModel, values: Tensor) -> dict[int, Blocks]:
    """Number of a layer, from 1 -> the blocks of tokens that the network merges after it. values: [batch, channels, rows, columns]."""
    config = model.network.config
    if not isinstance(config, BertImageConfig):
        return {}
    (height, width), (rows, columns) = model.patch, values.shape[2:]
    return merges_of(config, (rows // height, columns // width), values.device)


def read_out(joint: Tensor, pooling: str, prefix: int) -> Tensor:
    """[tokens, tokens] -> [patches]: the rows of the tokens that the head reads, weighted as it weights them.

    pooling: "cls" ([CLS]), "distilled" ([CLS] and the distillation token), "cls-and-mean" ([CLS] and the mean of the patches, alike); of
    every other the mean of the patches.
    """
    patches = joint[prefix:].mean(dim=0)
    rows = {"cls": joint[0], "distilled": joint[:2].mean(dim=0), "cls-and-mean": (joint[0] + patches) / 2}
    return rows.get(pooling, patches)[prefix:]


def _layers(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if hasattr(module, "attention_head_size")]
