"""The file of a quantised form: it comes back as it was written, and is refused where it is damaged or of other weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import BrokenModel
from models.folder import QUANTISED
from models.quantised import QuantisedForm, Step, has_quantised, read_quantised, write_quantised

HASH = "0123456789ab"
LOW, HIGH = np.float32([[-1.0], [-2.0]]), np.float32([[1.0], [2.0]])
STEPS = (
    Step("multiply", (("product", 0), ("other", 0)), (np.float32([[0.5, 2.0]]),)),
    Step("add", (("bias", 1),), (np.float32([0.1]),)),
    Step("quantise", (("product", 1),), (LOW, HIGH), 255),
)
FORM = QuantisedForm("layers", STEPS)


def test_a_form_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert not has_quantised(tmp_path)
    write_quantised(tmp_path, HASH, FORM)
    assert has_quantised(tmp_path)
    found = read_quantised(tmp_path, HASH)
    assert found.graph == "layers"
    for written, read in zip(STEPS, found.steps, strict=True):
        assert (read.kind, read.inputs, read.levels) == (written.kind, written.inputs, written.levels)
        for one, other in zip(written.arrays, read.arrays, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_form_of_other_weights_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    write_quantised(tmp_path, HASH, FORM)
    with pytest.raises(BrokenModel, match="other weights") as refusal:
        read_quantised(tmp_path, "ba9876543210")
    assert "training.stages.quantise" in refusal.value.hint and "fp32" in refusal.value.hint


@pytest.mark.parametrize(
    "step",
    [
        Step("quantise", (("product", 1),), (HIGH, LOW), 255),
        Step("quantise", (("product", 1),), (LOW, HIGH), 1),
        Step("add", (("bias", 1),), (np.float32([np.nan]),)),
        Step("add", (), (np.float32([1.0]),)),
        Step("divide", (("bias", 1),), (np.float32([1.0]),)),
    ],
    ids=["a range upside down", "one level", "no number", "no input", "an unknown kind"],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, step: Step) -> None:
    write_quantised(tmp_path, HASH, QuantisedForm("layers", (step,)))
    with pytest.raises(BrokenModel, match="cannot be used"):
        read_quantised(tmp_path, HASH)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    write_quantised(tmp_path, HASH, FORM)
    (tmp_path / QUANTISED).write_bytes((tmp_path / QUANTISED).read_bytes()[:100])
    with pytest.raises(BrokenModel, match="cannot be used"):
        read_quantised(tmp_path, HASH)
