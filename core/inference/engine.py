"""The engine: a loaded model, the device that it lies on, and the thread that owns it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import OutOfRange
from core.inference.batcher import Arrays, Batcher, free_device_memory, is_out_of_memory, out_of_memory
from core.inference.runtimes import Runtime, autocast, choose_runtime
from core.settings import settings
from core.types import FloatImage, Notice
from models.bert_image.modelling import BertImageClassifierOutput
from models.classifiers import Classifier
from models.registry import FILES, LoadedModel, find_folder, load_model

T = TypeVar("T")
HEAD = "head."
"""What the arrays of further heads are named by, before the head's own name."""
Opened = TypeVar("Opened")


@dataclass(frozen=True)
class Forward:
    """What the network says of N inputs.

    logits: float32 [N, labels], uncalibrated. embeddings: float32 [N, (layers + 1) * width].
    token_logits: float32 [N, rows, columns, labels] on the token grid, None where the head does not speak for tokens.
    seconds: wall time of the passes that the inputs were in. notices: where the batch had to be halved.
    heads: logits of the further heads by name, float32 [N, labels], of those of tokens [N, rows, columns, labels].
    """

    logits: NDArray[np.float32]
    token_logits: NDArray[np.float32] | None
    embeddings: NDArray[np.float32]
    seconds: float
    notices: tuple[Notice, ...] = ()
    heads: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


class Engine:
    """One model on one device. Any thread may call it; one thread owns the network."""

    def __init__(self, model: LoadedModel, runtime: Runtime) -> None:
        """The network of `model` lies on the runtime's device already."""
        self.model, self.runtime = model, runtime
        if runtime.device == "cuda":
            torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32, in the convolutions of the stem too
        limits = settings()
        self._batcher = Batcher(self._compute, limits.batch_size, limits.batch_wait_ms / 1000.0, model.id)

    def forward(self, values: FloatImage) -> Forward:
        """The answers to float32 [N, C, rows, columns], standardised; sides multiples of the patch. N is at least 1.

        Goes in micro-batches, shared with whoever asks at the same time. Out of memory halves the batch and says so.
        Raises OutOfRange for a shape that the network cannot take, DeviceError where not even one input fits.
        """
        self._check(values)
        answer = self._batcher.forward(np.asarray(values, dtype=np.float32))
        arrays = answer.arrays
        heads = {name.removeprefix(HEAD): found for name, found in arrays.items() if name.startswith(HEAD)}
        return Forward(arrays["logits"], arrays.get("token_logits"), arrays["embeddings"], answer.seconds, answer.notices, heads)

    def run(self, work: Callable[[LoadedModel], T]) -> T:
        """Work that needs the network itself (gradients, hooks, attention): on the owner thread, in fp32, alone.

        Whatever `work` registers on the network it must take off again. Raises what it raises; DeviceError where memory ran out.
        """
        return self._batcher.run(lambda: self._alone(work))

    def _alone(self, work: Callable[[LoadedModel], T]) -> T:
        try:
            return work(self.model)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        finally:
            self.model.network.zero_grad(set_to_none=True)
        free_device_memory()
        raise out_of_memory("this piece of work")

    def _compute(self, values: FloatImage) -> Arrays:
        output = run_network(self.model.network, values, self.runtime)
        arrays = {"logits": _on_host(output.logits), "embeddings": _on_host(output.embedding)}
        rows, columns = (side // patch for side, patch in zip(values.shape[2:], self.model.patch, strict=True))
        if output.token_logits is not None:
            arrays["token_logits"] = _on_host(output.token_logits).reshape(len(values), rows, columns, -1)
        for name, logits in (output.head_logits or {}).items():
            found = _on_host(logits)  # [N, labels] or [N, rows * columns, labels]
            arrays[f"{HEAD}{name}"] = found if found.ndim == 2 else found.reshape(len(values), rows, columns, -1)
        return arrays

    def _check(self, values: FloatImage) -> None:
        channels = len(self.model.preprocess.channels)
        height, width = self.model.patch
        wanted = f"inputs of {channels} channels whose sides are multiples of {height} x {width} pixels, at least one"
        if values.ndim != 4 or values.shape[1] != channels or values.size == 0 or values.shape[2] % height or values.shape[3] % width:
            raise OutOfRange("the shape of the inputs", values.shape, wanted)


def run_network(network: Classifier, values: FloatImage, runtime: Runtime) -> BertImageClassifierOutput:
    """One pass without gradients, on the runtime's device and in its precision. values: float32 [N, C, rows, columns], N at least 1."""
    with torch.inference_mode(), autocast(runtime):
        return network(pixel_values=torch.from_numpy(values).to(runtime.device))  # type: ignore[no-any-return]


class ModelOwner(Generic[Opened]):
    """Keeps each model that was asked for, once, and gives a new one where the files of a model have changed."""

    def __init__(self, opened: Callable[[str], Opened]) -> None:
        """opened: opens a model by its name."""
        self._open = opened
        self._engines: dict[Path, tuple[Stamp, Opened]] = {}
        self._lock = threading.Lock()

    def engine_for(self, model: str) -> Opened:
        """The engine of a zoo id, a model folder or a hub id. Raises what opening it raises, and DeviceError."""
        folder = find_folder(model).resolve()
        with self._lock:
            stamp = _stamp(folder)
            kept = self._engines.get(folder)
            if kept is not None and kept[0] == stamp:
                return kept[1]
            engine = self._open(model)
            self._engines[folder] = (stamp, engine)
            return engine


Stamp = tuple[tuple[str, int, int], ...]


def engine_for(model: str) -> Engine:
    """The engine of a zoo id, a model folder or a hub id; a second call returns the same one.

    Raises NotFound, BrokenModel, Offline (see models.registry.load_model), and DeviceError where the device of the settings is not there.
    """
    return _OWNER.engine_for(model)


def prepared_runtime() -> Runtime:
    """The runtime of the settings, with as many threads as they say. Raises DeviceError where their device is not there."""
    runtime = choose_runtime()
    if settings().threads > 0:
        torch.set_num_threads(settings().threads)
    return runtime


def open_engine(model: str) -> Engine:
    """A new engine for a model. Raises as engine_for does."""
    runtime = prepared_runtime()
    return Engine(load_model(model, runtime.device), runtime)


_OWNER: ModelOwner[Engine] = ModelOwner(open_engine)


def _stamp(folder: Path) -> Stamp:
    """(name, time in ns, bytes) of each file of the model: cheaper than its hash, and different when any of them was written anew."""
    found = [(name, (folder / name).stat()) for name in FILES if (folder / name).is_file()]
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in found)


def _on_host(tensor: torch.Tensor | None) -> NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy()) if tensor is not None else np.empty(0, dtype=np.float32)
