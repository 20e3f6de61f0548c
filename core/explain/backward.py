"""Backward passes that share an answer out: gradients whose product with the input is relevance, by rules for what is not linear.

A network of linear maps hands its answer back whole: input times gradient, summed, is the answer less what biases add. Attention, layer
norms and activations do not, so their gradients are replaced while the forward pass stays the same to the bit:

- activation f(x): f(x) / x in place of its slope (Achtibat et al. 2024, "AttnLRP", eq. 9; Mehri et al. 2025, "LibraGrad").
- layer norm: its deviation is held (AttnLRP, eq. 18).
- a product of two things that both depend on the image: halved, so that each gets half (AttnLRP, eq. 15).
- the length of an embedding, which a cosine is divided by: held; a cosine stays the same when all of the embedding grows, so that its
  own gradient gives nothing back.
- attention weights: by AttnLRP through the softmax, as its Taylor expansion has it, which is its gradient; by LibraGrad held.

Several labels as one are the logarithm of a sum, which has its own gradient: the entropy of these labels is given back to nobody.

Functions are intercepted where torch calls them, so that no module is changed and every family of networks is covered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from core.explain.evidence import MethodResult
from core.explain.forward import to_device
from core.explain.readout import grid_of, layer_of, merges_in, on_grid, shared_by_members
from core.explain.targets import score_of
from core.types import FloatImage, ModelInput, Target, TokenMap
from models.bert_image import attention_formed, attention_held
from models.registry import LoadedModel

SMALLEST, SLOPE_AT_ZERO = 1e-9, 0.5
"""Distance from 0 below which f(x) / x is not computed, and what it is there for the activations of transformers."""
NO_SCORE = 1e-12
"""Floor of |f| in logits."""
ACTIVATIONS: frozenset[Any] = frozenset(
    {F.gelu, F.silu, F.relu, torch.relu, F.relu6, F.hardtanh, torch.tanh, Tensor.tanh, F.leaky_relu, F.elu, F.hardswish}
)
PRODUCTS: frozenset[Any] = frozenset(
    {torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm, Tensor.bmm, torch.mul, Tensor.mul, Tensor.__mul__}
)

NORMS: frozenset[Any] = frozenset({Tensor.norm, torch.norm, torch.linalg.norm, torch.linalg.vector_norm})


@dataclass(frozen=True)
class Relevance:
    """attribution: float32 [channels, rows, columns], or tokens: float32 [rows, columns]. conservation_error: |sum - f| / |f|, f being the
    target's number: what biases, positions and tokens without a place ([CLS], registers) took, which are not in the map."""

    attribution: FloatImage | None
    tokens: FloatImage | None
    conservation_error: float

    def as_result(self, patch: tuple[int, int], parameters: Mapping[str, Any]) -> MethodResult:
        """What a method gives back. patch: (height, width) of a token in pixels."""
        tokens = None if self.tokens is None else TokenMap(self.tokens, patch)
        pixels = tokens.at_pixels() if tokens is not None else np.asarray(self.attribution).sum(axis=0)
        return MethodResult(
            pixels, dict(parameters), forwards=1, tokens=tokens, attribution=self.attribution, conservation_error=self.conservation_error
        )


class SharedOut(TorchFunctionMode):
    """While it is on, gradients follow the rules above. Of the thread that entered it alone."""

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """torch's protocol: what `func` gives, with another gradient where a rule asks for it."""
        told = dict(kwargs or {})
        if func in ACTIVATIONS:
            return _activated(func, args, told)
        if func is F.layer_norm:
            return _normed(*args, **told)
        found = func(*args, **told)
        if func in NORMS:
            return found.detach()
        is_product = func in PRODUCTS and len(args) == 2 and all(_depends(each) for each in args)
        return _exactly(found, found / 2) if is_product else found


def _activated(func: Callable[..., Tensor], args: tuple[Any, ...], told: dict[str, Any]) -> Tensor:
    x: Tensor = args[0]
    with torch.no_grad():
        found = func(x.detach().clone(), *args[1:], **told)
        is_away = x.abs() > SMALLEST
        slope = torch.where(is_away, found / torch.where(is_away, x, 1.0), SLOPE_AT_ZERO)
    return _exactly(found, x * slope)


def _normed(x: Tensor, shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    axes = tuple(range(-len(shape), 0))
    centred = x - x.mean(dim=axes, keepdim=True)
    ruled = centred * torch.rsqrt(centred.detach().square().mean(dim=axes, keepdim=True) + eps)
    ruled = ruled * weight if weight is not None else ruled
    ruled = ruled + bias if bias is not None else ruled
    with torch.no_grad():
        found = F.layer_norm(x, shape, weight, bias, eps)
    return _exactly(found, ruled)


def _exactly(found: Tensor, ruled: Tensor) -> Tensor:
    """The numbers of the one with the gradients of the other."""
    swapped: Tensor = _Swapped.apply(found, ruled)  # type: ignore[no-untyped-call]
    return swapped


class _Swapped(torch.autograd.Function):
    @staticmethod
    def forward(found: Tensor, ruled: Tensor) -> Tensor:
        return found.detach().clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Nothing is kept."""

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, gradient


def _depends(value: Any) -> bool:
    """Whether a number came about from the image: weights, which are leaves, and constants did not."""
    return isinstance(value, Tensor) and value.requires_grad and not value.is_leaf


def shared_out(model: LoadedModel, given: ModelInput, target: Target, layer: int | None, *, attention_is_held: bool) -> Relevance:
    """The target's number, shared out over the pixels, or over the tokens that have gone through `layer` layers.

    attention_is_held: LibraGrad's rule for attention, else AttnLRP's. On the owner thread. Raises OutOfRange for a layer without tokens of
    the model's grid.
    """
    values = to_device(model, given.values[None]).requires_grad_()
    as_formed = attention_held if attention_is_held else attention_formed
    with as_formed(model.network), SharedOut():
        output = model.network(pixel_values=values + 0.0, output_hidden_states=True)  # no leaf: products with the image count as such
        score = score_of(model, output, values, target).sum()
    states = output.hidden_states
    place = None if layer is None else layer_of(layer, len(states) - 1)
    at = values if place is None else states[place]
    (slope,) = torch.autograd.grad(score, [at])
    found = (at.detach().double() * slope.double())[0]
    if place is None:
        return Relevance(found.float().cpu().numpy(), None, _missed(found, score))
    patches = shared_by_members(found.sum(dim=-1)[model.config.prefix_tokens :], merges_in(model, values), place)
    return Relevance(None, on_grid(patches, grid_of(model, given), place), _missed(patches, score))


def _missed(shares: Tensor, score: Tensor) -> float:
    """|sum - f| / |f| of what is in the map."""
    whole = float(score.detach())
    return abs(float(shares.sum()) - whole) / max(abs(whole), NO_SCORE)
