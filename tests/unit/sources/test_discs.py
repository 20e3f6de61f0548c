"""A DICOMDIR stands for the files that it names, in folders, in archives, and given by itself."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from core.sources import Source, Unusable, walk
from tests.unit.readers.dicom.dicom_files import save, slice_dataset


@pytest.fixture(scope="module")
def disc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disc as a department writes it: DICOMDIR, three slices, a viewer, and a DICOM file that the DICOMDIR does not name."""
    folder = tmp_path_factory.mktemp("disc")
    records = []
    for number in range(3):
        slice_ = slice_dataset(ImagePositionPatient=[0, 0, 2.0 * number], InstanceNumber=number + 1)
        save(slice_, folder / "DICOM" / f"IM{number}")
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", ["DICOM", f"IM{number}"]
        records.append(record)
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.SOPClassUID, directory.SOPInstanceUID = MediaStorageDirectoryStorage, "1.2.9"
    directory.DirectoryRecordSequence = records
    save(directory, folder / "DICOMDIR")
    (folder / "AUTORUN.EXE").write_bytes(b"MZ viewer")
    (folder / "README.TXT").write_text("Start the viewer.")
    save(slice_dataset(InstanceNumber=9), folder / "EXTRA" / "IM9")
    return folder


def labels(found: list[Source | Unusable], root: str) -> list[str]:
    assert all(isinstance(item, Source) for item in found), [item.error for item in found if isinstance(item, Unusable)]
    return [item.label.removeprefix(root) for item in found]


NAMED = ["DICOM/IM0", "DICOM/IM1", "DICOM/IM2"]


def test_in_a_folder_its_files_come_first_and_the_viewer_of_the_disc_is_no_refused_file(disc: Path, tmp_path: Path) -> None:
    found = labels(list(walk([disc], tmp_path)), f"{disc}/")
    assert found == [*NAMED, "EXTRA/IM9"] and len(found) == 4


def test_given_by_itself_it_stands_for_the_files_that_it_names(disc: Path, tmp_path: Path) -> None:
    assert labels(list(walk([disc / "DICOMDIR"], tmp_path)), f"{disc}/") == NAMED


def test_in_an_archive_below_a_folder_it_is_read_too(disc: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "disc"), "zip", disc.parent, disc.name))
    found = labels(list(walk([packed], tmp_path / "work")), f"{packed}!/{disc.name}/")
    assert found == [*NAMED, "EXTRA/IM9"]


def test_a_copy_in_small_letters_is_the_same_disc(disc: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for path in disc.rglob("*"):
        if path.is_file():
            target = copy / str(path.relative_to(disc)).lower()
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    assert len(labels(list(walk([copy], tmp_path)), f"{copy}/")) == 4


def test_what_it_names_and_is_not_there_is_told_once(disc: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(disc / "DICOMDIR", alone)
    (missing,) = walk([alone], tmp_path)
    assert isinstance(missing, Unusable)
    assert "2 other files" in missing.error.message and "whole disc" in missing.error.hint
    with zipfile.ZipFile(tmp_path / "disc.zip", "w") as archive:
        archive.write(disc / "DICOMDIR", "DICOMDIR")
    (packed,) = walk([tmp_path / "disc.zip"], tmp_path / "work")
    assert isinstance(packed, Unusable) and "2 other files" in packed.error.message


def test_no_name_in_it_leads_out_of_its_folder(disc: Path, tmp_path: Path) -> None:
    (tmp_path / "IM0").write_bytes(b"outside")
    evil = tmp_path / "evil"
    evil.mkdir()
    directory = dcmread(disc / "DICOMDIR")
    directory.DirectoryRecordSequence[0].ReferencedFileID = ["..", "IM0"]
    directory.save_as(evil / "DICOMDIR")
    assert not [item for item in walk([evil], tmp_path) if isinstance(item, Source) and item.path.name == "IM0"]
