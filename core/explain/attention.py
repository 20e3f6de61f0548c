"""Attention between the tokens of one image, as the network formed it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.errors import NoAttention
from core.explain.forward import network_logits, to_device
from core.explain.readout import merges_in
from core.explain.targets import network_score
from core.inference.engine import Engine
from core.types import Capability, FloatImage, ModelInput, Target
from models.bert_image import FormedAttention, attention_captured, attention_formed
from models.bert_image.blocks import Blocks
from models.registry import LoadedModel


def patch_attention(engine: Engine, given: ModelInput) -> FloatImage:
    """float32 [layers, heads, patches, patches]: token_attention without the tokens before the patches ([CLS], registers).

    Rows sum to 1 only where there are none. Raises NoAttention.
    """
    prefix = engine.model.config.prefix_tokens
    return token_attention(engine, given)[:, :, prefix:, prefix:]


def token_attention(engine: Engine, given: ModelInput) -> FloatImage:
    """float32 [layers, heads, tokens, tokens]: how much each token (row) attends to each (column); rows sum to 1.

    Tokens before the patches come first, then patches row by row over the grid. Where tokens were merged, each patch attends as the token
    that it became part of, and what such a token receives is shared evenly by its patches. Raises NoAttention.
    """

    if Capability.ATTENTION not in engine.model.capabilities:
        raise NoAttention(f"The model {engine.model.id} forms no attention between all of its tokens.", "Choose a method that needs none.")

    def work(model: LoadedModel) -> FloatImage:
        values = to_device(model, given.values[np.newaxis])
        with torch.no_grad(), attention_captured(model.network) as captured:
            network_logits(model, values)
        if not captured:
            raise NoAttention(f"The model {model.id} formed no attention matrix.", "Choose a method that needs none: occlusion.")
        merges = merges_in(model, values)
        matrices = []
        for number, layer in enumerate(captured, start=1):
            matrix = layer[0]  # [heads, tokens, tokens] of what is left of the merges before this layer
            for blocks in reversed([blocks for after, blocks in merges.items() if after < number]):
                matrix = between_members(matrix, blocks)
            matrices.append(matrix.float().cpu().numpy())
        return np.stack(matrices)

    return engine.run(work)


def formed_with_gradients(
    model: LoadedModel, given: ModelInput, target: Target
) -> tuple[list[FormedAttention], tuple[Tensor, ...], Tensor]:
    """(the attention of each layer, the gradient of the target's number by it, the input [1, channels, rows, columns]).

    On the owner thread. Raises NoAttention.
    """
    values = to_device(model, given.values[np.newaxis]).requires_grad_()
    with attention_formed(model.network) as formed:
        score = network_score(model, values, target).sum()
    if not formed:
        raise NoAttention(f"The model {model.id} formed no attention matrix.", "Choose a method that needs none: occlusion.")
    return formed, torch.autograd.grad(score, [each.weights for each in formed]), values


def between_members(attention: Tensor, blocks: Blocks) -> Tensor:
    """Attention between blocks, [heads, blocks, blocks], as one between their members, [heads, tokens, tokens]; sums of rows stay."""
    shared = attention / blocks.sizes
    return shared[:, blocks.block_of][:, :, blocks.block_of]
