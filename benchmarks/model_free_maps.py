"""How many maps that never saw a network does the ruler call supported? At most one in twenty may be, of each kind.

    python benchmarks/model_free_maps.py chest-xray ../shared/data/chest-xray/train --images 24

Maps that know nothing of the model, each measured as a method's map would be, with the rollout of random weights as its opponent: noise of
other lengths than the ruler's own, blobs in the middle and elsewhere, edges, brightness and local contrast; then maps of networks with
other random weights, by each method. Last the methods themselves, of which as many as possible should be. Prints a table for RESULTS.md.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude, sobel

from core.explain.evidence import MethodResult, no_progress
from core.explain.measure.gain import MapEvaluation
from core.explain.measure.opponents import random_weights
from core.explain.registry import COMMON, METHODS, usual_methods
from core.explain.targets import target_of
from core.inference.engine import Engine, engine_for
from core.readers import read_picture
from core.types import FloatImage, Gain, ModelInput, Target
from core.workflows.image import explained_input

SEED = 1
OTHER_WEIGHTS = 99
"""Seed of the networks whose maps are measured; those that they are set beside have another."""
NOISE = (0.0, 0.35, 0.7, 1.0, 1.5, 2.0, 3.0)
"""Standard deviations in tokens."""
ENDINGS = {".jpg", ".jpeg", ".png"}


def model_free(given: ModelInput, patch: tuple[int, int], random: np.random.Generator) -> Iterator[tuple[str, FloatImage]]:
    """(kind, float32 [rows, columns] on the input)."""
    rows, columns = given.values.shape[1:]
    grid = (rows // patch[0], columns // patch[1])
    for sigma in NOISE:
        field = random.standard_normal((grid[0] + 24, grid[1] + 24))
        smooth = (gaussian_filter(field, sigma) if sigma else field)[12 : 12 + grid[0], 12 : 12 + grid[1]]
        yield f"noise, {sigma:g} tokens", smooth.repeat(patch[0], axis=0).repeat(patch[1], axis=1)
    y, x = np.mgrid[:rows, :columns]
    for share in (6, 4):
        spread = 2 * (rows / share) ** 2
        yield f"blob in the middle, 1/{share}", np.exp(-((y - rows / 2 + 0.5) ** 2 + (x - columns / 2 + 0.5) ** 2) / spread)
        row, column = random.uniform(0.25, 0.75, 2) * (rows, columns)
        yield f"blob elsewhere, 1/{share}", np.exp(-((y - row) ** 2 + (x - column) ** 2) / spread)
    yield "rings about the middle", -np.abs(np.hypot(y - rows / 2, x - columns / 2) - rows / 4)
    for width in (1.4, 3.0, 6.0):
        yield f"edges, {width:g} px", np.sum([gaussian_gradient_magnitude(each, width) for each in given.values], axis=0)
    yield "edges, Sobel", np.sum([np.hypot(sobel(each, 0), sobel(each, 1)) for each in given.values], axis=0)
    grey = given.shown.mean(axis=0)
    yield "brightness", grey
    yield "darkness", -grey
    local = gaussian_filter(grey, rows / 16)
    yield "local contrast", gaussian_filter((grey - local) ** 2, rows / 16)
    yield "unlike the mean", np.abs(grey - grey.mean())


def measured(engine: Engine, given: ModelInput, random: np.random.Generator) -> Iterator[tuple[str, Gain]]:
    """(kind of map, its gain) for one input."""
    target = target_of(engine, given)
    maps, steps = 100, COMMON["removal_steps"]
    ruler = MapEvaluation(engine, given, target, np.zeros_like(given.values), steps, maps, COMMON["seed"])
    own = {name: explained(engine, given, target, name) for name in usual_methods(engine.model)}
    alike = {name: made.parameters for name, made in own.items()}
    with random_weights(engine, COMMON["seed"]) as opponent:
        beside = {name: explained(opponent, given, target, name, alike[name]).pixels for name in own}
    for kind, pixels in model_free(given, engine.model.patch, random):
        yield kind, ruler.measure(pixels.astype(np.float32), beside["rollout"], no_progress).gain
    with random_weights(engine, OTHER_WEIGHTS) as other:
        for name in beside:
            pixels = explained(other, given, target, name, alike[name]).pixels
            yield f"{name}, random weights", ruler.measure(pixels, beside[name], no_progress).gain
    for name, made in own.items():
        yield f"({name})", ruler.measure(made.pixels, beside[name], no_progress).gain


def explained(
    engine: Engine, given: ModelInput, target: Target, name: str, parameters: Mapping[str, Any] = MappingProxyType({})
) -> MethodResult:
    """The map of a method, by its defaults but for those parameters."""
    method = METHODS[name]
    return method.run(engine, given, target, {**method.defaults, **COMMON, **parameters}, no_progress)


def main() -> None:
    """The command of the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=24)
    asked = parser.parse_args()
    engine, random = engine_for(asked.model), np.random.default_rng(SEED)
    files = sorted(file for file in asked.folder.rglob("*") if file.suffix.lower() in ENDINGS and not file.stem.endswith("_readers"))
    chosen = [files[place] for place in random.permutation(len(files))[: asked.images]]
    found: dict[str, list[Gain]] = defaultdict(list)
    for file in chosen:
        given = explained_input(read_picture(file), engine)
        for kind, gain in measured(engine, given, random):
            found[kind].append(gain)
    print("| map | supported | p at most 0.05 | gain, mean |\n|---|---|---|---|")
    for kind, gains in found.items():
        shares = (np.mean([each.is_supported for each in gains]), np.mean([each.p <= 0.05 for each in gains]))
        print(f"| {kind} | {100 * shares[0]:.0f} % | {100 * shares[1]:.0f} % | {np.mean([each.value for each in gains]):.3f} |")
    free = [gain.is_supported for kind, gains in found.items() if not kind.startswith("(") for gain in gains]
    print(f"\n{100 * np.mean(free):.1f} % of {len(free)} maps that never saw the network's weights are supported; {len(chosen)} images.")


if __name__ == "__main__":
    main()
