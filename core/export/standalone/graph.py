"""A network as ONNX: one image in, its logits and its embedding out."""

from __future__ import annotations

import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.types import FloatImage
from models.registry import LoadedModel

INPUT, RESULTS = "values", ("logits", "embeddings")
OPSET = 18
"""Of 2022: onnxruntime 1.14 and later read it."""
FEWEST_HALVED = 64
"""Numbers of a tensor from which halving it is worth another node."""
LEAST_AGREEMENT = 1e-3
"""Largest difference from the network's own logits: one that is larger is no rounding."""
WARM, TIMED = 3, 20
PACKAGES = "pip install -r requirements-export.txt"


def needed() -> tuple[Any, Any]:
    """(onnx, onnxruntime). Raises InputError, naming what to install, where one is missing."""
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise InputError(f"This needs the package {error.name}, which is not installed.", f"Install it: {PACKAGES}") from None
    return onnx, onnxruntime


def write_graph(model: LoadedModel, path: Path) -> None:
    """Write the network of a model for one image, float32 [1, channels, rows, columns]; `RESULTS` name what it gives.

    Weights that are stored in sixteen bits are sixteen bits in the file, and are widened when it is opened, so that nothing is rounded.
    Raises InputError where a package is missing or where onnxruntime does not say what the network says.
    """
    onnx, _ = needed()
    import torch

    from core.inference.outputs import outputs_of
    from core.inference.runtimes.tracing import traced

    everything = outputs_of(model)
    values = np.random.default_rng(0).normal(size=shape_of(model)).astype(np.float32)

    def asked(given: torch.Tensor) -> dict[str, torch.Tensor]:
        found = everything(given)
        return {name: found[name] for name in RESULTS}

    script, _ = traced(asked, model.network, values)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # that this exporter is the older one: the newer needs two more packages for the same graph
        as_stored: dict[str, Any] = {"do_constant_folding": False}  # onnxruntime merges convolutions and their normalisation itself
        names: dict[str, Any] = {"input_names": [INPUT], "output_names": list(RESULTS)}
        torch.onnx.export(script, (torch.from_numpy(values),), str(path), dynamo=False, opset_version=OPSET, **as_stored, **names)
        expected = asked(torch.from_numpy(values))["logits"].numpy()
    graph = onnx.load(str(path))
    _halve(graph)
    onnx.save(graph, str(path))
    _check(path, values, expected)


def shape_of(model: LoadedModel) -> tuple[int, int, int, int]:
    """(1, channels, rows, columns) of the input."""
    return (1, len(model.preprocess.channels), *model.preprocess.size)


def latency_ms(path: Path, shape: tuple[int, ...]) -> float:
    """Milliseconds of one image on one core, the median of twenty."""
    session, values, taken = _session(path), np.zeros(shape, dtype=np.float32), []
    for _ in range(WARM + TIMED):
        began = time.perf_counter()
        session.run(list(RESULTS), {INPUT: values})
        taken.append(time.perf_counter() - began)
    return 1000.0 * statistics.median(taken[WARM:])


def _session(path: Path) -> Any:
    _, onnxruntime = needed()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _check(path: Path, values: FloatImage, expected: NDArray[np.float32]) -> None:
    found = _session(path).run(["logits"], {INPUT: values})[0]
    difference = float(np.abs(found - expected).max())
    if not difference <= LEAST_AGREEMENT:
        raise InputError(f"onnxruntime does not say what the network says (logits differ by {difference:.2g}).", "It cannot be exported.")


def _halve(graph: Any) -> None:
    """Numbers that sixteen bits hold exactly are stored so; a node in front of all others widens them again."""
    onnx, _ = needed()
    kept, widening = [], []
    for tensor in graph.graph.initializer:
        numbers = onnx.numpy_helper.to_array(tensor)
        if numbers.dtype != np.float32 or numbers.size < FEWEST_HALVED:
            kept.append(tensor)
            continue
        with np.errstate(over="ignore"):
            half = numbers.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), numbers):
            kept.append(tensor)
            continue
        name = f"{tensor.name}.half"
        kept.append(onnx.numpy_helper.from_array(half, name))
        widening.append(onnx.helper.make_node("Cast", [name], [tensor.name], to=onnx.TensorProto.FLOAT))
    nodes = [*widening, *graph.graph.node]
    del graph.graph.initializer[:], graph.graph.node[:]
    graph.graph.initializer.extend(kept)
    graph.graph.node.extend(nodes)
