"""Attention between the patches of one image, as the network formed it."""

from __future__ import annotations

import numpy as np
import torch

from core.errors import NoAttention
from core.explain.forward import network_logits, to_device
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput
from models.bert_image import attention_captured
from models.registry import LoadedModel


def patch_attention(engine: Engine, input: ModelInput) -> FloatImage:
    """float32 [layers, heads, patches, patches]: how much each patch (row) attends to each (column), patches row by row over the grid.

    Tokens before the patches ([CLS]) are cut away, so rows sum to 1 only where there are none. Raises NoAttention.
    """

    if "rollout" not in engine.model.methods:
        raise NoAttention(f"The model {engine.model.id} forms no attention between all of its tokens.", "Choose a method that needs none.")

    def work(model: LoadedModel) -> FloatImage:
        with torch.no_grad(), attention_captured(model.network) as captured:
            network_logits(model, to_device(model, input.values[np.newaxis]))
        if not captured:
            raise NoAttention(f"The model {model.id} formed no attention matrix.", "Choose a method that needs none: occlusion.")
        prefix = model.network.config.prefix_tokens
        matrices = [layer[0, :, prefix:, prefix:].float().cpu().numpy() for layer in captured]  # each [heads, patches, patches]
        return np.stack(matrices)

    return engine.run(work)
