"""What a model says when a part of the image is masked: the tokens that somebody painted are replaced, or left out altogether."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import OutOfRange, WrongTask
from core.explain.baselines import baseline_of
from core.explain.forward import to_device
from core.inference.calibration import probabilities
from core.inference.engine import Engine
from core.types import FloatImage, Mask, ModelInput
from models.measured import read_measured
from models.registry import LoadedModel


class Fill(StrEnum):
    """What stands in place of a masked token.

    MEAN, BLUR: as of core/explain/baselines.py. DROPPED: nothing; the others keep their places.
    """

    MEAN = "mean"
    BLUR = "blur"
    DROPPED = "dropped"


def fills_for(model: LoadedModel) -> tuple[Fill, ...]:
    """DROPPED where the network was trained to do without tokens, which its measured.json says by how well it does.

    Of other networks an answer without tokens says more about what they never saw than about the image (Jain et al. 2022, "Missingness
    Bias in Model Debugging").
    """
    can_drop = model.is_own and not getattr(model.network.config, "merges", ())
    was_trained = any(one.dropped for one in read_measured(model.folder))
    return (Fill.MEAN, Fill.BLUR, Fill.DROPPED) if can_drop and was_trained else (Fill.MEAN, Fill.BLUR)


def masked_probabilities(engine: Engine, given: ModelInput, masked: Mask, fill: Fill) -> NDArray[np.float32]:
    """float32 [2, labels], calibrated: of the input as it is, and with the masked tokens replaced. Runs in fp32, on one view.

    masked: bool [rows, columns] of the token grid. Raises OutOfRange for another grid, or where DROPPED would leave no token; WrongTask for
    DROPPED of a network that was not trained for it.
    """
    model = engine.model
    (height, width), (rows, columns) = model.patch, given.values.shape[1:]
    grid = (rows // height, columns // width)
    if masked.shape != grid:
        raise OutOfRange("the shape of the mask", masked.shape, f"that of the token grid, {grid[0]} x {grid[1]}")
    if fill is not Fill.DROPPED:
        pixels = masked.repeat(height, axis=0).repeat(width, axis=1)
        changed = np.where(pixels, baseline_of(fill.value, given.values), given.values)
        logits = engine.forward(np.stack([given.values, changed]).astype(np.float32), exact=True).logits
        return np.asarray(probabilities(logits, model.calibration), dtype=np.float32)
    if fill not in fills_for(model):
        raise WrongTask(f"The model {model.id} was not trained to do without tokens.", "Fill them with the mean, or blur them.")
    if masked.all():
        raise OutOfRange("the number of tokens left", 0, "at least 1")
    whole = engine.forward(given.values[np.newaxis], exact=True).logits
    without = engine.run(lambda network: _without(network, given, masked))
    return np.asarray(probabilities(np.concatenate([whole, without]), model.calibration), dtype=np.float32)


def strongest_tokens(tokens: FloatImage, share: float) -> Mask:
    """bool of the same shape: the share of the tokens that a map marks most, at least one. tokens: [rows, columns]."""
    count = max(1, round(share * tokens.size))
    chosen = np.zeros(tokens.size, dtype=bool)
    chosen[np.argsort(-tokens, axis=None, kind="stable")[:count]] = True
    return chosen.reshape(tokens.shape)


def _without(model: LoadedModel, given: ModelInput, masked: Mask) -> FloatImage:
    values = to_device(model, given.values[np.newaxis])
    kept = torch.from_numpy(np.flatnonzero(~masked.ravel()))[None].to(values.device)
    with torch.no_grad():
        logits: FloatImage = model.network(pixel_values=values, keep_tokens=kept).logits.float().cpu().numpy()
    return logits
