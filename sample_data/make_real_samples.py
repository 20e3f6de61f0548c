"""Writes the real samples into sample_data/real: `python -m sample_data.make_real_samples DATA`. The same bytes come out each time.

DATA holds what was taken, in these folders:

- chest-xray/train: radiographs of children at 224 px (Kermany et al. 2018), of two patients whom no training has seen
  (`apart` of training/recipes/chest-xray.toml);
- dicom/ct-chest-series: adjacent slices of a chest CT of RIDER (The Cancer Imaging Archive);
- geotiff/fire-sentinel2-california: Sentinel-2 before and after a wildfire of 2024.

A header is built anew from a list of attributes and never copied, so that nothing goes along that nobody looked at.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import rasterio
from PIL import Image

from sample_data.phantoms.dicom import file_of, item, uid, write

HERE = Path(__file__).resolve().parent / "real"

KERMANY = "Kermany et al. 2018, Mendeley Data, CC BY 4.0"
MADE_INTO_DX = "224 px, squashed to a square, and made into DX: no original pixels, no scale in mm"
VIEW = "AP"
"""As the data set says of all its radiographs."""
RIDER = "RIDER Pilot, The Cancer Imaging Archive (CC BY)"
SLICES = range(44, 52)
KEPT_OF_CT = (
    "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID PositionReferenceIndicator Modality Manufacturer "
    "ManufacturerModelName PatientID PatientAge PatientPosition ImageType ContrastBolusAgent SliceThickness KVP GantryDetectorTilt "
    "ReconstructionDiameter RotationDirection ConvolutionKernel SeriesNumber AcquisitionNumber InstanceNumber ImagePositionPatient "
    "ImageOrientationPatient SliceLocation PixelSpacing Rows Columns SamplesPerPixel PhotometricInterpretation BitsAllocated BitsStored "
    "HighBit PixelRepresentation PixelPaddingValue RescaleIntercept RescaleSlope"
)
"""Geometry, acquisition and pixels; of the patient the age alone, and the number under which the archive publishes him or her."""
EMPTY = "PatientName PatientBirthDate PatientSex StudyDate StudyTime StudyID AccessionNumber ReferringPhysicianName"
"""What the standard wants to be there, and may be empty (type 2)."""

COPERNICUS = "Contains modified Copernicus Sentinel data 2024"
BANDS = {"B2": "B02", "B3": "B03", "B4": "B04", "B8": "B08", "B12": "B12"}
FIRE = "Sentinel-2 around a wildfire in Kern County, California, resampled to about 20 m"
ROUNDED = "Digital numbers rounded from float64 to uint16; reflectance = number x 0.0001"


@dataclass(frozen=True)
class Radiograph:
    """Where a radiograph lies, and the patient's number in the data set. Both films carry an R on the image's left."""

    file: str
    patient: str


RADIOGRAPHS = {
    "child-normal": Radiograph("normal/NORMAL2-IM-1113-0001.jpg", "IM-1113"),
    "child-pneumonia": Radiograph("bacterial-pneumonia/person1812_bacteria_4667.jpg", "person1812"),
}


def write_radiograph(source: Path, path: Path, *, name: str, patient: str) -> None:
    """A JPEG of a frontal chest as DX, its pixels unchanged; what is not known stays empty or away."""
    pixels = np.asarray(Image.open(source).convert("L"))
    made = file_of("1.2.840.10008.5.1.4.1.1.1.1.1", f"{name} image")
    for keyword in EMPTY.split():
        setattr(made, keyword, "")
    made.PatientID, made.PatientIdentityRemoved = patient, "YES"
    made.DeidentificationMethod = "As published: numbers in place of names"
    made.StudyInstanceUID, made.SeriesInstanceUID = uid(name), uid(f"{name} series")
    made.StudyDescription = "Chest radiograph of a child"
    made.ImageComments, made.DerivationDescription = f"{KERMANY}. {MADE_INTO_DX}", MADE_INTO_DX
    made.ImageType = ["DERIVED", "PRIMARY", ""]
    made.Manufacturer, made.SeriesNumber, made.InstanceNumber = "", 1, 1
    made.Modality, made.PresentationIntentType = "DX", "FOR PRESENTATION"
    made.BodyPartExamined, made.ViewPosition, made.PatientOrientation, made.ImageLaterality = "CHEST", VIEW, ["L", "F"], "U"
    made.AnatomicRegionSequence = [item("51185008", "SCT", "Chest")]
    made.ViewCodeSequence = [item("399348003", "SCT", "antero-posterior")]
    made.ViewCodeSequence[0].ViewModifierCodeSequence = []
    made.AcquisitionContextSequence = []
    made.DetectorType = made.PositionerType = ""
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.PixelIntensityRelationship, made.PixelIntensityRelationshipSign = "LOG", -1
    made.RescaleIntercept, made.RescaleSlope, made.RescaleType, made.PresentationLUTShape = "0", "1", "US", "IDENTITY"
    made.WindowCenter, made.WindowWidth, made.VOILUTFunction = "128", "256", "LINEAR"
    made.BurnedInAnnotation, made.LossyImageCompression, made.LossyImageCompressionMethod = "NO", "01", "ISO_10918_1"
    made.LossyImageCompressionRatio = f"{pixels.size / source.stat().st_size:.2f}"
    write(made, pixels, path)


def write_ct_slice(source: Path, path: Path) -> None:
    """A slice with its pixels as they are, under a header of its own."""
    taken = pydicom.dcmread(source)
    made = file_of(taken.SOPClassUID, "", instance_uid=taken.SOPInstanceUID)
    for keyword in EMPTY.split():
        setattr(made, keyword, "")
    for keyword in KEPT_OF_CT.split():
        if keyword in taken:
            made[keyword] = taken[keyword]
    made.BodyPartExamined = "CHEST"  # said in the description of the study there
    made.StudyDescription = made.SeriesDescription = "CT CHEST W/ CONT"
    made.ImageComments = f"{RIDER}; no truth is claimed of it"
    made.PatientIdentityRemoved, made.BurnedInAnnotation, made.LossyImageCompression = "YES", "NO", "00"
    made.DeidentificationMethod = "By the archive; then a header of listed attributes"
    made.RescaleType = "HU"
    made.WindowCenter, made.WindowWidth = ["40", "-600"], ["400", "1500"]
    made.WindowCenterWidthExplanation = ["SOFT TISSUE", "LUNG"]
    write(made, taken.pixel_array, path)


def write_scene(source: Path, path: Path) -> None:
    """A date as people get it from a provider: uint16 with scale, band names and a description."""
    with rasterio.open(source) as taken:
        numbers, profile = taken.read(), taken.profile
        names = [BANDS[name] for name in taken.descriptions]
    layout = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "predictor": 2, "zlevel": 9, "interleave": "band"}
    with rasterio.open(path, "w", **{**profile, **layout, "dtype": "uint16", "nodata": 0}) as target:
        target.write(np.round(numbers).astype(np.uint16))
        target.descriptions = names
        target.scales, target.offsets = (0.0001,) * len(names), (0.0,) * len(names)
        target.update_tags(TIFFTAG_IMAGEDESCRIPTION=f"{FIRE}. {ROUNDED}. {COPERNICUS}", TIFFTAG_COPYRIGHT=COPERNICUS)


def make_all(data: Path, into: Path) -> None:
    """Write every sample under the folder `into`."""
    (into / "ct-rider").mkdir(parents=True, exist_ok=True)
    for name, radiograph in RADIOGRAPHS.items():
        write_radiograph(data / "chest-xray" / "train" / radiograph.file, into / f"{name}.dcm", name=name, patient=radiograph.patient)
    for number in SLICES:
        write_ct_slice(data / "dicom" / "ct-chest-series" / f"1-{number:03d}.dcm", into / "ct-rider" / f"slice-{number:02d}.dcm")
    for date in ("before", "after"):
        write_scene(data / "geotiff" / "fire-sentinel2-california" / f"2024-{date}.tif", into / f"wildfire-2024-{date}.tif")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m sample_data.make_real_samples DATA [INTO]")
    make_all(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else HERE)
