"""A quantised form made without nncf, for tests that need one and not its quality."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.inference.outputs import export_of
from core.inference.runtimes.exports import openvino
from core.inference.runtimes.quantise import prepared
from core.types import FloatImage
from models.folder import hash_of
from models.quantised import QuantisedForm, Step, write_quantised
from models.registry import LoadedModel, load_model

LAYERS = ("MatMul", "Convolution")


def form_for(model: LoadedModel, values: FloatImage) -> QuantisedForm:
    """Every layer's weights and inputs in eight bits. values: inputs whose values give the ranges."""
    graph = export_of(model).graph(values.shape)
    layers = prepared(graph)
    weighted = [node for node in graph.get_ordered_ops() if node.get_type_name() in LAYERS and is_constant(source_of(node, 1))]
    sources = {source_of(node, 0).get_name(): node.input(0).get_source_output() for node in weighted}  # what several layers read once
    graph.add_outputs(list(sources.values()))
    found = openvino().Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([values]).to_tuple()
    widest = dict(zip(sources, (np.array(np.abs(one).max(), np.float32) for one in found[-len(sources) :]), strict=True))
    inputs = [Step("quantise", ((node.get_friendly_name(), 0),), (-bound, bound), 256) for node, bound in bounds_of(weighted, widest)]
    return QuantisedForm(layers, (*inputs, *(_of_weights(node) for node in weighted)))


def write_form(folder: Path, values: FloatImage) -> None:
    """quantised.safetensors of a model folder of images."""
    write_quantised(folder, hash_of(folder), form_for(load_model(str(folder)), values))


def bounds_of(layers: list[Any], widest: dict[str, FloatImage]) -> list[tuple[Any, FloatImage]]:
    return [(node, widest[source_of(node, 0).get_name()]) for node in layers]


def source_of(node: Any, number: int) -> Any:
    return node.input(number).get_source_output().get_node()


def is_constant(node: Any) -> bool:
    return bool(node.get_type_name() == "Constant")


def _of_weights(node: Any) -> Step:
    """Twice as wide as they are: with whole ranges sums of two products run over sixteen bits on processors without VNNI."""
    weights = np.array(source_of(node, 1).data, dtype=np.float32)
    greatest = 2.0 * np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True)
    return Step("quantise", ((node.get_friendly_name(), 1),), (-greatest, greatest), 255)
