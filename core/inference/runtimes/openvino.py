"""OpenVINO as a runtime: a network compiled for this CPU, for each shape of a pass its own.

In such a network nothing is left to be decided while it runs: the same values in a pass of the same shape give the same bits, whatever
else the machine does.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from core.errors import DeviceError
from core.inference.runtimes.base import Arrays, Runtime, Shape
from core.inference.runtimes.exports import RESULT, Export, openvino
from core.inference.runtimes.quantise import quantised
from core.settings import settings
from core.types import FloatImage
from models.quantised import QuantisedForm

MOST_SHAPES = 6
"""Networks that are kept compiled, the latest: a model is asked in few shapes."""
OPENVINO_PRECISIONS = {"fp32": "f32", "bf16": "bf16", "int8": "bf16"}
"""What layers compute in, of a quantised form those that are not quantised; OpenVINO takes f32 where the processor has no bf16."""


class OpenVinoNetwork:
    """A network that takes and gives arrays (core.inference.runtimes.base.ExecutableNetwork), compiled when a shape is first asked for."""

    def __init__(self, export: Export, runtime: Runtime, form: QuantisedForm | None = None) -> None:
        """export: of a network that lies on the CPU where it has to be made. form: its quantised form, for int8."""
        self._export, self._runtime, self._form = export, runtime, form
        self._compiled: OrderedDict[tuple[int, ...], _Compiled] = OrderedDict()

    def forward(self, values: FloatImage) -> Arrays:
        """One pass in the runtime's precision. Raises DeviceError where OpenVINO cannot take the network."""
        compiled = self._compiled.pop(values.shape, None) or self._compile(values.shape)
        self._compiled[values.shape] = compiled
        while len(self._compiled) > MOST_SHAPES:
            self._compiled.popitem(last=False)
        return compiled.forward(values)

    def _compile(self, shape: Shape) -> _Compiled:
        try:
            graph = self._export.graph(shape)
            graph = graph if self._form is None else quantised(graph, self._form)
            request = openvino().Core().compile_model(graph, "CPU", _options(self._runtime)).create_infer_request()
        except (RuntimeError, TypeError, ValueError, LookupError) as error:
            raise DeviceError(
                f"OpenVINO cannot run this model ({type(error).__name__}).", "Set SIGHTLINE_RUNTIME=torch, which runs every model."
            ) from error
        return _Compiled(request)


class _Compiled:
    """A network for one shape of inputs. request: of OpenVINO."""

    def __init__(self, request: Any) -> None:
        self._request = request
        outputs = request.get_compiled_model().outputs
        self._names = [next(name.removeprefix(RESULT) for name in output.names if name.startswith(RESULT)) for output in outputs]

    def forward(self, values: FloatImage) -> Arrays:
        self._request.infer([np.ascontiguousarray(values, dtype=np.float32)])
        return {name: np.array(self._request.get_output_tensor(place).data, np.float32) for place, name in enumerate(self._names)}


def _options(runtime: Runtime) -> dict[str, Any]:
    threads = settings().threads
    return {
        "INFERENCE_PRECISION_HINT": OPENVINO_PRECISIONS[
            runtime.precision
        ],  # its own choice would be bf16 where the processor is quick at it
        "PERFORMANCE_HINT": "LATENCY",
        **({"INFERENCE_NUM_THREADS": threads} if threads else {}),
    }
