"""How fast each runtime answers, in one interleaved run: `python benchmarks/runtimes.py [MODEL ...]`.

For each model of the zoo: its network by torch eager and by a plain loop of transformers' pipeline, and our engine by torch and OpenVINO in
every precision; one input at a time, and in batches. With one thread the processor's time is told (other work on the machine does not
count), with two the wall clock's. A network of two dates has no pipeline.

The pipeline is the library's own ("image-classification") around the same network: its image processor does what ours does with tiles that
have the network's size already, scale and standardise.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from core.inference.engine import Engine
from core.inference.runtimes import available_runtimes
from core.inference.runtimes.base import QUANTISED_PRECISION
from core.types import FloatImage
from models.change_registry import LoadedChangeModel, is_change_model, load_change_model
from models.quantised import has_quantised
from models.registry import LoadedModel, load_model

BATCH, ROUNDS = 32, 5
MODELS = ("land-cover", "chest-ct", "chest-xray", "change-sentinel2")
FLAGS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
Loaded = LoadedModel | LoadedChangeModel


@dataclass(frozen=True)
class Way:
    """One way to answers. ask: takes so many inputs."""

    name: str
    ask: Callable[[int], object]


def ways(model: Loaded) -> Iterator[Way]:
    """The network's own first, to which the others are compared."""
    dates = 2 if isinstance(model, LoadedChangeModel) else 1
    shape = (BATCH, len(model.preprocess.channels), *model.preprocess.size)
    values = [np.random.default_rng(date).normal(size=shape).astype(np.float32) for date in range(dates)]
    yield Way("torch fp32, eager", lambda count: eager(model, [each[:count] for each in values]))
    if isinstance(model, LoadedModel):
        asked = pipeline_of(model)
        pictures = [Image.fromarray(pixels) for pixels in pixels_of(values[0])]
        yield Way("transformers.pipeline", lambda count: asked(pictures[:count], batch_size=count))
    for runtime in available_runtimes():
        if runtime.precision == QUANTISED_PRECISION and not has_quantised(model.folder):
            continue
        engine: Engine[Any] = Engine(model, runtime)
        name = f"engine, {runtime.library} {runtime.precision}"
        yield Way(name, lambda count, engine=engine: engine.forward(*(each[:count] for each in values)))  # type: ignore[misc]


def eager(model: Loaded, values: list[FloatImage]) -> object:
    """The plain loop: one look, no queue, nothing filled up."""
    with torch.inference_mode():
        return model.network(*(torch.from_numpy(each) for each in values))


def pipeline_of(model: LoadedModel) -> Any:
    """transformers' own, around our network."""
    from transformers import AutoConfig, AutoModelForImageClassification, pipeline
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    kind = type(model.network)
    AutoConfig.register(model.network.config.model_type, type(model.network.config), exist_ok=True)
    AutoModelForImageClassification.register(type(model.network.config), kind, exist_ok=True)
    channels = len(model.preprocess.channels)
    processor = ViTImageProcessorPil(do_resize=False, image_mean=[0.5] * channels, image_std=[0.5] * channels)
    return pipeline("image-classification", model=model.network, image_processor=processor, device="cpu")


def pixels_of(values: FloatImage) -> np.ndarray:
    """uint8 [N, rows, columns, 3], or [N, rows, columns] of one channel."""
    pixels = np.clip(values * 40.0 + 128.0, 0, 255).astype(np.uint8)
    return np.moveaxis(pixels, 1, 3) if pixels.shape[1] == 3 else pixels[:, 0]


def timed(found: list[Way], clock: Callable[[], float]) -> dict[tuple[str, int], float]:
    """(way, inputs) -> seconds an input; medians over rounds in which every way has its turn."""
    seconds = defaultdict(list)
    for turn in range(ROUNDS + 1):
        for way in found:
            for count in (1, BATCH):
                began = clock()
                way.ask(count)
                if turn:  # the first round warms up
                    seconds[way.name, count].append((clock() - began) / count)
    return {key: float(np.median(each)) for key, each in seconds.items()}


def report(name: str, found: dict[tuple[str, int], float]) -> None:
    """A table: milliseconds alone, inputs a second in batches, and both as multiples of the network's own."""
    first = next(iter(found))[0]
    print(f"\n{name}\n\n| | alone, ms | of torch's | in batches of {BATCH}, a second | of torch's |\n|---|---|---|---|---|")
    for way in dict.fromkeys(each for each, _ in found):
        alone, many = found[way, 1], found[way, BATCH]
        print(f"| {way} | {alone * 1e3:.1f} | {alone / found[first, 1]:.2f} | {1 / many:.0f} | {found[first, BATCH] / many:.1f} |")


def instruction_sets() -> str:
    """Those of this processor that matter here."""
    told = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("flags")[2].partition("\n")[0].split()
    return ", ".join(flag for flag in FLAGS if flag in told)


def main() -> None:
    """The command of the module's docstring."""
    parser = argparse.ArgumentParser(description="Time every runtime.")
    parser.add_argument("models", nargs="*", default=MODELS)
    names = parser.parse_args().models
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    print(f"{instruction_sets()}; {threads} thread{'s: wall clock' if threads > 1 else ': time of the processor'}", flush=True)
    for name in names:
        model = load_change_model(name) if is_change_model(name) else load_model(name)
        report(name, timed(list(ways(model)), clock))


if __name__ == "__main__":
    main()
