"""The network itself, for what needs more of it than answers: on the owner thread, in fp32."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.types import FloatImage
from models.registry import LoadedModel


def network_logits(model: LoadedModel, values: Tensor) -> Tensor:
    """[batch, channels, rows, columns] -> raw logits [batch, labels]; for use on the owner thread."""
    logits: Tensor = model.network(pixel_values=values).logits
    return logits


def to_device(model: LoadedModel, values: FloatImage) -> Tensor:
    """The same numbers where the network is, in its precision."""
    return torch.from_numpy(np.ascontiguousarray(values)).to(next(model.network.parameters()).detach())
