"""Puts a model's quantised form (models/quantised.py) into its graph."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from core.inference.runtimes.exports import openvino, simplify
from models.quantised import QuantisedForm, Step

if TYPE_CHECKING:
    from core.inference.runtimes.exports import Model

LAYERS = ("Convolution", "GroupConvolution", "MatMul", "Add")
"""Types of the nodes that steps lead to: layers, and what adds their biases. The others may differ between shapes of inputs."""


def quantised(graph: Model, form: QuantisedForm) -> Model:
    """The graph, changed in place: prepared as when the form was made, and each step on its edges.

    Raises ValueError where the graph has other layers than the one that the form was made for, or a step does not fit them.
    """
    if prepared(graph) != form.graph:
        raise ValueError("the form is of a network with other layers")
    nodes = {node.get_friendly_name(): node for node in graph.get_ops()}
    for step in form.steps:
        _put(step, nodes)
    graph.validate_nodes_and_infer_types()
    return graph


def prepared(graph: Model) -> str:
    """Join normalisation to the convolution before it, make constants of what is the same for every input, and name the layers in order.

    Names of the library hold numbers that differ from trace to trace. Returns a hash of the layers: their types and their weights' shapes.
    """
    simplify(graph)
    counts: Counter[str] = Counter()
    digest = hashlib.sha256()
    for node in graph.get_ordered_ops():
        kind = node.get_type_name()
        if kind not in LAYERS:
            continue
        node.set_friendly_name(f"{kind}-{counts[kind]}")
        counts[kind] += 1
        digest.update(f"{kind} {_shape_of_weights(node)}\n".encode())
    return digest.hexdigest()[:12]


def _shape_of_weights(node: Any) -> tuple[int, ...]:
    """() of what has none, and of sums: positions are as many as there are tokens."""
    weights = node.input(1).get_source_output().get_node()
    return tuple(weights.get_output_shape(0)) if node.get_type_name() != "Add" and weights.get_type_name() == "Constant" else ()


def _put(step: Step, nodes: dict[str, Any]) -> None:
    targets = [nodes[name].input(number) for name, number in step.inputs]
    sources = {(each.get_node().get_name(), each.get_index()) for each in (one.get_source_output() for one in targets)}
    if len(sources) > 1:
        raise ValueError(f"{step.inputs[0][0]} does not read what {step.inputs[-1][0]} reads")
    made = _made(step, targets[0].get_source_output())
    for target in targets:
        target.replace_source_output(made.output(0))


def _made(step: Step, source: Any) -> Any:
    operations = openvino().opset13
    constants = [operations.constant(array) for array in step.arrays]
    if step.kind == "quantise":
        low, high = constants
        return operations.fake_quantize(source, low, high, low, high, step.levels)
    return getattr(operations, step.kind)(source, constants[0])
