"""What an input is like: the cosine between embeddings, which are the mean of the last hidden state over the patches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.explain.forward import to_device
from core.explain.readout import merges_in
from core.explain.targets import check_readable, token_at
from core.inference.engine import Engine
from core.settings import settings
from core.types import FloatImage, Likeness, ModelInput, Target
from models.registry import LoadedModel

SMALLEST_NORM = 1e-12
"""Floor of the product of two lengths: an embedding of nothing is like nothing."""


def likeness_of(engine: Engine, given: ModelInput, other: ModelInput, name: str, at: tuple[float, float] | None = None) -> Target:
    """The target that is the cosine of an input to another image, or to one patch of it.

    other: what the input is compared with. name: what that is called. at: (column, row) of a pixel of its source, whose patch is meant.
    Raises InputError where there is no input, OutOfRange for a pixel outside it.
    """
    check_readable(given)
    check_readable(other)
    token = None if at is None else token_at(engine.model, other, at, "token")
    states = engine.run(lambda model: patch_states(model, to_device(model, other.values[np.newaxis]))[0].detach().cpu().numpy())
    columns = other.values.shape[2] // engine.model.patch[1]
    found = states.mean(axis=0) if token is None else states[token[1] * columns + token[0]]
    return Target(name, (), likeness=Likeness(name, tuple(map(float, found))))


def patch_states(model: LoadedModel, values: Tensor) -> Tensor:
    """[N, patches, width]: the last hidden state. values: [N, channels, rows, columns]; on the owner thread."""
    return states_of(model, model.network(pixel_values=values, output_hidden_states=True).hidden_states, values)


def states_of(model: LoadedModel, states: Sequence[Tensor], values: Tensor) -> Tensor:
    """The same of the hidden states that the network gave already. Patches that were merged have the state of what they became."""
    last = states[-1][:, model.config.prefix_tokens :]
    for blocks in reversed(list(merges_in(model, values).values())):
        last = last[:, blocks.block_of]
    return last


def cosines(embeddings: Tensor, likeness: Likeness) -> Tensor:
    """[N]. embeddings: [N, width]."""
    other = embeddings.new_tensor(likeness.embedding)
    cosine: Tensor = (embeddings @ other) / (embeddings.norm(dim=1) * other.norm()).clamp(min=SMALLEST_NORM)
    return cosine


def read_cosines(engine: Engine, values: FloatImage, likeness: Likeness) -> FloatImage:
    """float32 [N, 1], some inputs at a time, so that others come in between."""

    def work(model: LoadedModel, batch: FloatImage) -> FloatImage:
        with torch.no_grad():
            found: FloatImage = cosines(patch_states(model, to_device(model, batch)).mean(dim=1), likeness).float().cpu().numpy()
        return found

    size = settings().batch_size
    batches = [values[start : start + size] for start in range(0, len(values), size)]
    return np.concatenate([engine.run(lambda model, batch=batch: work(model, batch)) for batch in batches])[:, np.newaxis]  # type: ignore[misc]
