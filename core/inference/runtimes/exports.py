"""Networks as graphs of OpenVINO: made of torch once for each shape of inputs, and kept on disk by what decides them.

Whoever finds a graph on the disk needs neither torch nor transformers.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.inference.runtimes.base import Shape
from core.settings import PROJECT, private_home

if TYPE_CHECKING:
    from openvino import Model as Model
    from torch import nn

    from core.inference.runtimes.torch import Outputs

FOLDER = "exports"
MOST_KEPT = 24
"""Graphs on disk; one of a zoo model takes about 10 MB."""
CODE = ("models/bert_image", "core/inference/outputs.py", "core/inference/runtimes/exports.py", "core/inference/runtimes/tracing.py")
"""What a trace depends on beside the network's own numbers: a graph of other code is not taken."""
RESULT = "result: "
"""What our name of a result begins with: a compiled network has names of its own beside it."""
TRACERS = ("torch", "openvino", "transformers")
NAME_DIGITS = 24
"""Hex digits of each of the two parts of a graph's name."""


@dataclass(frozen=True)
class Export:
    """A network as it is asked for some results.

    identity: tells it from every other network. purpose: what tells graphs of one network apart.
    made: (results by name, the network whose numbers they hold), in torch; asked for where no graph is on the disk.
    """

    identity: str
    purpose: str
    made: Callable[[], tuple[Outputs, nn.Module]]

    def graph(self, shape: Shape) -> Model:
        """The graph for inputs of a shape, (N, channels, rows, columns), its results named as the network's: from the disk, else made."""
        path = private_home() / FOLDER / f"{_named(self.identity)}-{_digits(f'{self.purpose} {shape}')}.xml"
        if path.is_file():
            with suppress(RuntimeError):  # cut off, or of another release
                return openvino().Core().read_model(path)
        graph = self._converted(shape)
        with suppress(OSError, RuntimeError):  # a full disk only means that it is made again
            _keep(graph, path)
        return graph

    def _converted(self, shape: Shape) -> Model:
        from core.inference.runtimes.tracing import traced  # torch, which takes seconds

        openvino()
        from openvino.frontend import FrontEndManager
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

        script, names = traced(*self.made(), np.zeros(shape, dtype=np.float32))
        # not by convert_model, which would tell its makers
        manager, decoder = FrontEndManager(), TorchScriptPythonDecoder(script)  # both must live until it is converted
        reader = manager.load_by_framework("pytorch")
        graph: Model = reader.convert(reader.load(decoder))
        graph.reshape(list(shape))
        for output, name in zip(graph.outputs, names, strict=True):
            output.get_tensor().set_names({f"{RESULT}{name}"})
        return graph


def openvino() -> Any:
    """The library, imported when first needed, and without the part that tells its makers of each import and each network."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # which the library takes for not installed
    import openvino as library

    return library


def simplify(graph: Model) -> None:
    """Join normalisation to the convolution before it, and make constants of what is the same for every input, in place."""
    openvino()
    from openvino._offline_transformations import apply_moc_transformations

    apply_moc_transformations(graph, cf=True)


def is_kept(identity: str) -> bool:
    """Whether a graph of a network is on the disk, so that its files made a network when it was written."""
    return any((private_home() / FOLDER).glob(f"{_named(identity)}-*.xml"))


def _named(identity: str) -> str:
    """A network as the code of today makes it."""
    return _digits(f"{_code().hex()} {identity}")


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:NAME_DIGITS]


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
