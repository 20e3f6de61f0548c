"""A study on disk, with an answer whose one region is a marker in its corner, and its exports."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import DigitalXRayImageStorageForPresentation, generate_uid

from core.export.dicom.content import ExportContent, Region
from core.export.dicom.objects import finish, write_object
from core.export.dicom.source import source_images
from core.readers import read_series
from core.report.image import image_report
from core.types import Study
from core.workflows.dicom.export import OBJECT_KINDS
from tests.unit.readers.dicom.dicom_files import save, slice_dataset
from tests.unit.report import examples as ex

ROWS, COLUMNS, SLICES = 96, 128, 5
CORNER = (3, 5)
"""(row, column) of the marker's first pixel; it is three pixels a side."""
SIDE = 3
TURNED = tuple(
    float(value)
    for value in np.round([np.cos(0.4), np.sin(0.4), 0.0, -np.sin(0.4) * np.cos(0.3), np.cos(0.4) * np.cos(0.3), np.sin(0.3)], 9)
)
PLANES = {
    "axial": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    "oblique": TURNED,
    "flipped": (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    "from the feet": (1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
    "sagittal": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0),
}
IDENTITY = {
    "PatientName": "Zünd^Ada",
    "PatientID": "4711-A",
    "IssuerOfPatientID": "HOSPITAL",
    "PatientBirthDate": "19610203",
    "PatientSex": "F",
    "StudyDate": "20250301",
    "StudyTime": "081500.25",
    "StudyID": "S17",
    "AccessionNumber": "ACC-99",
    "ReferringPhysicianName": "Grün^Otto",
    "StudyDescription": "Thorax nüchtern",
    "PatientAge": "064Y",
    "SpecificCharacterSet": "ISO_IR 100",
    "InstitutionName": "General Hospital",
}


def ct_study(folder: Path, plane: str = "axial", **changes: Any) -> Study:
    """A CT series of SLICES slices with all identifiers, in one of PLANES; slices lie 2 mm apart along the normal."""
    cosines = PLANES[plane]
    normal = np.cross(cosines[:3], cosines[3:])
    common = {"StudyInstanceUID": "1.2.276.0.7238.99.1", "FrameOfReferenceUID": "1.2.276.0.7238.99.2", "PositionReferenceIndicator": ""}
    for index in range(SLICES):
        place = np.array([-30.0, 12.0, 100.0]) + 2.0 * index * normal
        pixels = np.full((ROWS, COLUMNS), index, np.int16)
        slice_ = slice_dataset(
            pixels,
            ImageOrientationPatient=list(cosines),
            ImagePositionPatient=[round(float(value), 9) for value in place],
            PixelSpacing=[0.8, 0.6],
            SliceThickness=2.0,
            InstanceNumber=index + 1,
            SOPInstanceUID=f"1.2.276.0.7238.99.3.{index + 1}",
            **common,
            **IDENTITY,
        )
        for keyword, value in changes.items():
            if value is None:
                delattr(slice_, keyword)
            else:
                setattr(slice_, keyword, value)
        save(slice_, folder / f"{index:03d}.dcm")
    (study,) = read_series(sorted(folder.iterdir()), "series")
    return study


def radiograph(folder: Path) -> Study:
    """A DX image, which has no frame of reference."""
    image = slice_dataset(
        np.full((ROWS, COLUMNS), 100, np.uint16),
        SOPClassUID=DigitalXRayImageStorageForPresentation,
        SOPInstanceUID=generate_uid(),
        Modality="DX",
        ImageOrientationPatient=None,
        ImagePositionPatient=None,
        PixelSpacing=None,
        ImagerPixelSpacing=[0.15, 0.15],
        PatientOrientation=["L", "F"],
        StudyInstanceUID="1.2.276.0.7238.99.1",
        RescaleSlope=None,
        RescaleIntercept=None,
        WindowCenter=100,
        WindowWidth=50,
        **IDENTITY,
    )
    (study,) = read_series([save(image, folder / "dx.dcm")], "dx")
    return study


def marker(frame: int) -> Region:
    mask = np.zeros((ROWS, COLUMNS), dtype=np.bool_)
    mask[CORNER[0] : CORNER[0] + SIDE, CORNER[1] : CORNER[1] + SIDE] = True
    return Region(1, "nodule", {frame: mask}, frame, score=0.93, size_mm=2.0, side="right", ratings=(("malignancy", 0.3),))


def content(study: Study, frame: int | None = None, *, signed_by: str = "") -> ExportContent:
    """An answer whose one region, and the strongest place of whose map, is the marker."""
    frame = study.shape[0] // 2 if frame is None else frame
    prediction = replace(ex.prediction(), frame=frame)
    box = (0.0, 0.0, float(COLUMNS), float(ROWS))
    explanation = replace(ex.explanation(), frame=frame, box=box)
    report = image_report(study, prediction, explanation, ex.CHEST_MODEL)
    drawn = marker(frame).masks[frame].astype(np.float32)
    report = replace(report, signed_by=signed_by, signed_at=ex.NOON if signed_by else "")
    return ExportContent(study, source_images(study), prediction, report, (marker(frame),), explanation, drawn, frame, pdf=b"%PDF-1.4 test")


def exported(told: ExportContent, kind: str, folder: Path, **how: Any) -> Dataset:
    """The first object of a kind, written and read again."""
    description, make = OBJECT_KINDS[kind]
    path = folder / f"{kind}.dcm"
    folder.mkdir(parents=True, exist_ok=True)
    write_object(finish(make(told)[0], told, description, **how), path)
    return dcmread(path)


def errors_by_dciodvfy(path: Path) -> list[str]:
    done = subprocess.run([shutil.which("dciodvfy") or "dciodvfy", str(path)], capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
