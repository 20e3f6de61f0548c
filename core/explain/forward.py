"""The network as the methods need it, in fp32: forward passes in micro-batches, and what needs the network itself on the owner thread."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.errors import NotFound
from core.inference.engine import Engine
from core.types import FloatImage
from models.registry import LoadedModel


def logits_of(engine: Engine, values: FloatImage) -> FloatImage:
    """float32 [batch, channels, rows, columns], standardised -> raw logits, float32 [batch, labels], in fp32.

    Goes in micro-batches beside what others ask for. Raises DeviceError where not even one input fits.
    """
    return engine.forward(values, exact=True).logits


def network_logits(model: LoadedModel, values: Tensor) -> Tensor:
    """[batch, channels, rows, columns] -> raw logits [batch, labels]; for use on the owner thread."""
    logits: Tensor = model.network(pixel_values=values).logits
    return logits


def to_device(model: LoadedModel, values: FloatImage) -> Tensor:
    """The same numbers where the network is."""
    return torch.from_numpy(np.ascontiguousarray(values)).to(next(model.network.parameters()).device)


def label_index(model: LoadedModel, label: str) -> int:
    """Raises NotFound, naming the known labels."""
    if label in model.labels:
        return model.labels.index(label)
    raise NotFound(f"The model {model.id} has no label {label!r}.", f"Its labels are: {', '.join(model.labels)}.")
