"""The engine of a change model: two dates in, logits of every pixel out. One thread owns the network, as of any model."""

from __future__ import annotations

import numpy as np
import torch

from core.inference.batcher import Arrays, Batcher
from core.inference.engine import ModelOwner, prepared_runtime
from core.inference.runtimes import Runtime, autocast
from core.settings import settings
from core.types import FloatImage
from models.bert_image.looks import looked_at
from models.change_registry import LoadedChangeModel, load_change_model


class ChangeEngine:
    """One change model on one device. Any thread may call it."""

    def __init__(self, model: LoadedChangeModel, runtime: Runtime) -> None:
        """The network of `model` lies on the runtime's device already."""
        self.model, self.runtime = model, runtime
        limits = settings()
        self._batcher = Batcher(self._compute, limits.batch_size, limits.batch_wait_ms / 1000.0, model.id)

    def forward(self, before: FloatImage, after: FloatImage) -> FloatImage:
        """Logits, float32 [tiles, rows, columns], of two dates, float32 [tiles, channels, rows, columns] each, standardised.

        Goes in micro-batches, shared with whoever asks at the same time. Raises DeviceError where not even one tile fits.
        """
        both = np.concatenate([before, after], axis=1)  # [tiles, 2 * channels, rows, columns]: what belongs together stays together
        return np.asarray(self._batcher.forward(np.ascontiguousarray(both, dtype=np.float32)).arrays["logits"])

    def _compute(self, values: FloatImage) -> Arrays:
        before, after = torch.from_numpy(values).to(self.runtime.device).chunk(2, dim=1)
        with torch.inference_mode(), autocast(self.runtime):
            logits = looked_at(self.model.network, before, after, self.model.preprocess.enlarged)
        return {"logits": np.asarray(logits.cpu().numpy())}


def change_engine_for(model: str) -> ChangeEngine:
    """The engine of a zoo id, a model folder or a hub id; a second call returns the same one.

    Raises what models.change_registry.load_change_model raises, and DeviceError where the device of the settings is not there.
    """
    return _OWNER.engine_for(model)


def _open(model: str) -> ChangeEngine:
    runtime = prepared_runtime()
    return ChangeEngine(load_change_model(model, runtime.device), runtime)


_OWNER: ModelOwner[ChangeEngine] = ModelOwner(_open)
