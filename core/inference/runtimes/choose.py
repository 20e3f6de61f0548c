"""The runtime: device and number format, chosen by the settings and by what is there."""

from __future__ import annotations

import os
from ctypes import CDLL
from dataclasses import replace
from pathlib import Path

from core.errors import DeviceError
from core.inference.runtimes.base import QUANTISED_PRECISION, Runtime
from core.inference.runtimes.openvino import OPENVINO_PRECISIONS
from core.settings import Settings, settings

GIBIBYTE = 2**30
CUDA_DRIVER = "libcuda.so.1" if os.name == "posix" else "nvcuda.dll"
AMD_DRIVER = Path("/dev/kfd")
"""Builds of torch for AMD's GPUs call them CUDA devices too."""
LIBRARY_WORDS = {"torch": "torch", "openvino": "OpenVINO"}
"""As they are written."""
FOLLOWING = ("auto", "measured")
"""Precisions that say no number format: the device's own is taken, for "measured" each model's (core/inference/runtimes/measured.py)."""


def choose_runtime(chosen: Settings | None = None) -> Runtime:
    """Device, precision and library of the settings; "auto" takes CUDA when torch sees it, with bf16 (fp16 on GPUs before bf16).

    On a CPU "auto" takes OpenVINO where it can compute in the precision that is wanted: two to three times as fast (benchmarks/RESULTS.md).

    Raises DeviceError where CUDA is demanded and torch sees none, and for what the library or the device cannot compute.
    """
    wanted = chosen or settings()
    has_cuda = _has_cuda()
    if wanted.device == "cuda" and not has_cuda:
        raise DeviceError(
            "SIGHTLINE_DEVICE is cuda, but torch sees no CUDA device.",
            "Set it to auto or cpu, or install a CUDA build of torch and its driver.",
        )
    if wanted.runtime == "openvino" and wanted.device != "cpu" and has_cuda:
        raise DeviceError(
            "SIGHTLINE_RUNTIME is openvino, which computes on CPUs alone.", "Set SIGHTLINE_DEVICE=cpu, or the runtime to auto."
        )
    if wanted.device == "cpu" or not has_cuda:
        precision = "fp32" if wanted.precision in FOLLOWING else wanted.precision
        return Runtime("cpu", precision, "cpu", _cpu_library(wanted.runtime, precision))
    if wanted.precision == QUANTISED_PRECISION:
        raise DeviceError("SIGHTLINE_PRECISION is int8, which CPUs alone compute.", "Set SIGHTLINE_DEVICE=cpu, or another precision.")
    import torch

    return Runtime("cuda", _cuda_precision() if wanted.precision in FOLLOWING else wanted.precision, torch.cuda.get_device_name())


def available_runtimes() -> tuple[Runtime, ...]:
    """Every library and precision that the device of the settings can compute in. Raises as choose_runtime does."""
    device = choose_runtime()
    if device.device == "cuda":
        return tuple(replace(device, precision=precision) for precision in dict.fromkeys(("fp32", _cuda_precision())))
    of_torch = (precision for precision in OPENVINO_PRECISIONS if precision != QUANTISED_PRECISION)
    ways = [*(("torch", precision) for precision in of_torch), *(("openvino", precision) for precision in OPENVINO_PRECISIONS)]
    return tuple(replace(device, library=library, precision=precision) for library, precision in ways)


def describe_device() -> str:
    """For people: "CPU, 2 cores, torch fp32"."""
    try:
        runtime = choose_runtime()
    except DeviceError as error:
        return error.message
    if runtime.device == "cpu":
        cores = os.cpu_count() or 1
        precision = "fp32 or int8, as measured" if settings().precision == "measured" else runtime.precision
        return f"CPU, {cores} core{'' if cores == 1 else 's'}, {LIBRARY_WORDS[runtime.library]} {precision}"
    import torch

    memory = torch.cuda.get_device_properties(0).total_memory / GIBIBYTE
    return f"{runtime.name}, {memory:.0f} GiB, torch {runtime.precision}"


def _cpu_library(wanted: str, precision: str) -> str:
    """Raises DeviceError where a library is demanded in a precision that it has not."""
    if wanted == "torch" and precision == QUANTISED_PRECISION:
        raise DeviceError("torch does not compute in int8 here.", "Set SIGHTLINE_RUNTIME to auto, or another precision.")
    if wanted == "openvino" and precision not in OPENVINO_PRECISIONS:
        raise DeviceError(
            f"OpenVINO does not compute in {precision} on a CPU.",
            f"Set SIGHTLINE_PRECISION to {' or '.join(OPENVINO_PRECISIONS)}, or the runtime to torch.",
        )
    return "torch" if wanted == "torch" or precision not in OPENVINO_PRECISIONS else "openvino"


def _has_cuda() -> bool:
    """Whether torch sees a GPU. It takes seconds to import, and is not asked where no driver is installed that it could see one by."""
    if not has_driver():
        return False
    import torch

    return torch.cuda.is_available()


def has_driver() -> bool:
    """Whether the driver of a GPU that torch could see is installed."""
    if AMD_DRIVER.exists():
        return True
    try:
        CDLL(CUDA_DRIVER)
    except OSError:
        return False
    return True


def _cuda_precision() -> str:
    import torch

    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
