"""Opens the network of a model folder: weights and configuration must make one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
import transformers
from safetensors import SafetensorError
from transformers.utils import CONFIG_NAME, SAFE_WEIGHTS_NAME

from core.errors import BrokenModel
from core.settings import settings

_UNFIT = (
    TypeError,
    ValueError,
    OSError,
    RuntimeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    SafetensorError,
)
"""What a value that makes no sense raises somewhere in a library."""
Network = TypeVar("Network", bound=transformers.PreTrainedModel)


def open_network(kind: type[Network], folder: Path) -> Network:
    """The network of config.json and model.safetensors, float32. Raises BrokenModel where the two do not fit."""
    network, loading = loaded(kind, folder)
    unfit = sorted([*loading["missing_keys"], *loading["unexpected_keys"], *(name for name, *_ in loading["mismatched_keys"])])
    if unfit:
        weights = folder / SAFE_WEIGHTS_NAME
        raise BrokenModel(f"{weights} does not fit {CONFIG_NAME}: {unfit[0]} and {len(unfit) - 1} more.", "Take both from one run.")
    return network


def loaded(kind: type[Network], folder: Path, **changes: Any) -> tuple[Network, dict[str, Any]]:
    """The network of a folder, float32, and how its weights fitted: missing_keys, unexpected_keys, mismatched_keys.

    changes: of its configuration. Weights are read from safetensors alone. Raises BrokenModel for files that make no network, and for
    weights that are no finite numbers: what such a network says looks like an answer.
    """
    try:
        if settings().threads > 0:
            torch.set_num_threads(settings().threads)
        with quiet():
            network, loading = kind.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True, ignore_mismatched_sizes=True, **changes
            )
    except _UNFIT as error:
        reason = str(error).strip().partition("\n")[0]
        raise BrokenModel(f"The model in {folder} cannot be opened: {reason}.", "Write it again with `sightline train`.") from None
    for name, values in network.state_dict().items():
        if values.is_floating_point() and not bool(torch.isfinite(values).all()):
            raise BrokenModel(f"{folder / SAFE_WEIGHTS_NAME} holds numbers that are not finite ({name}).", "Take it from another run.")
    return network, loading


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' tables and bars: what they say is said by our errors, in a sentence."""
    before = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.utils.logging.set_verbosity(before)
