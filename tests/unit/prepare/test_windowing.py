"""What a screen shows of a stored DICOM frame, against the standard's formulas, pydicom and DCMTK."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.pixels import apply_voi_lut

from core.prepare.windowing import PRESETS, apply_modality, apply_window, default_window, full_range, modality_values, render, windows_of
from core.types import Study, Window

TEST_FILES = Path(pydicom.data.__file__).parent / "test_files"
COMPARABLE = ("CT_small", "MR_small", "MR_small_RLE", "MR_small_bigendian", "examples_overlay", "image_dfl", "liver_1frame", "rtdose")
REAL = (
    "odd/dx_image.dcm",
    "odd/explicit_mr_rle_mono2.dcm",
    "odd/suyashkumar-3.dcm",
    "ct-chest-series/1-030.dcm",
    "ct-head-ge-gantry-tilt/01.dcm",
)
CHANGES: dict[str, Callable[[Dataset], None]] = {
    "MONOCHROME1": lambda header: setattr(header, "PhotometricInterpretation", "MONOCHROME1"),
    "several windows": lambda header: header.update({"WindowCenter": [40, -600], "WindowWidth": [400, 1500]}),
    "sigmoid": lambda header: header.update({"WindowCenter": 40, "WindowWidth": 400, "VOILUTFunction": "SIGMOID"}),
    "VOI LUT": lambda header: header.update({"VOILUTSequence": [table(list(range(0, 1024, 2)), -600, 10)]}),
    "modality LUT": lambda header: with_modality_table(header),
}


class Frames:
    """Frames in memory, where a reader would decode them when asked."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.pixels = pixels

    @property
    def shape(self) -> tuple[int, int, int]:
        frames, rows, columns = self.pixels.shape[:3]
        return frames, rows, columns

    def read(self, index: int) -> NDArray[Any]:
        return self.pixels[index]


def study(pixels: NDArray[Any], header: Dataset) -> Study:
    photometric = header.get("PhotometricInterpretation", "MONOCHROME2")
    return Study("a file", "0" * 64, Frames(pixels), header, (header,), "CT", photometric=photometric)


def study_of(path: Path) -> Study:
    dataset = dcmread(path)
    pixels = dataset.pixel_array
    return study(pixels[None] if pixels.ndim == 2 else pixels, dataset)


def grey(stored: list[int], dtype: type = np.int16, **attributes: Any) -> list[int]:
    """The rendering of a frame of one row."""
    header = Dataset()
    header.update(attributes)
    return [int(value) for value in render(study(np.array([[stored]], dtype=dtype), header), 0)[0]]


def table(entries: list[int], first: int, bits: int) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first & 0xFFFF, bits]
    item["LUTDescriptor"].VR = "US"
    item.add_new("LUTData", "US", entries)
    return item


def with_modality_table(header: Dataset) -> None:
    for name in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
        if name in header:
            delattr(header, name)
    header.PixelRepresentation = 0
    item = table([entry // 3 for entry in range(2048)], 0, 16)
    item.ModalityLUTType = "US"
    header.ModalityLUTSequence = [item]


def by_dcmtk(path: Path, voi: list[str], out: Path) -> NDArray[np.int64]:
    """dcm2pnm's rendering, without the overlays, which are not the window's business."""
    if shutil.which("dcm2pnm") is None:
        pytest.skip("dcm2pnm is not here: install the package dcmtk")
    subprocess.run(["dcm2pnm", "+on", "-O", *voi, str(path), str(out)], check=True, capture_output=True)
    return np.asarray(Image.open(out)).astype(np.int64)


def voi_option(header: Dataset) -> list[str]:
    if windows_of(header):
        return ["+Wi", "1"]
    return ["+Wl", "1"] if "VOILUTSequence" in header else ["+Wm"]


@pytest.mark.parametrize("name", COMPARABLE)
def test_real_files_look_as_dcmtk_shows_them_within_one_grey_level(name: str, tmp_path: Path) -> None:
    path = TEST_FILES / f"{name}.dcm"
    opened = study_of(path)
    expected = by_dcmtk(path, voi_option(opened.header), tmp_path / "o.png")
    assert np.abs(render(opened, 0).astype(np.int64) - expected).max() <= 1


@pytest.mark.parametrize("change", CHANGES)
def test_each_way_of_display_looks_as_dcmtk_shows_it_within_one_grey_level(change: str, tmp_path: Path) -> None:
    dataset = dcmread(TEST_FILES / "CT_small.dcm")
    CHANGES[change](dataset)
    dataset.save_as(tmp_path / "changed.dcm")
    opened = study_of(tmp_path / "changed.dcm")
    expected = by_dcmtk(tmp_path / "changed.dcm", voi_option(opened.header), tmp_path / "o.png")
    assert np.abs(render(opened, 0).astype(np.int64) - expected).max() <= 1


def test_real_radiographs_and_slices_look_as_dcmtk_shows_them(shared_data: Path, tmp_path: Path) -> None:
    for name in REAL:
        path = shared_data / "dicom" / name
        opened = study_of(path)
        expected = by_dcmtk(path, voi_option(opened.header), tmp_path / "o.png")
        assert np.abs(render(opened, 0).astype(np.int64) - expected).max() <= 1, name


@given(
    values=st.lists(st.integers(-2000, 4000), min_size=2, max_size=20),
    centre=st.floats(-1000, 3000),
    width=st.floats(1, 3000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_a_window_gives_what_pydicom_gives_on_the_scale_of_a_screen(values: list[int], centre: float, width: float, function: str) -> None:
    header = Dataset()
    header.update({"PhotometricInterpretation": "MONOCHROME2", "BitsStored": 8, "PixelRepresentation": 0})
    header.update({"WindowCenter": f"{centre:.6g}", "WindowWidth": f"{width:.6g}", "VOILUTFunction": function})
    (window,) = windows_of(header) or (None,)
    if window is None or (function == "LINEAR" and window.width == 1.0):
        return  # pydicom divides by zero where the standard has a threshold
    with np.errstate(over="ignore"):
        expected = apply_voi_lut(np.array(values, dtype=np.float64), header)
    np.testing.assert_allclose(apply_window(np.array(values, dtype=np.float32), window), expected, atol=0.05)


def test_monochrome1_is_the_negative_of_monochrome2_and_inverted_once() -> None:
    stored = [0, 50, 200]
    negative = grey(stored, PhotometricInterpretation="MONOCHROME1")
    assert negative == [255 - value for value in grey(stored, PhotometricInterpretation="MONOCHROME2")]


def test_a_presentation_lut_shape_does_not_invert_a_second_time() -> None:
    assert grey([0, 255], PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE") == [255, 0]


def test_the_first_of_several_windows_is_shown_and_all_are_offered() -> None:
    header = Dataset()
    header.update({"WindowCenter": ["40", "-600"], "WindowWidth": ["400", "1500"], "WindowCenterWidthExplanation": ["SOFT", "LUNG"]})
    assert windows_of(header) == (Window(40, 400, "LINEAR", "SOFT"), Window(-600, 1500, "LINEAR", "LUNG"))
    assert default_window(study(np.zeros((1, 1, 2), np.int16), header), 0) == Window(40, 400, "LINEAR", "SOFT")


@pytest.mark.parametrize(("function", "width"), [("LINEAR", "0.5"), ("LINEAR", "-20"), ("LINEAR_EXACT", "0"), ("SIGMOID", "-1")])
def test_a_width_that_the_standard_forbids_is_no_window(function: str, width: str) -> None:
    assert grey([0, 100], WindowCenter="1000", WindowWidth=width, VOILUTFunction=function) == [0, 255]


def test_a_narrow_window_is_allowed_where_the_function_is_exact() -> None:
    assert grey([9, 10, 11], WindowCenter="10", WindowWidth="0.5", VOILUTFunction="LINEAR_EXACT") == [0, 128, 255]


def test_a_linear_window_of_width_one_is_a_threshold() -> None:
    assert grey([9, 10, 11], WindowCenter="10", WindowWidth="1") == [0, 255, 255]


def test_a_window_without_its_width_is_ignored() -> None:
    assert grey([0, 10], WindowCenter="1000") == [0, 255]


def test_an_intercept_alone_is_applied() -> None:
    header = Dataset()
    header.RescaleIntercept = "-1024"
    assert apply_modality(np.array([[24]], np.int16), header)[0, 0] == -1000
    header.RescaleIntercept, header.RescaleSlope = "", "2"
    assert apply_modality(np.array([[24]], np.int16), header)[0, 0] == 48


def test_the_window_is_in_units_after_the_rescale() -> None:
    soft_tissue = {"WindowCenter": "40", "WindowWidth": "400"}
    assert grey([1024 - 160, 1064, 1024 + 239], RescaleSlope="1", RescaleIntercept="-1024", **soft_tissue) == [0, 128, 255]


def test_padding_does_not_take_part_in_the_full_range() -> None:
    assert grey([-2000, 0, 50, 100], PixelPaddingValue=-2000) == [0, 0, 128, 255]
    assert grey([-2000, 0, 50, 100], PixelPaddingValue=63536) == [0, 0, 128, 255]
    assert grey([-2000, -1500, 0, 100], PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1000) == [0, 0, 0, 255]


def test_a_frame_of_one_value_is_black_and_has_no_range() -> None:
    header = Dataset()
    flat = study(np.full((1, 2, 2), 7, np.int16), header)
    assert render(flat, 0).max() == 0
    assert full_range(flat, 0) is None


def test_a_voi_table_is_used_only_where_there_is_no_window() -> None:
    voi = {"VOILUTSequence": [table([0, 1023, 512], 0, 10)]}
    assert grey([0, 1, 2, 3], **voi) == [0, 255, 128, 128]
    assert grey([0, 1, 2, 3], **voi, WindowCenter="1.5", WindowWidth="3", VOILUTFunction="LINEAR_EXACT") == [0, 85, 170, 255]


@pytest.mark.parametrize(("raw", "bits"), [(bytes([0, 255, 128]), 8), (np.array([0, 1020, 512], "<u2").tobytes(), 10)])
def test_tables_stored_as_raw_bytes_or_words_are_read(raw: bytes, bits: int) -> None:
    item = table([0, 0, 0], 0, bits)
    item.add_new("LUTData", "OW", raw)
    assert grey([0, 1, 2], VOILUTSequence=[item]) == pytest.approx([0, 255, 128], abs=1)


def test_a_chosen_window_wins_over_that_of_the_file() -> None:
    header = Dataset()
    header.update({"WindowCenter": "0", "WindowWidth": "10"})
    shown = render(study(np.array([[[-1000, 1000]]], np.int16), header), 0, Window(0, 4000, "LINEAR_EXACT"))
    assert shown.tolist() == [[64, 191]]


def test_a_colour_frame_is_shown_as_it_is() -> None:
    header = Dataset()
    header.PhotometricInterpretation = "RGB"
    pixels = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    opened = study(pixels, header)
    np.testing.assert_array_equal(render(opened, 0), pixels[0])
    assert default_window(opened, 0) is None
    assert full_range(opened, 0) is None
    assert modality_values(opened, 0).shape == (2, 4)


def test_hounsfield_units_of_a_real_slice_come_from_its_header() -> None:
    opened = study_of(TEST_FILES / "CT_small.dcm")
    values = modality_values(opened, 0)
    assert values.min() == opened.frames.read(0).min() - 1024
    assert values.dtype == np.float32


def test_the_presets_are_those_that_readers_know() -> None:
    assert {preset.name: (preset.width, preset.centre) for preset in PRESETS} == {
        "soft tissue": (400, 40),
        "lung": (1500, -600),
        "liver": (150, 90),
        "bone": (2500, 480),
        "brain": (80, 40),
    }
