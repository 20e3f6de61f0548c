"""Activation patching: how much of the target's logit comes back when what the network made of one patch is put into an empty image.

Izadi et al. 2026, "Causal Attribution via Activation Patching": for each patch, its states in a range of middle layers are put in place of
those of a neutral input, and the answer is read. After the first layers a state holds what was seen; after the last ones it holds what
every patch holds. The neutral input is the baseline. Signed: what a patch brings may speak against the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import OutOfRange
from core.explain.baselines import baseline_of
from core.explain.cost import FLOAT32, Cost, forward_cost, tokens_in
from core.explain.evidence import MethodResult
from core.explain.forward import to_device
from core.explain.readout import grid_of
from core.explain.targets import network_score
from core.inference.engine import Engine
from core.settings import settings
from core.types import FloatImage, ModelInput, Progress, Target, TokenMap
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = {"first_layer": None, "last_layer": None}
"""Layers after which states are put in, from 1, both included. None: from the first quarter of the layers to the half."""


def explain_activation_patching(
    engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress
) -> MethodResult:
    """Signed token values in logits, above the neutral input's. Raises OutOfRange for layers that are not there, or that do not hold all
    tokens one by one (windows, merged tokens)."""
    model = engine.model
    first, last = _range(model, parameters)
    baseline = baseline_of(parameters["baseline"], given.values, model.preprocess)
    (rows, columns), prefix = grid_of(model, given), model.config.prefix_tokens
    count, size = rows * columns, settings().batch_size
    states, neutral = engine.run(lambda each: _source(each, given.values, baseline, target, first, last))
    found = np.empty(count, dtype=np.float32)
    for start in range(0, count, size):
        progress(start, count)
        patches = np.arange(start, min(start + size, count))
        found[patches] = engine.run(lambda each, at=patches + prefix: _patched(each, baseline, target, states, at)) - neutral  # type: ignore[misc]
    progress(count, count)
    tokens = TokenMap(found.reshape(rows, columns), model.patch)
    used = {**parameters, "first_layer": first, "last_layer": last}
    return MethodResult(tokens.at_pixels(), used, forwards=count + 2, tokens=tokens, baseline=baseline)


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """A pass a token, and two; the states of the source are kept."""
    tokens, passes = tokens_in(model, given), tokens_in(model, given) - model.config.prefix_tokens + 2
    kept = model.config.num_hidden_layers * tokens * model.config.hidden_size * FLOAT32
    return Cost(passes, forward_cost(model, given, passes).bytes + kept)


States = Mapping[int, Tensor]
"""Layer, from 1 -> what it makes of the source, [tokens, width]."""


def _source(model: LoadedModel, values: FloatImage, baseline: FloatImage, target: Target, first: int, last: int) -> tuple[States, float]:
    """(what each layer of the range makes of the image; the target's number of the neutral input)."""
    states: dict[int, Tensor] = {}

    def keep(layer: int, output: Tensor) -> None:
        states[layer] = output[0].clone()

    with torch.no_grad():
        with _watched(model, range(first, last + 1), keep):
            network_score(model, to_device(model, values[None]), target)
        neutral = float(network_score(model, to_device(model, baseline[None]), target)[0])
    tokens = len(values[0].ravel()) // (model.patch[0] * model.patch[1]) + model.config.prefix_tokens
    for layer, state in states.items():
        if len(state) != tokens:
            raise OutOfRange("last_layer", layer, f"a layer that holds all {tokens} tokens, not windows or merged ones")
    return states, neutral


def _patched(model: LoadedModel, baseline: FloatImage, target: Target, states: States, at: np.ndarray[Any, Any]) -> FloatImage:
    """float32 [patches]: the target's number with each patch of `at` put in by itself."""
    rows, places = torch.arange(len(at)), torch.from_numpy(at)

    def put(layer: int, output: Tensor) -> Tensor:
        changed = output.clone()
        changed[rows, places] = states[layer][places]
        return changed

    empty = np.ascontiguousarray(np.broadcast_to(baseline, (len(at), *baseline.shape)))
    with torch.no_grad(), _watched(model, states, put):
        found: FloatImage = network_score(model, to_device(model, empty), target).float().cpu().numpy()
    return found


@contextmanager
def _watched(model: LoadedModel, layers: Any, act: Callable[[int, Tensor], Tensor | None]) -> Iterator[None]:
    """While it is on, `act` is told what each of these layers gives, and may give something else."""
    stack = layers_in(model.network)

    def hook(layer: int) -> Callable[..., Any]:
        def changed(module: nn.Module, inputs: Any, output: Any) -> Any:
            first = output[0] if isinstance(output, tuple) else output
            other = act(layer, first)
            if other is None:
                return None
            return (other, *output[1:]) if isinstance(output, tuple) else other

        return changed

    hooks = [stack[layer - 1].register_forward_hook(hook(layer)) for layer in layers]
    try:
        yield
    finally:
        for each in hooks:
            each.remove()


def layers_in(network: nn.Module) -> nn.ModuleList:
    """Its layers: the list of modules that holds most of its weights."""
    lists = [module for module in network.modules() if isinstance(module, nn.ModuleList) and len(module)]
    return max(lists, key=lambda each: sum(weights.numel() for weights in each.parameters()))


def _range(model: LoadedModel, parameters: Mapping[str, Any]) -> tuple[int, int]:
    layers = model.config.num_hidden_layers
    first, last = parameters["first_layer"], parameters["last_layer"]
    first = max(1, layers // 4) if first is None else first
    last = max(first, layers // 2) if last is None else last
    if not 1 <= first <= last <= layers:
        raise OutOfRange("first_layer, last_layer", (first, last), f"1 <= first <= last <= {layers}")
    return first, last
