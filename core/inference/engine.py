"""The engine: a loaded model, the runtime that computes it, and the thread that owns it. One class for classifiers and change models."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeAlias

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeIs, TypeVar

from core.errors import OutOfRange
from core.inference.batcher import Batcher, Priority
from core.inference.executables import Executables
from core.inference.memory import free_device_memory, is_out_of_memory, out_of_memory
from core.inference.outputs import HEAD
from core.inference.runtimes import Runtime, Shape, choose_runtime
from core.inference.runtimes.base import QUANTISED_PRECISION
from core.inference.runtimes.exports import is_kept
from core.inference.runtimes.measured import quickest_precision
from core.settings import settings
from core.types import FloatImage, Notice
from models.change_registry import LoadedChangeModel, load_change_model
from models.folder import Stamp, stamp_of
from models.quantised import has_quantised
from models.registry import LoadedModel, find_folder, load_model, never

_T = TypeVar("_T")
_Opened = TypeVar("_Opened", bound="Engine[Any]")
Loaded = TypeVar("Loaded", bound=LoadedModel | LoadedChangeModel, default=LoadedModel)

PIXELS_A_PASS = {"torch": 65_536, "openvino": 16_384}
"""Pixels of the inputs of one pass on a CPU. Measured on one core: more at a time is hardly faster, and a lone input is padded less."""
PIXELS_A_QUANTISED_PASS = 8_192
"""In int8 twice as many are a quarter quicker each, and a lone input waits half as long again."""
MOST_REMEMBERED = 64
"""Results that an engine keeps (Engine.remembered); curves of 100 random maps are 15 KB."""


@dataclass(frozen=True)
class Forward:
    """What the network says of N inputs.

    logits: float32, uncalibrated: [N, labels] of a classifier, [N, rows, columns] of a change model.
    token_logits: float32 [N, rows, columns, labels] on the token grid, None where the head does not speak for tokens.
    embeddings: float32 [N, (layers + 1) * width], [N, 0] of a change model.
    seconds: wall time of the passes that the inputs were in.
    heads: logits of the further heads by name, float32 [N, labels], of those of tokens [N, rows, columns, labels].
    features: float32 [N, rows, columns, width], the last hidden state of each token, None where not asked for.
    """

    logits: NDArray[np.float32]
    token_logits: NDArray[np.float32] | None
    embeddings: NDArray[np.float32]
    seconds: float
    heads: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    features: NDArray[np.float32] | None = None


class Engine(Generic[Loaded]):
    """One model on one device. Any thread may call it; one thread owns the network.

    What is asked for waits behind work of its own class, in turns; an engine that was opened works for nobody who waits (Priority.BATCH),
    `interactive` is the same one for somebody who does.
    """

    def __init__(self, model: Loaded, runtime: Runtime) -> None:
        """The network of `model`, where it is opened, lies on the runtime's device."""
        self.model, self.runtime = model, runtime
        self.priority = Priority.BATCH
        limits = settings()
        self._executables = Executables(model, runtime)
        self._remembered: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()
        self._batcher = Batcher(
            self._executables.answer.forward, limits.batch_size, limits.batch_wait_ms / 1000.0, model.id, self._inputs_a_pass
        )

    @property
    def interactive(self) -> Engine[Loaded]:
        """The same engine for work that somebody looks at: it goes before all work in batches."""
        same = copy(self)
        same.priority = Priority.INTERACTIVE
        return same

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the device could not do; whoever tells an answer tells them beside it."""
        return self._batcher.notices

    @property
    def waiting(self) -> int:
        """Requests that wait in the queue."""
        return self._batcher.waiting

    def forward(self, *values: FloatImage, exact: bool = False, features: bool = False) -> Forward:
        """The answers to float32 [N, C, rows, columns], standardised; of a change model to two such arrays, one a date. N is at least 1.

        Goes in micro-batches, shared with whoever asks at the same time. exact: in fp32 whatever the runtime's precision, as explanations
        need it. features: with the last hidden state of each token, in fp32.
        The same values give the same bits, alone or among others, in any order (core.inference.batcher.Batcher).
        Raises OutOfRange for a shape that the network cannot take, DeviceError where not even one input fits.
        """
        self._check(values)
        joined = np.concatenate(values, axis=1) if len(values) > 1 else values[0]
        network = self._executables.features if features else self._executables.exact if exact else self._executables.answer
        answer = self._batcher.forward(np.ascontiguousarray(joined, dtype=np.float32), self.priority, network.forward)
        arrays = answer.arrays
        return Forward(
            logits=arrays["logits"],
            token_logits=arrays.get("token_logits"),
            embeddings=arrays["embeddings"] if "embeddings" in arrays else np.zeros((len(joined), 0), dtype=np.float32),
            seconds=answer.seconds,
            heads={name.removeprefix(HEAD): found for name, found in arrays.items() if name.startswith(HEAD)},
            features=arrays.get("features"),
        )

    def run(self, work: Callable[[Loaded], _T]) -> _T:
        """Work that needs the network itself (gradients, hooks, attention): on the owner thread, in fp32, alone.

        Whatever `work` registers on the network it must take off again. Raises what it raises; DeviceError where memory ran out.
        """
        return self._batcher.run(lambda: self._alone(work), self.priority)

    def remembered(self, key: str, make: Callable[[], _T]) -> _T:
        """What was made before under this key, or is made now. Kept are the newest few: small results that cost many passes."""
        kept = self._remembered
        with self._lock:
            found: _T | None = kept.pop(key, None)
        if found is None:
            found = make()
        with self._lock:
            kept[key] = found
            while len(kept) > MOST_REMEMBERED:
                kept.popitem(last=False)
        return found

    def close(self) -> None:
        """End its thread after the pass that it is in; the engine is not used any more."""
        self._batcher.close()

    def _alone(self, work: Callable[[Loaded], _T]) -> _T:
        try:
            return work(self.model)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        finally:
            if self.model.opened.is_made:
                self.model.network.zero_grad(set_to_none=True)
        free_device_memory()
        raise out_of_memory("this piece of work")

    def _inputs_a_pass(self, shape: Shape) -> int:
        """A power of two that depends on nothing but the shape and the device; a GPU is filled whatever the input."""
        if self.runtime.device == "cuda":
            return settings().batch_size
        is_quantised = self.runtime.precision == QUANTISED_PRECISION
        most = PIXELS_A_QUANTISED_PASS if is_quantised else PIXELS_A_PASS[self.runtime.library]
        return 1 << max(0, (most // (shape[1] * shape[2])).bit_length() - 1)

    def _check(self, values: tuple[FloatImage, ...]) -> None:
        channels, (height, width) = len(self.model.preprocess.channels), self.model.patch
        wanted = f"inputs of {channels} channels whose sides are multiples of {height} x {width} pixels, at least one"
        dates = 2 if isinstance(self.model, LoadedChangeModel) else 1
        if len(values) != dates:
            raise OutOfRange("the number of arrays", len(values), f"{dates}, one a date")
        for each in values:
            if each.ndim != 4 or each.shape[1] != channels or each.size == 0 or each.shape[2] % height or each.shape[3] % width:
                raise OutOfRange("the shape of the inputs", each.shape, wanted)


ChangeEngine: TypeAlias = Engine[LoadedChangeModel]
"""The engine of a model that compares two dates."""


def compares_dates(engine: Engine[Any]) -> TypeIs[ChangeEngine]:
    """Whether an engine is of a model that compares two dates."""
    return isinstance(engine.model, LoadedChangeModel)


class ModelOwner(Generic[_Opened]):
    """Keeps each model that was asked for, once, and gives a new one where the files of a model have changed."""

    def __init__(self, opened: Callable[[str], _Opened]) -> None:
        """opened: opens a model by its name."""
        self._open = opened
        self._engines: dict[Path, tuple[Stamp, _Opened]] = {}
        self._lock = threading.Lock()

    def engine_for(self, model: str) -> _Opened:
        """The engine of a zoo id, a model folder or a hub id. Raises what opening it raises, and DeviceError."""
        folder = find_folder(model).resolve()
        with self._lock:
            stamp = stamp_of(folder)
            kept = self._engines.get(folder)
            if kept is not None and kept[0] == stamp:
                return kept[1]
            engine = self._open(model)
            self._engines[folder] = (stamp, engine)
            return engine

    def close(self) -> None:
        """Close every engine that was opened."""
        with self._lock:
            kept, self._engines = self._engines, {}
        for _, engine in kept.values():
            engine.close()


def engine_for(model: str) -> Engine:
    """The engine of a zoo id, a model folder or a hub id; a second call returns the same one.

    Raises NotFound, BrokenModel, Offline (see models.registry.load_model), and DeviceError where the device of the settings is not there.
    """
    return _CLASSIFIERS.engine_for(model)


def change_engine_for(model: str) -> ChangeEngine:
    """The same for a model that compares two dates. Raises as models.change_registry.load_change_model does, and DeviceError."""
    return _CHANGE_MODELS.engine_for(model)


def close_engines() -> None:
    """End the threads of all engines: a process that leaves while one computes is aborted by the libraries below it."""
    for owner in (_CLASSIFIERS, _CHANGE_MODELS):
        owner.close()


def open_engine(model: str) -> Engine:
    """A new engine for a model. Raises as engine_for does."""
    runtime = choose_runtime()
    loaded = load_model(model, runtime.device, _known_to(runtime))
    return Engine(loaded, _for_model(runtime, loaded))


def _open_change_engine(model: str) -> ChangeEngine:
    runtime = choose_runtime()
    loaded = load_change_model(model, runtime.device, _known_to(runtime))
    return Engine(loaded, _for_model(runtime, loaded))


def _for_model(runtime: Runtime, model: LoadedModel | LoadedChangeModel) -> Runtime:
    """Networks of other projects run by torch unless the settings say otherwise: nobody has tried them elsewhere.

    A model without a quantised form runs in fp32 where int8 is wanted.
    """
    if settings().precision == "measured" and runtime.library == "openvino":
        runtime = replace(runtime, precision=quickest_precision(model.weights_hash))
    if runtime.precision == QUANTISED_PRECISION and not has_quantised(model.folder):
        runtime = replace(runtime, precision="fp32")
    is_chosen = settings().runtime == runtime.library
    return runtime if is_chosen or model.is_own else replace(runtime, library="torch")


def _known_to(runtime: Runtime) -> Callable[[str], bool]:
    """Whether a runtime has answered by a network before, and kept what it answers by."""
    return is_kept if runtime.library == "openvino" else never


_CLASSIFIERS: ModelOwner[Engine] = ModelOwner(open_engine)
_CHANGE_MODELS: ModelOwner[ChangeEngine] = ModelOwner(_open_change_engine)
