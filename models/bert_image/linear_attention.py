"""Linear attention: Performer's FAVOR+, softmax attention by positive orthogonal random features (Choromanski et al. 2021).

The softmax kernel exp(q . k) is the mean over random w of f(q, w) f(k, w) with f(x, w) = exp(w . x - |x|^2 / 2) and w standard normal
(their Lemma 1). With m such w the sums over keys come first, and cost and memory are tokens * m instead of tokens^2. Here q and k are
queries and keys over the fourth root of the size of a head, so that q . k is what softmax attention takes.

Error. The estimate of exp(q . k) has no bias, and for independent w its mean squared error over the square of the value is
e(q, k)^2 = (exp(|q + k|^2) - 1) / m (their Lemma 2); orthogonal w have less (their Theorem 2). So the total variation between a row of the
implied matrix and that of softmax, half the sum of absolute differences, is on average at most sum_j A_j e(q, k_j) with A the row of
softmax. It falls with the root of m and grows exponentially with the lengths of queries and keys. Measured, mean over the rows of 256
tokens in heads of 32, entries of queries and keys normal (tests/unit/models/test_linear_attention.py):

    deviation of the entries     m = 64     128     256     1,024     4,096
    0.5                            0.12    0.09    0.07      0.04      0.02
    1.0                            0.50    0.46    0.43      0.36      0.28

Sharp attention is out of reach: a network must be trained with this attention, and cannot be brought to it afterwards.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

LINEAR = "linear"
"""Name of the attention function, and of the attention in a configuration that uses it."""
FLOOR = 1e-6
"""Added to every feature after the largest was brought to 1, so that no sum of them is 0."""
SEED = 20210503
"""Of the projections: they are drawn anew for no network, and lie beside its weights."""


def draw_projections(layers: int, count: int, size: int) -> Tensor:
    """float32 [layers, count, size]: for each layer `count` random directions for heads of `size`, the same at every call.

    Within each `size` of them they are orthogonal; their lengths are those of independent normal vectors, which keeps the estimate
    without bias (Choromanski et al. 2021, section 2.4).
    """
    random = torch.Generator(device="cpu").manual_seed(SEED)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, device="cpu", dtype=torch.float32)

    blocks = -(-count // size)
    directions = torch.linalg.qr(normal(layers, blocks, size, size)).Q.transpose(-1, -2)  # rows are orthonormal
    lengths = normal(layers, count, size).norm(dim=-1, keepdim=True)
    found: Tensor = directions.flatten(1, 2)[:, :count] * lengths
    return found


def exponents(x: Tensor, projection: Tensor) -> Tensor:
    """The logarithm of each random feature, w . x - |x|^2 / 2. x: [..., tokens, size]. projection: [features, size]."""
    return x @ projection.T - x.square().sum(dim=-1, keepdim=True) / 2


def linear_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    projection: Tensor | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Softmax attention, estimated; no matrix is formed, so attention dropout has nothing to work on and is left out.

    query, key, value: [B, heads, tokens, size]. attention_mask: 0, or below it for keys to leave out, [B, 1, 1, tokens].
    projection: float32 [features, size]. Returns [B, tokens, heads, size].
    Computed in float32 whatever the precision around, since features span many orders of magnitude.
    """
    of_query, of_key = _features(query, key, attention_mask, projection, kwargs.get("scaling"))
    with torch.autocast(query.device.type, enabled=False):
        sums = of_key.transpose(2, 3) @ value.float()  # [B, heads, features, size]
        totals = of_query @ of_key.sum(dim=2).unsqueeze(-1)  # [B, heads, tokens, 1]
        found = (of_query @ sums) / totals.clamp(min=torch.finfo(torch.float32).tiny)
    return found.to(value.dtype).transpose(1, 2).contiguous(), None


def implied_matrix(
    query: Tensor, key: Tensor, attention_mask: Tensor | None, projection: Tensor | None, scaling: float | None = None
) -> Tensor:
    """The matrix [B, heads, tokens, tokens] that linear attention multiplies the values by without forming it. Rows sum to 1."""
    of_query, of_key = _features(query, key, attention_mask, projection, scaling)
    with torch.autocast(query.device.type, enabled=False):
        weights = of_query @ of_key.transpose(2, 3)
        weights = weights / weights.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
    return weights.to(query.dtype)


def _features(
    query: Tensor, key: Tensor, attention_mask: Tensor | None, projection: Tensor | None, scaling: float | None
) -> tuple[Tensor, Tensor]:
    """Features of queries and of keys, float32 [B, heads, tokens, features] each; keys that are masked have none.

    Factors that all features of a query or all keys of a head share cancel out in the division, so the largest is brought to 1.
    """
    if projection is None:
        raise ValueError(f"the attention function {LINEAR} needs the random features of a network whose attention is {LINEAR}")
    root = (scaling or query.shape[-1] ** -0.5) ** 0.5
    with torch.autocast(query.device.type, enabled=False):
        of_query = exponents(query.float() * root, projection.float())
        of_key = exponents(key.float() * root, projection.float())
        of_query = (of_query - of_query.amax(dim=-1, keepdim=True).detach()).exp() + FLOOR
        of_key = (of_key - of_key.amax(dim=(-2, -1), keepdim=True).detach()).exp() + FLOOR
        if attention_mask is not None:
            of_key = of_key.masked_fill(attention_mask.transpose(2, 3) < 0, 0.0)
    return of_query, of_key


AttentionInterface.register(LINEAR, linear_attention)
