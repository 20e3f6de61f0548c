"""The network as the methods need it: in fp32, on the owner thread, a batch at a time, so that others get their turn between batches."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import DeviceError, NotFound
from core.inference.engine import Engine
from core.types import FloatImage
from models.registry import LoadedModel


def logits_of(engine: Engine, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 [batch, channels, rows, columns], standardised -> raw logits, float32 [batch, labels].

    Where memory runs out the batch is halved. Raises DeviceError where not even one input fits.
    """

    def work(model: LoadedModel) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(network_logits(model, to_device(model, values)).cpu().numpy(), dtype=np.float32)

    try:
        return engine.run(work)
    except DeviceError:
        if len(values) == 1:
            raise
    half = len(values) // 2
    return np.concatenate([logits_of(engine, values[:half]), logits_of(engine, values[half:])])


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
