"""torch as a runtime: eager, on the CPU or by CUDA, in float32 or by autocast."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from core.inference.runtimes.base import Arrays, Runtime
from core.types import FloatImage

Outputs: TypeAlias = Callable[[Tensor], Mapping[str, Tensor]]
"""From inputs, float32 [N, channels, rows, columns] where the network lies, to results by name, the first axis of each N."""
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class TorchNetwork:
    """A network of torch that takes and gives arrays (core.inference.runtimes.base.ExecutableNetwork)."""

    def __init__(self, outputs: Outputs, runtime: Runtime) -> None:
        """outputs: of a network that lies on the runtime's device already."""
        self._outputs, self._runtime = outputs, runtime
        if runtime.device == "cuda":
            torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32, in the convolutions of the stem too

    def forward(self, values: FloatImage) -> Arrays:
        """One pass without gradients, on the runtime's device and in its precision."""
        found = self.tensors(values)
        return {name: np.asarray(tensor.float().cpu().numpy()) for name, tensor in found.items()}

    def tensors(self, values: FloatImage) -> Mapping[str, Tensor]:
        """The same, still where the network lies."""
        with torch.inference_mode(), autocast(self._runtime):
            return self._outputs(torch.from_numpy(values).to(self._runtime.device))


@contextmanager
def autocast(runtime: Runtime) -> Iterator[None]:
    """Inside, matrix products and convolutions run in the runtime's precision; in fp32 nothing is changed."""
    if runtime.precision == "fp32":
        yield
        return
    with torch.autocast(runtime.device, dtype=_DTYPES[runtime.precision]):
        yield
