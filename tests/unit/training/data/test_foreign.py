"""Pictures of other kinds: what an OOD detector learns from is not what it is measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from core.errors import NotFound
from training.data import foreign
from training.data.foreign import beside, measured_pictures, taught_pictures


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(foreign, "MOST_MEASURED", 5)
    for number in range(9):
        folder = tmp_path / "strange" / f"kind-{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(np.full((8, 8), number, dtype=np.uint8)).save(folder / f"{number}.png")
    return tmp_path / "strange"


def test_nothing_that_is_taught_is_measured(pictures: Path) -> None:
    measured, taught = ({item.path for item in found} for found in (measured_pictures(pictures), taught_pictures(pictures, 100)))
    assert (len(measured), len(taught)) == (5, 4) and not measured & taught
    assert [item.path for item in measured_pictures(pictures)] == [item.path for item in measured_pictures(pictures)]
    assert len(taught_pictures(pictures, 2)) == 2


def test_a_small_folder_is_measured_alone(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "MOST_MEASURED", 600)
    assert len(measured_pictures(pictures)) == 9 and taught_pictures(pictures, 100) == []


def test_folders_lie_beside_the_data_or_beside_what_it_lies_in(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "own" / "train").mkdir(parents=True)
    for data in (tmp_path / "own", tmp_path / "own" / "train"):
        assert beside([data], ["strange"]) == [pictures]


def test_a_folder_that_is_not_there_is_named(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="No folder elsewhere lies beside"):
        beside([tmp_path / "own"], ["elsewhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="holds no picture"):
        measured_pictures(tmp_path / "empty")
