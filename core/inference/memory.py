"""When memory runs out: how that is known, what is said of it, and what can be given back."""

from __future__ import annotations

import sys

from core.errors import DeviceError

CPU_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch or Python means that memory ran out. The CPU's allocator has no error class of its own."""
    torch = sys.modules.get("torch")  # an error of a library that nobody imported is not raised
    kinds = (MemoryError,) if torch is None else (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or any(words in str(error) for words in CPU_OUT_OF_MEMORY)


def out_of_memory(what: str) -> DeviceError:
    """The error for work that does not fit, whatever the batch."""
    return DeviceError(f"Memory ran out with {what}.", "Close other programs that use the device, or set SIGHTLINE_DEVICE=cpu.")


def free_device_memory() -> None:
    """Give blocks that torch keeps for later back to the GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
