"""A model's network in the forms that it is asked in, each opened when it is first asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from core.inference.outputs import export_of, outputs_of
from core.inference.runtimes import ExecutableNetwork, Runtime
from core.inference.runtimes.base import QUANTISED_PRECISION
from core.inference.runtimes.openvino import OpenVinoNetwork
from models.change_registry import LoadedChangeModel
from models.quantised import read_quantised
from models.registry import LoadedModel


class Executables:
    """The network as it is asked: for an answer, for one in fp32, with what it holds of each token. Opened when first asked for."""

    def __init__(self, model: LoadedModel | LoadedChangeModel, runtime: Runtime) -> None:
        self._model, self._runtime, self._in_full = model, runtime, replace(runtime, precision="fp32")

    @cached_property
    def answer(self) -> ExecutableNetwork:
        """What answers, in the precision of the runtime."""
        return self._opened(self._runtime)

    @cached_property
    def exact(self) -> ExecutableNetwork:
        """The same in fp32."""
        return self.answer if self._runtime == self._in_full else self._opened(self._in_full)

    @cached_property
    def features(self) -> ExecutableNetwork:
        """In fp32, with the last hidden state of each token."""
        return self._opened(self._in_full, hidden=True)

    def _opened(self, runtime: Runtime, *, hidden: bool = False) -> ExecutableNetwork:
        model = self._model
        if runtime.library == "openvino":
            form = read_quantised(model.folder, model.weights_hash) if runtime.precision == QUANTISED_PRECISION else None
            return OpenVinoNetwork(export_of(model, hidden=hidden), runtime, form)
        from core.inference.runtimes.torch import TorchNetwork  # which an exported graph does without

        return TorchNetwork(outputs_of(model, hidden=hidden), runtime)
