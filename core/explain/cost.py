"""What a map costs before it is made: passes through the network, and memory; what would not fit is refused."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import TooLarge
from core.settings import settings
from core.types import ModelInput
from models.registry import LoadedModel

FLOAT32, FLOAT64 = 4, 8
"""Bytes of a number."""
ACTIVATIONS_A_LAYER = 16
"""Numbers of a token and of each of its width that a layer keeps for its gradients: queries, keys, values, both sums, two norms, and the
four times wider middle of its perceptron before and after the activation."""
ACTIVATIONS_A_PIXEL = 64
"""Numbers of a pixel that a stem of convolutions keeps, measured on those of this project to the next power of two."""
MATRICES_KEPT = 3
"""Of each head, where gradients of attention are taken: scores, weights, and the gradient of the weights."""
_MEGABYTE = 2**20
_GIGABYTE = 2**30


@dataclass(frozen=True)
class Cost:
    """An estimate. forwards: passes, a backward pass counted with its forward pass. bytes: at once, beside the weights."""

    forwards: int
    bytes: int


def tokens_in(model: LoadedModel, given: ModelInput) -> int:
    """Tokens of an input, those before the patches included."""
    (height, width), (down, across) = given.values.shape[1:], model.patch
    return int((height // down) * (width // across) + model.config.prefix_tokens)


def matrix_bytes(model: LoadedModel, given: ModelInput) -> int:
    """Of the attention matrices of all heads of one layer."""
    return int(model.config.num_attention_heads * tokens_in(model, given) ** 2 * FLOAT32)


def gradient_bytes(model: LoadedModel, given: ModelInput, batch: int = 1) -> int:
    """Of what a forward pass keeps for its gradients, attention matrices aside."""
    config = model.config
    tokens = config.num_hidden_layers * tokens_in(model, given) * config.hidden_size * ACTIVATIONS_A_LAYER
    return int(batch * (tokens + given.values[0].size * ACTIVATIONS_A_PIXEL) * FLOAT32)


def forward_cost(model: LoadedModel, given: ModelInput, forwards: int) -> Cost:
    """Of answers alone: one layer of a batch is held at a time."""
    return Cost(forwards, gradient_bytes(model, given, settings().batch_size) // model.config.num_hidden_layers)


def attention_cost(model: LoadedModel, given: ModelInput) -> Cost:
    """Of one pass that keeps the matrices of a layer until they are folded into one, in float64, beside the last of these."""
    return Cost(1, matrix_bytes(model, given) + 3 * tokens_in(model, given) ** 2 * FLOAT64)


def gradient_cost(model: LoadedModel, given: ModelInput, forwards: int = 1, batch: int = 1) -> Cost:
    """Of passes with gradients, `batch` inputs at a time."""
    return Cost(forwards, gradient_bytes(model, given, batch) + batch * matrix_bytes(model, given))


def attention_gradient_cost(model: LoadedModel, given: ModelInput) -> Cost:
    """Of one pass with gradients that keeps the matrices of every layer and theirs."""
    kept = MATRICES_KEPT * model.config.num_hidden_layers * matrix_bytes(model, given)
    return Cost(1, gradient_bytes(model, given) + kept + 4 * tokens_in(model, given) ** 2 * FLOAT64)


def check_affordable(method: str, cost: Cost) -> None:
    """Raises TooLarge for a map that would take more memory than the setting allows."""
    limit = settings().explain_mb * _MEGABYTE
    if cost.bytes > limit:
        raise TooLarge(
            f"A map by {method} would take about {cost.bytes / _GIGABYTE:,.1f} GB of memory for an input of this size; "
            f"{limit / _GIGABYTE:,.1f} GB are allowed.",
            "Choose rollout, which keeps one matrix at a time, or occlusion; or raise SIGHTLINE_EXPLAIN_MB.",
        )
