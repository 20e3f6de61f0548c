"""Slices that are no volume come with what can be done about it, and nothing is done by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import OutOfRange
from core.readers import read_series
from core.readers.dicom.ways_out import Offer, WayOut, taken, ways_out
from core.types import Study, notice
from tests.unit.readers.dicom.dicom_files import save, slice_dataset, write_stack

EVEN = [0.0, 2.5, 5.0, 7.5, 10.0, 12.5]


def series(folder: Path, places: list[float], kernels: list[str] | None = None) -> Study:
    for index, z in enumerate(places):
        pixels_of = {} if kernels is None else {"ConvolutionKernel": kernels[index]}
        slice_ = slice_dataset(ImagePositionPatient=[0.0, 0.0, z], InstanceNumber=index + 1, RescaleIntercept=index, **pixels_of)
        save(slice_, folder / f"{index:03d}")
    (study,) = read_series(sorted(folder.iterdir()), "series")
    return study


def test_a_volume_needs_no_way_out(tmp_path: Path) -> None:
    assert ways_out(series(tmp_path, EVEN)) == ()


def test_one_of_two_slices_at_a_place_is_left_out_and_the_rest_is_a_volume(tmp_path: Path) -> None:
    study = series(tmp_path, [*EVEN, 5.0])
    offers = {offer.way: offer for offer in ways_out(study)}
    assert offers[WayOut.DUPLICATES].left_out == 1
    (volume,) = taken(study, WayOut.DUPLICATES)
    assert volume.is_volume and volume.slice_spacing_mm == pytest.approx(2.5)
    assert volume.instance_numbers == (1, 2, 3, 4, 5, 6), "the first of the two is kept"
    assert [place[2] for place in volume.positions] == EVEN
    assert volume.assumptions == (notice("dicom.slices-left-out", count=1),)
    assert volume.sha256 != study.sha256


def test_a_localizer_that_does_not_say_so_is_left_out(tmp_path: Path) -> None:
    study = series(tmp_path, [0.0, 2.5, 5.0, 5.15, 7.5, 10.0, 12.5])
    assert not study.is_volume
    (volume,) = taken(study, WayOut.STRAYS)
    assert [place[2] for place in volume.positions] == EVEN
    assert [volume.frame_header(index).RescaleIntercept for index in range(6)] == [0, 1, 2, 4, 5, 6], "each slice kept its own rescale"


def test_of_a_stack_with_a_gap_the_longer_run_is_offered(tmp_path: Path) -> None:
    study = series(tmp_path, [0.0, 2.5, 5.0, 10.0, 12.5, 15.0, 17.5])
    strays = next(offer for offer in ways_out(study) if offer.way is WayOut.STRAYS)
    assert strays == Offer(WayOut.STRAYS, ((3, 4, 5, 6),), 3)


def test_kernels_are_parted_where_one_of_them_has_too_few_slices_to_be_parted_by_itself(tmp_path: Path) -> None:
    study = series(tmp_path, [*EVEN, 5.0, 7.5], ["B30f"] * 6 + ["B70f"] * 2)
    kernel = next(offer for offer in ways_out(study) if offer.way is WayOut.KERNEL)
    assert kernel.left_out == 2
    (soft,) = taken(study, WayOut.KERNEL)
    assert soft.kernel == "B30f" and soft.is_volume


def test_a_tilted_stack_can_be_looked_at_slice_by_slice_and_no_other_way_is_offered(tmp_path: Path) -> None:
    for index in range(5):
        save(slice_dataset(ImagePositionPatient=[0.0, 1.0 * index, 3.0 * index], GantryDetectorTilt=18.4), tmp_path / str(index))
    (study,) = read_series(sorted(tmp_path.iterdir()), "series")
    assert [offer.way for offer in ways_out(study)] == [WayOut.SLICES]
    assert taken(study, WayOut.SLICES) == (study,)
    with pytest.raises(OutOfRange, match="slices"):
        taken(study, WayOut.STRAYS)


def test_kernel_and_instance_numbers_are_kept_and_a_name_in_the_kernel_is_not(tmp_path: Path) -> None:
    study = series(tmp_path / "sound", EVEN, ["B50f"] * 6)
    assert (study.kernel, study.instance_numbers) == ("B50f", (1, 2, 3, 4, 5, 6))
    assert "InstanceNumber" not in study.header, "the header of a series says nothing of one slice"
    (named,) = read_series(write_stack(tmp_path / "named", EVEN, ConvolutionKernel="Mueller Hans"), "series")
    assert named.kernels == ()


@pytest.mark.parametrize("kernel", ["B50f", "Br40d\\3", "I31f\\3", "STANDARD", "FC51", "FC13-H", "LUNG", "YA", "B", "BONEPLUS"])
def test_kernels_of_the_vendors_are_kept(tmp_path: Path, kernel: str) -> None:
    (study,) = read_series(write_stack(tmp_path, EVEN, ConvolutionKernel=kernel.split("\\")), "series")
    assert study.kernel == kernel.replace("\\", " ")
