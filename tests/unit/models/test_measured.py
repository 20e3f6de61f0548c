"""What was measured of a model is read back as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import BrokenModel
from models.measured import MEASURED, Answered, Bin, Dropped, Measurement, OperatingPoint, read_measured, write_measured

WHOLE = Measurement(
    "hospital/train",
    7,
    ("a", "b"),
    ((3, 1), (0, 3)),
    (Bin(0.9, 0.85, 7),),
    (Answered(0.5, 1.0), Answered(1.0, 0.86)),
    (Dropped(0.25, 0.8),),
    (OperatingPoint("b", None, 0.5, 1.0, 0.75), OperatingPoint("b", 0.95, 0.3, 1.0, 0.5)),
)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write_measured(tmp_path, [WHOLE, Measurement("elsewhere", 2, ("a", "b"))])
    assert read_measured(tmp_path) == (WHOLE, Measurement("elsewhere", 2, ("a", "b")))


def test_a_model_without_measurements_has_none(tmp_path: Path) -> None:
    assert read_measured(tmp_path) == ()


@pytest.mark.parametrize("text", ["not JSON", '[{"origin": "x"}]', "3"])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / MEASURED).write_text(text)
    with pytest.raises(BrokenModel, match=MEASURED):
        read_measured(tmp_path)
