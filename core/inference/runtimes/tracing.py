"""Networks of torch as scripts, traced with inputs of one shape."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.inference.runtimes.torch import Outputs
from core.types import FloatImage


def traced(outputs: Outputs, network: nn.Module, values: FloatImage) -> tuple[Any, tuple[str, ...]]:
    """(script, names of its results in their order) for inputs of the shape of `values`.

    network: whose numbers it holds.
    """
    wrapped, example = _Tuple(outputs, network), torch.from_numpy(np.ascontiguousarray(values))
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # that sizes become constants, which is what is meant
        script = torch.jit.trace(wrapped, example, check_trace=False, strict=False)  # type: ignore[no-untyped-call]
    return script, wrapped.names


def identity_of(network: nn.Module) -> str:
    """What tells a network that no file holds from every other: the sha256 of its numbers and its configuration."""
    digest = hashlib.sha256(str(getattr(network, "config", "")).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).tobytes())
    return digest.hexdigest()


class _Tuple(nn.Module):
    """Results by name as a tuple, which is what a trace can give. names: theirs, once it has run.

    network: whose numbers a trace may only hold where they are those of a part of what is traced.
    """

    def __init__(self, outputs: Outputs, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._outputs = outputs
        self.names: tuple[str, ...] = ()

    def forward(self, values: Tensor) -> tuple[Tensor, ...]:
        """values: float32 [N, channels, rows, columns]."""
        found: Mapping[str, Tensor] = self._outputs(values)
        self.names = tuple(found)
        return tuple(found.values())
