"""Many files, one prediction each: read ahead in threads, computed in batches, answered in their order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice

from core.errors import SightlineError
from core.inference.engine import Engine
from core.inference.prediction import predict_inputs
from core.prepare.inputs import frame_answered, to_input
from core.readers import SceneOptions, read_image
from core.settings import settings
from core.sources import Source, Unusable
from core.types import Image, ModelInput, Prediction, Preprocess, Progress
from core.workflows.faults import our_fault
from core.workflows.large_images import is_large, predict_large

READERS = 2
"""Threads that read and decode; more would take the cores from the network."""
BATCHES_AHEAD = 2


@dataclass(frozen=True)
class FileAnswer:
    """Of one file: its prediction, or the error that kept it from one."""

    label: str
    prediction: Prediction | None = None
    error: SightlineError | None = None


@dataclass(frozen=True)
class _Prepared:
    """One of input, large (too large for one input, to be read by window) and error is there."""

    label: str
    input: ModelInput | None = None
    large: Image | None = None
    error: SightlineError | None = None
    frame: int | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


def predict_files(
    items: Iterable[Source | Unusable], engine: Engine, options: SceneOptions | None = None, watch: Progress | None = None
) -> Iterator[FileAnswer]:
    """An answer for each file, in their order. Nothing that is wrong with one file keeps the others from theirs.

    watch: told (done, total) of the tiles, or slices, of a file that is read in parts. Raises DeviceError where the device gives out.
    """
    prepared = _ahead(items, engine.model.preprocess, options)
    while batch := list(islice(prepared, settings().batch_size)):
        yield from _answers(batch, engine, watch)


def _ahead(items: Iterable[Source | Unusable], preprocess: Preprocess, options: SceneOptions | None) -> Iterator[_Prepared]:
    waiting: deque[Future[_Prepared]] = deque()
    readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
    try:
        for item in items:
            waiting.append(readers.submit(_prepare, item, preprocess, options))
            if len(waiting) > BATCHES_AHEAD * settings().batch_size:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        readers.shutdown(cancel_futures=True)


def _prepare(item: Source | Unusable, preprocess: Preprocess, options: SceneOptions | None) -> _Prepared:
    if isinstance(item, Unusable):
        return _Prepared(item.label, error=item.error)
    try:
        began = time.perf_counter()
        image = read_image(item.path, options=options)
        read = time.perf_counter()
        if is_large(image, preprocess):
            return _Prepared(item.label, large=image, seconds={"read": read - began})
        given = to_input(image, preprocess)
        seconds = {"read": read - began, "prepare": time.perf_counter() - read}
        return _Prepared(item.label, given, frame=frame_answered(image, given), seconds=seconds)
    except SightlineError as error:
        return _Prepared(item.label, error=error)
    except Exception as error:  # of one file; the others go on
        return _Prepared(item.label, error=our_fault(error))


def _answers(batch: Sequence[_Prepared], engine: Engine, watch: Progress | None) -> Iterator[FileAnswer]:
    inputs = [one.input for one in batch if one.input is not None]
    predictions = iter(predict_inputs(engine, inputs))
    for one in batch:
        if one.input is not None:
            prediction = next(predictions)
            yield FileAnswer(one.label, replace(prediction, frame=one.frame, seconds={**one.seconds, "forward": 0.0, **prediction.seconds}))
        elif one.large is not None:
            yield _large_answer(one.label, one.large, one.seconds, engine, watch)
        else:
            yield FileAnswer(one.label, error=one.error)


def _large_answer(label: str, image: Image, seconds: Mapping[str, float], engine: Engine, watch: Progress | None) -> FileAnswer:
    try:
        prediction = predict_large(image, engine, watch=watch)
    except SightlineError as error:
        if error.exit_status != 2:  # the device, not the file
            raise
        return FileAnswer(label, error=error)
    except Exception as error:  # of one file; the others go on
        return FileAnswer(label, error=our_fault(error))
    read = seconds["read"] + prediction.seconds.get("read", 0.0)
    return FileAnswer(label, replace(prediction, seconds={**prediction.seconds, "read": read}))
