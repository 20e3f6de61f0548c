"""Samples as DICOM objects: Digital X-Ray Image Storage - For Presentation, and CT Image Storage, compressed without loss.

Attributes are those of PS3.3 A.26 and A.3. Identifiers are derived from the sample's name, so that the files never change.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, JPEGLSLossless

DAY, TIME = "20260101", "120000"
CLASS_UID = "2.25.77210480123986541234567890123456789"


def uid(name: str) -> str:
    """A UUID-derived identifier (PS3.5 B.2) that is the same for the same name."""
    digest = hashlib.sha256(f"sightline sample {name}".encode()).digest()[:16]
    return f"2.25.{int.from_bytes(digest, 'big')}"


def item(value: str, scheme: str, meaning: str) -> Dataset:
    """One coded term (PS3.3, 8.8)."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def file_of(sop_class: str, instance: str, instance_uid: str = "") -> FileDataset:
    """A file that holds nothing yet but its kind and identifier: derived from the name `instance`, or `instance_uid` itself."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = instance_uid or uid(instance)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = CLASS_UID
    meta.ImplementationVersionName = "SIGHTLINE_SAMPLE"
    made = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)  # type: ignore[arg-type]
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    return made


def _object(sop_class: str, study: str, series: str, instance: str, description: str) -> FileDataset:
    """Patient, study, series and equipment of a made-up examination."""
    made = file_of(sop_class, instance)
    made.PatientName, made.PatientID = "SYNTHETIC^PHANTOM", "SYNTHETIC"
    made.PatientBirthDate, made.PatientIdentityRemoved = "", "YES"
    made.DeidentificationMethod = "Drawn by a program; no patient"
    made.StudyInstanceUID, made.SeriesInstanceUID = uid(study), uid(series)
    made.StudyDate = made.SeriesDate = made.ContentDate = made.AcquisitionDate = DAY
    made.StudyTime = made.SeriesTime = made.ContentTime = made.AcquisitionTime = TIME
    made.StudyID, made.AccessionNumber, made.ReferringPhysicianName = "1", "", ""
    made.StudyDescription = made.SeriesDescription = description
    made.ImageComments = "SYNTHETIC: a phantom drawn by sample_data/make_samples.py"
    made.Manufacturer, made.ManufacturerModelName = "Sightline samples", "Phantom"
    made.DeviceSerialNumber, made.SoftwareVersions = "0", "1"
    made.SeriesNumber, made.AcquisitionNumber, made.InstanceNumber = 1, 1, 1
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated = 16
    made.SyntheticData = "YES"
    made.BurnedInAnnotation, made.LossyImageCompression = "NO", "00"
    return made


def write(made: FileDataset, pixels: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.int16], path: Path) -> None:
    """Give a file its pixels [rows, columns], compressed without loss, and write it."""
    made.Rows, made.Columns = pixels.shape
    made.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    made["PixelData"].VR = "OW" if pixels.dtype.itemsize > 1 else "OB"
    made.compress(JPEGLSLossless, encoding_plugin="pyjpegls", generate_instance_uid=False)
    made.save_as(path, enforce_file_format=True)


def write_radiograph(pixels: NDArray[np.uint16], path: Path, *, name: str, age: str, sex: str, spacing: float) -> None:
    """A frontal chest radiograph, 12 bits, bone bright. age as DICOM writes it ("004Y"); spacing at the detector, in mm."""
    made = _object(DigitalXRayImageStorageForPresentation, name, f"{name} series", f"{name} image", "SYNTHETIC chest radiograph")
    made.Modality, made.PresentationIntentType = "DX", "FOR PRESENTATION"
    made.PatientAge, made.PatientSex = age, sex
    made.ImageType = ["DERIVED", "PRIMARY", ""]
    made.DerivationDescription = "Computed from formulas"
    made.BodyPartExamined, made.ViewPosition, made.PatientOrientation, made.ImageLaterality = "CHEST", "PA", ["L", "F"], "U"
    made.AnatomicRegionSequence = [item("51185008", "SCT", "Chest")]
    made.ViewCodeSequence = [item("272479007", "SCT", "postero-anterior")]
    made.ViewCodeSequence[0].ViewModifierCodeSequence = []
    made.AcquisitionContextSequence = []
    made.ImagerPixelSpacing = [spacing, spacing]
    made.DetectorType, made.DetectorConfiguration, made.DetectorID = "DIRECT", "AREA", "PHANTOM"
    made.PositionerType, made.ExposureInuAs = "NONE", 2000
    made.BitsStored, made.HighBit = 12, 11
    made.PixelIntensityRelationship, made.PixelIntensityRelationshipSign = "LOG", -1
    made.RescaleIntercept, made.RescaleSlope, made.RescaleType = "0", "1", "US"
    made.PresentationLUTShape = "IDENTITY"
    made.WindowCenter, made.WindowWidth, made.VOILUTFunction = "2048", "4096", "LINEAR"
    write(made, pixels, path)


def write_ct_series(volume: NDArray[np.int16], folder: Path, *, name: str, spacing: float, thickness: float) -> None:
    """One file a slice, foot end first, supine, head first. volume: int16 [slices, rows, columns] in Hounsfield units."""
    _, rows, columns = volume.shape
    folder.mkdir(parents=True, exist_ok=True)
    for number, hounsfield in enumerate(volume, start=1):
        made = _object(CTImageStorage, name, f"{name} series", f"{name} slice {number}", "SYNTHETIC chest CT")
        made.Modality, made.BodyPartExamined, made.PatientPosition = "CT", "CHEST", "HFS"
        made.PatientAge, made.PatientSex = "060Y", "O"
        made.ImageType = ["DERIVED", "PRIMARY", "AXIAL"]
        made.DerivationDescription = "Computed from formulas"
        made.FrameOfReferenceUID, made.PositionReferenceIndicator = uid(f"{name} frame"), ""
        made.InstanceNumber = number
        made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        made.ImagePositionPatient = [-(columns - 1) / 2 * spacing, -(rows - 1) / 2 * spacing, (number - 1) * thickness]
        made.SliceLocation = (number - 1) * thickness
        made.PixelSpacing, made.SliceThickness, made.SpacingBetweenSlices = [spacing, spacing], thickness, thickness
        made.KVP, made.ConvolutionKernel, made.RotationDirection = "120", "PHANTOM", "CW"
        made.BitsStored, made.HighBit = 12, 11
        made.RescaleIntercept, made.RescaleSlope, made.RescaleType = "-1024", "1", "HU"
        made.WindowCenter, made.WindowWidth = ["40", "-600"], ["400", "1500"]
        made.WindowCenterWidthExplanation = ["SOFT TISSUE", "LUNG"]
        write(made, (hounsfield + 1024).astype(np.uint16), folder / f"slice-{number:02d}.dcm")
