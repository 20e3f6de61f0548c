"""Opens the network of a model folder: weights and configuration must make one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
import transformers
from safetensors import SafetensorError
from transformers.utils import CONFIG_NAME, SAFE_WEIGHTS_NAME

from core.errors import BrokenModel

Network = TypeVar("Network", bound=transformers.PreTrainedModel)


def open_network(kind: type[Network], folder: Path) -> Network:
    """The network of config.json and model.safetensors, float32. Raises BrokenModel where the two do not fit."""
    try:
        with _quiet():
            network, loading = kind.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True)
    except (TypeError, ValueError, OSError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise BrokenModel(f"The model in {folder} cannot be opened: {reason}.", "Write it again with `sightline train`.") from None
    unfit = sorted([*loading["missing_keys"], *loading["unexpected_keys"], *(name for name, *_ in loading["mismatched_keys"])])
    if unfit:
        weights = folder / SAFE_WEIGHTS_NAME
        raise BrokenModel(f"{weights} does not fit {CONFIG_NAME}: {unfit[0]} and {len(unfit) - 1} more.", "Take both from one run.")
    return network  # type: ignore[no-any-return]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' tables and bars: what they say is said by our errors, in a sentence."""
    before = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.utils.logging.set_verbosity(before)
