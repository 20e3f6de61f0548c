"""Small DICOM files, made for one test each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SERIES = generate_uid(entropy_srcs=["series"])


def installed(name: str) -> Path:
    """One of the files that come with pydicom."""
    path = get_testdata_file(name, download=False)
    assert path is not None, name
    return Path(str(path))


def slice_dataset(pixels: NDArray[Any] | None = None, **attributes: Any) -> Dataset:
    """A CT slice of 16 x 16 pixels at the origin; attributes by keyword are set on top, None removes one."""
    pixels = np.arange(256, dtype=np.int16).reshape(16, 16) if pixels is None else pixels
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = SERIES
    dataset.Modality = "CT"
    dataset.BodyPartExamined = "CHEST"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.SamplesPerPixel = 1
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    dataset.PixelSpacing = [0.5, 0.5]
    dataset.ImageOrientationPatient = list(AXIAL)
    dataset.ImagePositionPatient = [0.0, 0.0, 0.0]
    dataset.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    dataset["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def save(dataset: Dataset, path: Path) -> Path:
    """Write with preamble and file meta information; odd data are written as they are."""
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CTImageStorage)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", generate_uid())
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_stack(folder: Path, positions: list[float], **attributes: Any) -> list[Path]:
    """One axial slice at each position along z; pixels of slice i hold the number i."""
    paths = []
    for index, z in enumerate(positions):
        pixels = np.full((16, 16), index, np.int16)
        dataset = slice_dataset(pixels, ImagePositionPatient=[0.0, 0.0, z], InstanceNumber=index + 1, **attributes)
        paths.append(save(dataset, folder / f"{index:03d}"))
    return paths


def enhanced(positions: list[float], intercepts: list[float]) -> Dataset:
    """An enhanced multi-frame CT: geometry, rescale and window stand in functional groups."""
    pixels = np.stack([np.full((8, 8), index, np.int16) for index in range(len(positions))])
    dataset = slice_dataset(pixels[0], RescaleSlope=None, RescaleIntercept=None, WindowCenter=None, WindowWidth=None)
    for keyword in ("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient"):
        delattr(dataset, keyword)
    dataset.SOPClassUID = UID(EnhancedCTImageStorage)
    dataset.NumberOfFrames = len(positions)
    dataset.PixelData = pixels.tobytes()
    shared = Dataset()
    shared.PixelMeasuresSequence = [_item(PixelSpacing=[0.7, 0.7], SliceThickness=2.0)]
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=list(AXIAL))]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [
        _item(
            PlanePositionSequence=[_item(ImagePositionPatient=[0.0, 0.0, z])],
            PixelValueTransformationSequence=[_item(RescaleSlope=1, RescaleIntercept=intercept, RescaleType="HU")],
            FrameVOILUTSequence=[_item(WindowCenter=index, WindowWidth=100)],
        )
        for index, (z, intercept) in enumerate(zip(positions, intercepts, strict=True))
    ]
    return dataset


def _item(**attributes: Any) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item
