"""The quantised form of a network: what its graph is given so that layers compute in eight-bit integers. Weights are those of the folder.

Made by training/stages/quantise.py; core/inference/runtimes/quantise.py puts it into a graph. It holds ranges, factors and shifts alone, so
that there is one set of weights, and none of another network can be taken for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.errors import BrokenModel
from models.folder import QUANTISED

WEIGHTS_KEY, GRAPH_KEY, STEPS_KEY = "weights", "graph", "steps"
"""Of the file's metadata."""
ARRAYS = {"multiply": 1, "add": 1, "quantise": 2}
"""Kinds of steps, and how many arrays each has."""


@dataclass(frozen=True)
class Step:
    """What is done to a value of the graph on its way into some nodes.

    kind: "multiply" and "add" take one array; "quantise" takes the least and the greatest value of the range and rounds to `levels` steps
    of it. inputs: (name of the node, number of its input) of every node that gets the result; they all read one value.
    arrays: float32, of shapes that broadcast to the value's.
    """

    kind: str
    inputs: tuple[tuple[str, int], ...]
    arrays: tuple[NDArray[np.float32], ...]
    levels: int = 0


@dataclass(frozen=True)
class QuantisedForm:
    """graph: hash of the layers of the graph that it was made for. steps: in the order in which they are made."""

    graph: str
    steps: tuple[Step, ...]


def has_quantised(folder: Path) -> bool:
    """Whether a model folder has a quantised form."""
    return (folder / QUANTISED).is_file()


def read_quantised(folder: Path, weights: str) -> QuantisedForm:
    """weights: hash of the folder's weights.

    Raises BrokenModel for a file that cannot be used, and for one that was made of other weights.
    """
    path = folder / QUANTISED
    try:
        with safe_open(path, "numpy") as file:
            told = file.metadata() or {}
            steps = tuple(_step(place, one, file) for place, one in enumerate(json.loads(told[STEPS_KEY])))
        made_of, form = told[WEIGHTS_KEY], QuantisedForm(told[GRAPH_KEY], steps)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise _broken(path, f"cannot be used ({type(error).__name__})") from None
    if made_of != weights:
        raise _broken(path, f"was made of other weights ({made_of}) than lie beside it ({weights})")
    return form


def write_quantised(folder: Path, weights: str, form: QuantisedForm) -> None:
    """The file of a model folder. weights: hash of the weights that it was made of."""
    told = [{"kind": one.kind, "inputs": one.inputs, "levels": one.levels} for one in form.steps]
    arrays = {
        _key(place, part): np.ascontiguousarray(array) for place, one in enumerate(form.steps) for part, array in enumerate(one.arrays)
    }
    facts = {WEIGHTS_KEY: weights, GRAPH_KEY: form.graph, STEPS_KEY: json.dumps(told, separators=(",", ":"))}
    save_file(arrays, folder / QUANTISED, metadata=facts)


def _step(place: int, told: dict[str, object], file: safe_open) -> Step:
    """Raises what a value that makes no sense raises, which is one of the errors of read_quantised."""
    kind, inputs = str(told["kind"]), told["inputs"]
    arrays = tuple(_array(file, _key(place, part)) for part in range(ARRAYS[kind]))
    if not all(np.isfinite(array).all() for array in arrays) or not isinstance(inputs, list) or not inputs:
        raise ValueError("numbers that are not finite, or no input")
    levels = int(str(told["levels"]))
    if kind == "quantise" and not (levels > 1 and (arrays[0] <= arrays[1]).all()):
        raise ValueError("a range that holds nothing")
    return Step(kind, tuple((str(name), int(number)) for name, number in inputs), arrays, levels)


def _array(file: safe_open, key: str) -> NDArray[np.float32]:
    found: NDArray[np.generic] = file.get_tensor(key)  # type: ignore[no-untyped-call]
    return found.astype(np.float32)


def _key(place: int, part: int) -> str:
    return f"{place}.{part}"


def _broken(path: Path, why: str) -> BrokenModel:
    return BrokenModel(
        f"The quantised form {path} {why}.", "Make it again (python -m training.stages.quantise), or set SIGHTLINE_PRECISION to fp32."
    )
