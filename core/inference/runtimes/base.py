"""What every runtime is: a choice of where and how to compute, and a network that takes arrays and gives arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.types import FloatImage

Arrays: TypeAlias = dict[str, NDArray[np.float32]]
"""Results by name, the first axis of each is that of the inputs."""
Shape: TypeAlias = tuple[int, ...]
"""Of one input: (channels, rows, columns)."""
QUANTISED_PRECISION = "int8"


@dataclass(frozen=True)
class Runtime:
    """device: "cpu" or "cuda". precision: "fp32", "bf16", "fp16" or "int8" (a model's quantised form).

    name: the GPU's name, or "cpu". library: "torch" or "openvino".
    """

    device: str = "cpu"
    precision: str = "fp32"
    name: str = "cpu"
    library: str = "torch"


class ExecutableNetwork(Protocol):
    """A network that a runtime has opened. Any library can stand behind it; nobody in front of it sees a tensor."""

    def forward(self, values: FloatImage) -> Arrays:
        """values: float32 [N, channels, rows, columns], N at least 1. The same values in a pass of the same shape give the same bits."""
        ...
