"""Attention rollout: how much of each patch reaches the readout through all layers.

Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers", section 3. Class-agnostic: the same map for every label.

Layers with windows have 0 between windows, and linear attention has the matrix that its features imply. Where tokens are merged, the new
token is taken as the mean of the old ones: what a merge makes of each of them is not attention, and is left aside as the value vectors are.

Of a layer the identity is added to every head, the heads are fused, the smallest shares are discarded, and rows are then normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import NoAttention, NotFound, OutOfRange
from core.explain.cost import Cost, attention_cost
from core.explain.evidence import MethodResult
from core.explain.forward import network_logits, to_device
from core.explain.readout import grid_of, identity, merged, merges_in, read_target, readout_name, unmerged_rows
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Progress, Target, TokenMap
from models.bert_image import attention_captured
from models.registry import LoadedModel

ROLLOUT: Mapping[str, Any] = {"fusion": "mean", "discard": 0.0}
"""fusion: how the heads of a layer become one. discard: share of the numbers of a layer, the smallest, that are taken as 0."""
DEFAULTS: Mapping[str, Any] = ROLLOUT
MOST_DISCARDED = 0.95
"""Beyond, what is left of a small grid is little but what tokens have of themselves."""
FUSIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda heads: heads.mean(dim=0),
    "max": lambda heads: heads.amax(dim=0),
    "min": lambda heads: heads.amin(dim=0),
}


def explain_rollout(engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress) -> MethodResult:
    """Token values as they come out of the product, unscaled: of the readout, or the mean of the rows of the target's tokens.

    Its label does not matter. Attention that is spread evenly gives each token 1 / tokens, which is the zero of its picture.
    Raises NotFound for an unknown fusion, OutOfRange for a share to discard that is none, NoAttention.
    """
    fusion, discard = parameters["fusion"], parameters["discard"]
    check_flow(fusion, discard)

    def work(model: LoadedModel) -> FloatImage:
        joint = joint_attention(model, to_device(model, given.values[None]), fusion, discard)
        return read_target(joint, model, target, grid_of(model, given))

    values = engine.run(work)
    progress(1, 1)
    tokens = TokenMap(values, engine.model.patch)
    even = 1.0 / (values.size + engine.model.config.prefix_tokens)
    used = {**parameters, "readout": readout_name(engine.model, target)}
    return MethodResult(tokens.at_pixels(), used, forwards=1, tokens=tokens, zero=even)


def joint_attention(model: LoadedModel, values: Tensor, fusion: str = "mean", discard: float = 0.0) -> Tensor:
    """[tokens, tokens], in the network's precision: the product over all layers for one input [1, channels, rows, columns]; rows sum to 1.

    Rows are the tokens that are read out, columns those of the stem. Where tokens were merged, all of a block have the row of its token.
    Each layer is folded in as soon as it is formed, so one matrix is held at a time however deep the network is. Raises NoAttention.
    """
    joint: Tensor | None = None
    depth, merges = 0, merges_in(model, values)
    with torch.no_grad(), attention_captured(model.network) as captured:

        def fold(*_: object) -> None:
            nonlocal joint, depth
            while captured:
                joint, depth = followed_by(joint, captured.pop(0)[0], fusion, discard), depth + 1
                joint = merged(joint, merges[depth]) if depth in merges else joint

        hooks = [layer.register_forward_hook(fold) for layer in _layers(model.network)]
        try:
            network_logits(model, values)
        finally:
            for hook in hooks:
                hook.remove()
    if joint is None:
        raise NoAttention(f"The model {model.id} formed no attention matrix.", "Choose a method that needs none: occlusion.")
    return unmerged_rows(joint, merges)


def followed_by(joint: Tensor | None, attention: Tensor, fusion: str = "mean", discard: float = 0.0) -> Tensor:
    """One more layer: attention [heads, tokens, tokens], rows summing to 1, after the product of the layers before it (None for none)."""
    flow = with_residual(attention, fusion, discard)
    flow = flow / flow.sum(dim=-1, keepdim=True)
    return flow if joint is None else flow @ joint


def with_residual(heads: Tensor, fusion: str, discard: float) -> Tensor:
    """[heads, tokens, tokens] -> [tokens, tokens]: heads fused, the residual connection added, the smallest numbers taken as 0.

    What a token has of itself is the largest of its row in all but odd networks, and is never discarded.
    """
    fused = FUSIONS[fusion](heads)
    own = identity(len(fused), fused)
    flow = fused + own  # the same as adding it to each head before
    count = int(discard * flow.numel())
    if count:
        smallest = flow.masked_fill(own.bool(), torch.inf).flatten().topk(count, largest=False).indices
        flow = flow.flatten().index_fill(0, smallest, 0.0).view_as(flow)
    return flow


def check_flow(fusion: str, discard: float) -> None:
    """Raises NotFound for an unknown fusion, OutOfRange for a share to discard that leaves nothing between the tokens."""
    if fusion not in FUSIONS:
        raise NotFound(f"There is no fusion of heads {fusion!r}.", f"Known are: {', '.join(FUSIONS)}.")
    if not 0.0 <= discard < MOST_DISCARDED:
        raise OutOfRange("discard", discard, f"0 <= discard < {MOST_DISCARDED}")


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """One pass; one matrix is held at a time."""
    return attention_cost(model, given)


def _layers(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if hasattr(module, "attention_head_size")]
