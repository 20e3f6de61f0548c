"""DICOM images as PNG, and the geometry of series, on the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from core.settings import PROJECT
from tests.unit.cli.running import Sightline

RADIOGRAPH = PROJECT / "sample_data" / "chest-radiograph.dcm"
SERIES = PROJECT / "sample_data" / "ct-series"


def changed(path: Path, **values: object) -> Path:
    """A copy of a slice with other attributes; None takes one away."""
    dataset = pydicom.dcmread(SERIES / "slice-22.dcm")
    for keyword, value in values.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def units(path: Path) -> np.ndarray:
    dataset = pydicom.dcmread(path)
    return np.asarray(dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept))


def test_a_slice_is_drawn_at_its_own_size_through_the_window_that_was_given(tmp_path: Path, sightline: Sightline) -> None:
    told = sightline("render", SERIES / "slice-22.dcm", "--window", -600, 1500, "--out", tmp_path, "--json").json
    assert told["path"] == str(SERIES / "slice-22.dcm") and told["frame"] == 1
    assert told["window"] == {"centre": -600.0, "width": 1500.0, "function": "LINEAR"}
    drawn, values = np.asarray(Image.open(told["file"])), units(SERIES / "slice-22.dcm")
    expected = np.clip(((values + 600.5) / 1499.0 + 0.5) * 255.0, 0, 255)  # PS3.3 C.11.2.1.2.1
    assert drawn.dtype == np.uint8 and drawn.shape == values.shape and np.abs(drawn - expected).max() <= 0.5 + 1e-3


def test_without_a_window_the_first_usable_one_counts_and_then_the_full_range(tmp_path: Path, sightline: Sightline) -> None:
    first = changed(tmp_path / "first.dcm", WindowCenter=["40", "-600"], WindowWidth=["0.5", "1500"])
    assert sightline("render", first, "--out", tmp_path / "a", "--json").json["window"] == {
        "centre": -600.0,
        "width": 1500.0,
        "function": "LINEAR",
    }
    none = changed(tmp_path / "none.dcm", WindowCenter=None, WindowWidth=None)
    told = sightline("render", none, "--out", tmp_path / "b", "--json").json
    values = units(none)
    assert told["window"]["centre"] - told["window"]["width"] / 2 == values.min()
    drawn = np.asarray(Image.open(told["file"]))
    assert (drawn.min(), drawn.max()) == (0, 255)


def test_files_of_one_name_get_pictures_of_their_own_and_what_cannot_be_read_keeps_none_back(tmp_path: Path, sightline: Sightline) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shutil.copy(RADIOGRAPH, tmp_path / name / "image.dcm")
    (tmp_path / "a" / "notes.txt").write_text("no image")
    found = sightline("render", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out", "--json")
    lines = found.lines
    assert found.status == 0 and [("error" in line) for line in lines] == [False, True, False]
    assert "notes.txt is a text file" in found.err and "DICOM object" not in found.err
    assert {Path(line["file"]).name for line in lines if "file" in line} == {"image.png", "image-2.png"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"image.png", "image-2.png"}


@pytest.mark.parametrize(("options", "says"), [(("--frame", 2), "--frame is 2"), (("--window", 40, 0.5), "at least 1")])
def test_a_frame_that_is_not_there_and_no_window_are_refused(
    options: tuple[object, ...], says: str, tmp_path: Path, sightline: Sightline
) -> None:
    refused = sightline("render", RADIOGRAPH, *options, "--out", tmp_path / "out")
    assert refused.status == 2 and says in refused.err and not list((tmp_path / "out").glob("*.png"))


def test_a_series_tells_its_geometry_slices_first(sightline: Sightline) -> None:
    told = sightline("volume", SERIES, "--json").json
    dataset = pydicom.dcmread(SERIES / "slice-01.dcm")
    assert told["shape"] == [28, dataset.Rows, dataset.Columns]
    assert told["spacing_mm"][1:] == [float(side) for side in dataset.PixelSpacing]
    places = sorted(float(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2]) for path in SERIES.iterdir())
    assert told["spacing_mm"][0] == pytest.approx(np.diff(places).mean())
    assert told["orientation"] == [float(cosine) for cosine in dataset.ImageOrientationPatient]


def test_slices_with_a_gap_one_image_and_no_image_are_no_volume(tmp_path: Path, sightline: Sightline) -> None:
    for number in (1, 2, 3, 5):
        shutil.copy(SERIES / f"slice-{number:02}.dcm", tmp_path)
    gap = sightline("volume", tmp_path, "--json")
    assert gap.status == 2 and "no volume" in gap.json["error"]["message"] and "--series" not in gap.json["error"]["hint"]
    (tmp_path / "one").mkdir()
    shutil.copy(RADIOGRAPH, tmp_path / "one")
    assert "no volume" in sightline("volume", tmp_path / "one", "--json").json["error"]["message"]
    (tmp_path / "none").mkdir()
    nothing = sightline("volume", tmp_path / "none")
    assert nothing.status == 2 and "no DICOM" in nothing.err


def test_frames_that_no_place_is_told_of_are_no_volume_for_that_reason(sightline: Sightline) -> None:
    told = sightline("volume", Path(pydicom.__file__).parent / "data" / "test_files" / "rtdose.dcm", "--json").json
    assert "the file does not place them one behind the other" in told["error"]["message"]
