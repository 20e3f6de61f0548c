"""Where a model runs and in which numbers: chosen by the settings and by what is there."""

from __future__ import annotations

import pytest
import torch

from core.errors import DeviceError
from core.inference.runtimes import Runtime, choose, choose_runtime, describe_device
from core.inference.runtimes.torch import autocast
from core.settings import Settings


def with_gpu(monkeypatch: pytest.MonkeyPatch, has_bfloat16: bool = True) -> None:
    """A machine where torch sees a GPU."""
    monkeypatch.setattr(choose, "has_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bfloat16)


def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "has_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_without_a_gpu_the_cpu_computes_in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    without_gpu(monkeypatch)
    assert choose_runtime(Settings()) == Runtime("cpu", "fp32", "cpu", "openvino")


def test_a_gpu_is_taken_when_torch_sees_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpu(monkeypatch)
    assert choose_runtime(Settings()) == Runtime("cuda", "bf16", "A GPU")


def test_where_no_driver_is_installed_torch_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpu(monkeypatch)
    monkeypatch.setattr(choose, "has_driver", lambda: False)
    assert choose_runtime(Settings()).device == "cpu"


def test_a_gpu_before_bfloat16_computes_in_half_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpu(monkeypatch, has_bfloat16=False)
    assert choose_runtime(Settings()).precision == "fp16"


def test_the_cpu_can_be_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpu(monkeypatch)
    assert choose_runtime(Settings(device="cpu")) == Runtime("cpu", "fp32", "cpu", "openvino")


def test_a_gpu_that_is_demanded_and_not_there_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    without_gpu(monkeypatch)
    with pytest.raises(DeviceError, match=r"torch sees no CUDA device\. Set it to auto or cpu"):
        choose_runtime(Settings(device="cuda"))


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_the_precision_can_be_forced(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    without_gpu(monkeypatch)
    assert choose_runtime(Settings(precision=precision)).precision == precision
    with_gpu(monkeypatch)
    assert choose_runtime(Settings(precision=precision)).precision == precision


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_products_inside_autocast_have_the_precision_of_the_runtime(precision: str, dtype: torch.dtype) -> None:
    with autocast(Runtime("cpu", precision)):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is dtype
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32


def test_the_device_is_described_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    without_gpu(monkeypatch)
    monkeypatch.setattr(choose, "settings", Settings)
    monkeypatch.setattr(choose.os, "cpu_count", lambda: 2)
    assert describe_device() == "CPU, 2 cores, OpenVINO fp32"


def test_a_device_that_is_not_there_is_described_and_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    without_gpu(monkeypatch)
    monkeypatch.setattr(choose, "settings", lambda: Settings(device="cuda"))
    assert describe_device() == "SIGHTLINE_DEVICE is cuda, but torch sees no CUDA device."
