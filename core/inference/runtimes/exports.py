"""Networks of torch as graphs of OpenVINO: traced once for each shape of inputs, and kept on disk by what decides them."""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from core.inference.runtimes.torch import Outputs
from core.settings import PROJECT, private_home
from core.types import FloatImage

if TYPE_CHECKING:
    from openvino import Model

FOLDER = "exports"
MOST_KEPT = 24
"""Graphs on disk; one of a zoo model takes about 10 MB."""
CODE = ("models/bert_image", "core/inference/outputs.py", "core/inference/runtimes/exports.py")
"""What a trace depends on beside the network's own numbers: a graph of other code is not taken."""
RESULT = "result: "
"""What our name of a result begins with: a compiled network has names of its own beside it."""
TRACERS = ("torch", "openvino", "transformers")


def openvino() -> Any:
    """The library, imported when first needed, and without the part that tells its makers of each import and each network."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # which the library takes for not installed
    import openvino as library

    return library


def graph_of(outputs: Outputs, network: nn.Module, values: FloatImage, purpose: str) -> Model:
    """The graph for inputs of the shape of `values`, its results named as the network's own: from disk where it is known, else traced.

    network: whose numbers it holds, so that another one is not taken for it. purpose: tells graphs of one network apart.
    Results without a number, as the embeddings of a change model, are no part of it.
    """
    path = _place(network, values, purpose)
    if path.is_file():
        with suppress(RuntimeError):  # cut off, or of another release
            return openvino().Core().read_model(path)
    graph = _traced(outputs, network, values)
    with suppress(OSError, RuntimeError):  # a full disk only means that it is traced again
        _keep(graph, path)
    return graph


def _traced(outputs: Outputs, network: nn.Module, values: FloatImage) -> Model:
    openvino()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    wrapped, example = _Tuple(outputs, network), torch.from_numpy(np.ascontiguousarray(values))
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # that sizes become constants, which is what is meant
        script = torch.jit.trace(wrapped, example, check_trace=False, strict=False)  # type: ignore[no-untyped-call]
        # not by convert_model, which would tell its makers
        manager, decoder = FrontEndManager(), TorchScriptPythonDecoder(script)  # both must live until it is converted
        reader = manager.load_by_framework("pytorch")
        graph: Model = reader.convert(reader.load(decoder))
    graph.reshape(list(values.shape))
    for output, name in zip(graph.outputs, wrapped.names, strict=True):
        output.get_tensor().set_names({f"{RESULT}{name}"})
    return graph


class _Tuple(nn.Module):
    """Results by name as a tuple, which is what a trace can give. names: theirs, once it has run.

    network: whose numbers a trace may only hold where they are those of a part of what is traced.
    """

    def __init__(self, outputs: Outputs, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._outputs = outputs
        self.names: tuple[str, ...] = ()

    def forward(self, values: Tensor) -> tuple[Tensor, ...]:
        """values: float32 [N, channels, rows, columns]."""
        found: Mapping[str, Tensor] = {name: tensor for name, tensor in self._outputs(values).items() if tensor.numel()}
        self.names = tuple(found)
        return tuple(found.values())


def _place(network: nn.Module, values: FloatImage, purpose: str) -> Path:
    digest = hashlib.sha256(_code())
    digest.update(f"{purpose} {values.shape} {getattr(network, 'config', '')}".encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).tobytes())
    return private_home() / FOLDER / f"{digest.hexdigest()[:32]}.xml"


@cache
def _code() -> bytes:
    digest = hashlib.sha256(" ".join(version(name) for name in TRACERS).encode())
    for place in CODE:
        path = PROJECT / place
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.digest()


def _keep(graph: Model, path: Path) -> None:
    """Written beside its place and moved there: a graph is there whole or not at all. The longest unused ones go."""
    path.parent.mkdir(exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.stem}.{os.getpid()}.xml")
    openvino().save_model(graph, part, compress_to_fp16=False)
    for suffix in (".bin", ".xml"):  # the numbers first: whoever finds the graph finds them too
        written = part.with_suffix(suffix)
        written.chmod(0o600)
        written.replace(path.with_suffix(suffix))
    for old in sorted(path.parent.glob("*.xml"), key=lambda one: one.stat().st_mtime)[:-MOST_KEPT]:
        for suffix in (".xml", ".bin"):
            old.with_suffix(suffix).unlink(missing_ok=True)
