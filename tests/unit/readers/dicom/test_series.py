"""Slices become a volume only where they prove to be one."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from highdicom import get_volume_from_series
from numpy.testing import assert_allclose, assert_array_equal
from pydicom import dcmread

from core.errors import NotFound, UnreadableFile
from core.readers import read_dicom, read_series
from core.readers.dicom.image import ReadObject
from core.types import Notice, notice
from tests.unit.readers.dicom.dicom_files import installed, save, slice_dataset, write_stack

REGULAR = [0.0, 2.5, 5.0, 7.5, 10.0, 12.5]


def test_shuffled_slices_are_ordered_by_their_place(tmp_path: Path) -> None:
    paths = write_stack(tmp_path, REGULAR)
    random.Random(0).shuffle(paths)
    (study,) = read_series(paths, "series")
    assert study.is_volume
    assert study.slice_spacing_mm == pytest.approx(2.5)
    assert [int(study.frames.read(i)[0, 0]) for i in range(6)] == [0, 1, 2, 3, 4, 5]
    assert [position[2] for position in study.positions] == REGULAR
    assert [path.name for path in study.sources] == ["000", "001", "002", "003", "004", "005"]


def test_a_volume_agrees_with_highdicom(shared_data: Path) -> None:
    paths = sorted((shared_data / "dicom" / "ct-chest-series").iterdir())
    (study,) = read_series(paths, "chest")
    volume = get_volume_from_series([dcmread(path) for path in paths], apply_modality_transform=False, dtype=np.int16)
    frames = np.stack([study.frames.read(i) for i in range(study.shape[0])])
    # highdicom's first axis runs along or against the normal; the order of slices is compared by position.
    first = np.array(study.positions[0])
    if not np.allclose(volume.position, first, atol=1e-3):
        volume = volume.flip_spatial(0)
    assert_allclose(volume.position, first, atol=1e-3)
    assert_array_equal(volume.array, frames)
    assert study.slice_spacing_mm == pytest.approx(volume.spacing[0], rel=1e-3)


def test_rescale_of_each_slice_is_its_own(tmp_path: Path) -> None:
    paths = [
        save(slice_dataset(ImagePositionPatient=[0, 0, float(i)], RescaleSlope=i + 1, SOPInstanceUID=f"1.2.{i}"), tmp_path / str(i))
        for i in range(3)
    ]
    (study,) = read_series(paths, "pet")
    assert [study.frame_header(i).RescaleSlope for i in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("positions", "reason"),
    [
        ([0.0, 2.5, 5.0, 10.0, 12.5], notice("stack.slices-missing", count=1, low_mm=5.0, high_mm=10.0, apart_mm=2.5)),
        ([0.0, 2.5, 5.0, 5.0, 7.5], notice("stack.same-position", position_mm=5.0)),
        ([0.0, 2.0, 3.5, 7.0], notice("stack.uneven", low_mm=1.5, high_mm=3.5)),
    ],
)
def test_an_irregular_stack_is_shown_slice_by_slice_with_the_reason(tmp_path: Path, positions: list[float], reason: Notice) -> None:
    (study,) = read_series(write_stack(tmp_path, positions), "series")
    assert not study.is_volume
    assert study.slice_spacing_mm is None
    assert study.shape[0] == len(positions)
    assert study.assumptions == (notice("dicom.no-volume", slices=len(positions), reason=reason),)


def test_a_gantry_tilt_is_no_volume(shared_data: Path) -> None:
    first, second = read_series(sorted((shared_data / "dicom" / "ct-head-ge-gantry-tilt").iterdir()), "head")
    assert (first.shape[0], second.shape[0]) == (14, 14)
    assert (first.is_volume, second.is_volume) == (False, False)
    assert first.slice_spacing_mm == pytest.approx(4.22 * np.cos(np.radians(18.5)), abs=0.01)
    assert second.slice_spacing_mm == pytest.approx(7.38 * np.cos(np.radians(18.5)), abs=0.01)
    assert notice("dicom.no-volume", slices=14, reason=notice("stack.tilted", degrees=18.5)) in first.assumptions


def test_two_stacks_of_one_series_become_two_volumes(tmp_path: Path) -> None:
    paths = write_stack(tmp_path, [0.0, 5.0, 10.0, 15.0, 25.0, 35.0, 45.0])
    first, second = read_series(paths, "head")
    assert (first.is_volume, second.is_volume) == (True, True)
    assert (first.slice_spacing_mm, second.slice_spacing_mm) == (5.0, 10.0)
    assert (first.name, second.name) == ("head (1 of 2)", "head (2 of 2)")


def test_a_localizer_stands_apart_and_the_stack_stays_a_volume(tmp_path: Path) -> None:
    paths = write_stack(tmp_path, REGULAR)
    flagged = slice_dataset(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    unflagged = slice_dataset(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    for index, dataset in enumerate((flagged, unflagged)):
        paths.insert(0, save(dataset, tmp_path / f"l{index}"))
    studies = read_series(paths, "series")
    volumes = [study for study in studies if study.is_volume]
    assert len(studies) == 3
    assert [study.shape[0] for study in volumes] == [6]
    assert notice("dicom.localizers-left-out", count=1) in volumes[0].assumptions


def test_exact_copies_are_left_out(tmp_path: Path) -> None:
    paths = write_stack(tmp_path, REGULAR)
    copy = tmp_path / "copy"
    copy.write_bytes(paths[2].read_bytes())
    (study,) = read_series([*paths, copy], "series")
    assert study.is_volume
    assert study.assumptions == (notice("dicom.copies-left-out", count=1),)


def test_phases_at_the_same_places_are_parted(tmp_path: Path) -> None:
    one = write_stack(tmp_path / "a", REGULAR, AcquisitionNumber=1)
    two = write_stack(tmp_path / "b", REGULAR, AcquisitionNumber=2, RescaleIntercept=0)
    studies = read_series([*one, *two], "phases")
    assert [(study.is_volume, study.shape[0]) for study in studies] == [(True, 6), (True, 6)]


def test_two_series_in_one_folder_are_two_studies(tmp_path: Path) -> None:
    paths = write_stack(tmp_path / "a", REGULAR) + write_stack(tmp_path / "b", REGULAR, SeriesInstanceUID="1.2.3")
    assert len(read_series(paths, "folder")) == 2


def test_two_views_of_a_radiograph_are_two_studies(tmp_path: Path) -> None:
    paths = [
        save(slice_dataset(Modality="DX", ViewPosition=view, ImagePositionPatient=None, ImageOrientationPatient=None), tmp_path / view)
        for view in ("PA", "LL")
    ]
    assert [study.view for study in read_series(paths, "chest")] == ["PA", "LL"]


def test_slices_that_do_not_tell_where_they_lie_are_ordered_by_number(tmp_path: Path) -> None:
    paths = [
        save(slice_dataset(ImagePositionPatient=None, InstanceNumber=number, SOPInstanceUID=f"1.2.{number}"), tmp_path / str(number))
        for number in (3, 1, 2)
    ]
    (study,) = read_series(paths, "series")
    assert [path.name for path in study.sources] == ["1", "2", "3"]
    assert study.assumptions == (notice("dicom.no-volume", slices=3, reason=notice("stack.no-positions")),)


def test_what_is_no_image_is_left_out_and_said(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("hello")
    (study,) = read_series([*write_stack(tmp_path / "s", REGULAR), notes, installed("rtplan.dcm")], "series")
    assert study.is_volume
    assert study.assumptions == (notice("dicom.left-out", files=("notes.txt", "rtplan.dcm")),)


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("hello")
    with pytest.raises(UnreadableFile):
        read_series([notes], "folder")
    with pytest.raises(NotFound):
        read_series([], "folder")


def test_a_multi_frame_object_in_a_series_stands_alone(tmp_path: Path) -> None:
    studies = read_series([*write_stack(tmp_path, REGULAR), installed("rtdose.dcm")], "mixed")
    assert sorted(study.shape[0] for study in studies) == [6, 15]


def test_the_digest_of_a_series_follows_its_slices_and_not_the_order_of_the_files(tmp_path: Path) -> None:
    paths = write_stack(tmp_path, REGULAR)
    (one,), (other,) = read_series(paths, "a"), read_series(paths[::-1], "b")
    assert one.sha256 == other.sha256
    assert one.sha256 != read_dicom(paths[0]).sha256


def test_slices_are_not_compared_with_each_other_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []
    monkeypatch.setattr(ReadObject, "__eq__", lambda one, other: bool(compared.append(other)) or one is other)
    (study,) = read_series(write_stack(tmp_path, [float(place) for place in range(12)]), "series")
    assert study.is_volume
    assert compared == [], "of n slices that would be half of n squared"
