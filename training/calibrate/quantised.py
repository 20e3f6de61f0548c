"""The quantised form of a network: ranges that nncf finds on images of the training, as steps that its graph is given.

Post-training quantisation (Jacob et al. 2018; Nagel et al. 2021, "A White Paper on Neural Network Quantization", with bias correction), and
SmoothQuant (Xiao et al. 2023), which moves what is hard to round from activations to weights. Weights use half of their range: in sums of
processors without VNNI whole ones run over sixteen bits. Ranges of activations lie around zero: elsewhere ("mixed" in nncf) they are no
more exact in these networks, and slower.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import NotFound
from core.inference.outputs import export_of
from core.inference.runtimes.exports import openvino
from core.inference.runtimes.quantise import prepared, quantised
from core.types import FloatImage
from models.change_registry import LoadedChangeModel
from models.quantised import QuantisedForm, Step
from models.registry import LoadedModel

Loaded = LoadedModel | LoadedChangeModel
NEVER = -1.0
"""As the strength of SmoothQuant: without it."""
MOST_APART = 1e-2
"""Share of the greatest result by which the graph that is kept may differ from nncf's own: sums come in another order."""


@dataclass(frozen=True)
class Manner:
    """What is quantised, and how. is_whole: every layer; else those alone whose results lie on the token grid, or are tokens."""

    is_whole: bool
    is_smooth: bool

    @property
    def name(self) -> str:
        """As cards call it."""
        return f"{'every layer' if self.is_whole else 'layers on the token grid'}, {'with' if self.is_smooth else 'without'} SmoothQuant"


MANNERS = tuple(Manner(whole, smooth) for whole in (True, False) for smooth in (False, True))
"""The quicker ones first."""


def quantised_form(model: Loaded, passes: Sequence[FloatImage], manner: Manner) -> QuantisedForm:
    """What the model's graph is given. passes: float32 [N, channels, rows, columns], standardised, of the training, all of one shape.

    Raises NotFound without nncf, and RuntimeError where the form does not make the graph that nncf made.
    """
    plain = _graph(model, passes[0])
    layers = prepared(plain)
    tokens = math.prod(side // patch for side, patch in zip(passes[0].shape[2:], model.patch, strict=True))
    made = _by_nncf(plain, passes, manner, tokens)
    form = QuantisedForm(layers, steps_between(plain, made))
    again = quantised(_graph(model, passes[0]), form)
    ours, theirs = (_results(graph, passes[0]) for graph in (again, made))
    for one, other in zip(ours, theirs, strict=True):
        apart = float(np.abs(one - other).max()) / max(1.0, float(np.abs(other).max()))
        if apart > MOST_APART:
            raise RuntimeError(f"the graph that is kept is not nncf's: {apart:.3f} apart")
    return form


def steps_between(plain: Any, made: Any) -> tuple[Step, ...]:
    """What turns one graph of OpenVINO into another that nncf made of it: factors first, then shifts of constants, then ranges."""
    known = {node.get_friendly_name(): node for node in plain.get_ops()}
    factors, shifts, ranges = list[Step](), list[Step](), list[Step]()
    for node in made.get_ordered_ops():
        name, kind = node.get_friendly_name(), node.get_type_name()
        if kind == "FakeQuantize":
            ranges.append(_range(node, known))
        elif name not in known and kind == "Multiply":
            factors += _factors(node, known)
        elif name not in known and kind not in ("Constant", "Result"):
            raise RuntimeError(f"nncf put {kind} into the graph, which no step says")
        elif kind == "Add":
            shifts += _shifts(known[name], node)
    return (*factors, *shifts, *ranges)


def _graph(model: Loaded, values: FloatImage) -> Any:
    return export_of(model).graph(values.shape)


def _by_nncf(graph: Any, passes: Sequence[FloatImage], manner: Manner, tokens: int) -> Any:
    openvino()  # first: without the part that tells its makers
    try:
        import nncf
        from nncf.quantization import advanced_parameters as advanced
    except ImportError:
        raise NotFound("nncf is not installed.", "pip install -r requirements-training.txt says how.") from None
    nncf.set_log_level(logging.ERROR)
    smooth = advanced.AdvancedSmoothQuantParameters()
    if not manner.is_smooth:
        smooth = advanced.AdvancedSmoothQuantParameters(convolution=NEVER, matmul=NEVER)
    return nncf.quantize(
        graph.clone(),
        nncf.Dataset(passes),
        preset=nncf.QuantizationPreset.PERFORMANCE,
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(passes),
        ignored_scope=nncf.IgnoredScope(names=[] if manner.is_whole else list(_before_tokens(graph, tokens))),
        advanced_parameters=advanced.AdvancedQuantizationParameters(
            overflow_fix=advanced.OverflowFix.ENABLE,
            smooth_quant_alphas=smooth,
            backend_params={"compress_weights": False},
        ),
    )


def _before_tokens(graph: Any, tokens: int) -> Iterator[str]:
    """Convolutions whose results lie on a finer grid than that of the tokens."""
    for node in graph.get_ops():
        if node.get_type_name().endswith("Convolution") and math.prod(node.get_output_shape(0)[2:]) > tokens:
            yield node.get_friendly_name()


def _results(graph: Any, values: FloatImage) -> list[FloatImage]:
    compiled = openvino().Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [np.array(found) for found in compiled([values]).to_tuple()]


def _ends(node: Any, known: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The inputs of known nodes that a new one leads to, through other new ones."""
    for target in node.output(0).get_target_inputs():
        reader = target.get_node()
        if reader.get_friendly_name() in known:
            yield reader.get_friendly_name(), target.get_index()
        else:
            yield from _ends(reader, known)


def _constant(node: Any, number: int) -> FloatImage:
    return np.array(node.input(number).get_source_output().get_node().data, dtype=np.float32)


def _range(node: Any, known: dict[str, Any]) -> Step:
    low, high, low_out, high_out = (_constant(node, number) for number in (1, 2, 3, 4))
    if not (np.array_equal(low, low_out) and np.array_equal(high, high_out)):
        raise RuntimeError(f"{node.get_friendly_name()} comes out in another range than it goes in")
    return Step("quantise", tuple(_ends(node, known)), (low, high), int(node.get_attributes()["levels"]))


def _factors(node: Any, known: dict[str, Any]) -> Iterator[Step]:
    """SmoothQuant: what is multiplied, and the weights that are divided for it."""
    factor, ends = _constant(node, 1), tuple(_ends(node, known))
    yield Step("multiply", ends, (factor,))
    for name, number in ends:
        product = known[name]
        if product.get_type_name() != "MatMul" or number != 0 or not product.get_attributes()["transpose_b"]:
            raise RuntimeError(f"{name} is no product with weights, [outputs, inputs]")
        yield Step("multiply", ((name, 1),), (1.0 / factor.reshape(1, -1),))


def _shifts(before: Any, after: Any) -> Iterator[Step]:
    """Biases that were corrected for what rounding takes from the mean."""
    for number in range(2):
        nodes = [each.input(number).get_source_output().get_node() for each in (before, after)]
        if all(node.get_type_name() == "Constant" for node in nodes):
            shift = _constant(after, number) - _constant(before, number)
            if shift.any():
                yield Step("add", ((before.get_friendly_name(), number),), (shift,))
