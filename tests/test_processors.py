"""Tests whose numbers depend on the processor, on lesser processors than this one: torch and oneDNN are told to use less than it has.

Both read their variables once, so each processor is a process of its own. What cannot be forced is more than the machine has.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

NUMBERS = (
    "tests/unit/models/test_bert_image.py",
    "tests/unit/models/test_encoders.py",
    "tests/unit/models/test_linear_attention.py",
    "tests/unit/inference/test_batcher.py",
    "tests/unit/inference/test_engine.py",
    "tests/unit/inference/test_prediction.py",
    "tests/unit/explain/methods/test_grad_cam.py",
    "tests/unit/explain/methods/test_integrated_gradients.py",
    "tests/unit/explain/methods/test_occlusion.py",
    "tests/unit/explain/methods/test_relevance.py",
    "tests/unit/explain/methods/test_rollout.py",
    "tests/unit/training/loop/test_devices.py",
)
PROCESSORS = {
    "no vector units, one thread": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "OMP_NUM_THREADS": "1"},
    "AVX2, two threads": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "2"},
    "AVX512 and VNNI, without bfloat16": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI", "OMP_NUM_THREADS": "1"},
    "AVX512 and bfloat16, without AMX": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16", "OMP_NUM_THREADS": "2"},
}
SECONDS = 600
ASK = "import torch; print(torch.backends.cpu.get_cpu_capability())"


@pytest.mark.slow
@pytest.mark.parametrize("processor", PROCESSORS)
def test_numbers_hold_on_other_processors_than_this(processor: str) -> None:
    environment = {**os.environ, **PROCESSORS[processor]}
    for name in [name for name in environment if name.startswith("PYTEST_")]:  # of the worker that this test runs in
        del environment[name]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *NUMBERS]
    ran = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 0, ran.stdout[-6000:]


def test_the_processor_can_be_forced() -> None:
    told = subprocess.run(
        [sys.executable, "-c", ASK], env={**os.environ, "ATEN_CPU_CAPABILITY": "default"}, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() in ("DEFAULT", "NO AVX")
