"""The synthetic samples are what sample_data/README.md says: marked, sound, small, and drawn by the script beside them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pydicom
import pytest
import rasterio
from numpy.typing import NDArray
from pydicom.sr.codedict import codes

from core.errors import SightlineError
from core.prepare.windowing import modality_values
from core.readers import read_image, read_series
from core.sources.samples import bundled, catalogue
from core.types import Scene, Study
from sample_data.make_samples import CT_SEED, EARTH_SEED, RADIOGRAPHS
from sample_data.phantoms import ct, earth, radiograph

SAMPLES = Path(__file__).resolve().parents[3] / "sample_data"
MOST_BYTES = 7_000_000
DICOM_FILES = sorted(file for file in SAMPLES.rglob("*.dcm") if SAMPLES / "real" not in file.parents)
# Another processor may round the last bit of a logarithm otherwise.
ALMOST_ALL = 0.999


def numbers(name: str) -> NDArray[np.uint16]:
    with rasterio.open(SAMPLES / name) as scene:
        pixels: NDArray[np.uint16] = scene.read()
    return pixels


def agreement(first: NDArray[np.integer], second: NDArray[np.integer], tolerance: int) -> float:
    return float((np.abs(first.astype(int) - second.astype(int)) <= tolerance).mean())


@pytest.fixture(scope="module")
def volume() -> Study:
    (study,) = read_series(sorted((SAMPLES / "ct-series").iterdir()), "ct-series")
    return study


def test_every_bundled_sample_is_here_and_small() -> None:
    assert sum(sample.is_synthetic for sample in bundled()) == 5
    assert all(sample.local is not None and sample.local.exists() for sample in bundled())
    drawn = [*DICOM_FILES, *SAMPLES.glob("*.tif")]
    assert sum(file.stat().st_size for file in drawn) < MOST_BYTES


def test_a_synthetic_sample_is_called_so_wherever_its_title_stands() -> None:
    assert all(sample.is_synthetic == sample.title.endswith("(synthetic)") for sample in bundled())


def test_every_bundled_sample_is_read_without_a_word() -> None:
    for sample in bundled():
        assert sample.local is not None
        files = sorted(sample.local.iterdir()) if sample.local.is_dir() else [sample.local]
        for file in files:
            try:
                read_image(file)
            except SightlineError as error:
                pytest.fail(f"{file.name}: {error}")


@pytest.mark.parametrize("file", DICOM_FILES, ids=lambda file: file.name)
def test_every_dicom_sample_says_that_it_is_synthetic(file: Path) -> None:
    header = pydicom.dcmread(file, stop_before_pixels=True)
    assert str(header.PatientName) == "SYNTHETIC^PHANTOM"
    assert header.ImageComments.startswith("SYNTHETIC")
    assert "SYNTHETIC" in header.StudyDescription
    assert header.SyntheticData == "YES"


@pytest.mark.parametrize("name", sorted(RADIOGRAPHS))
def test_a_radiograph_is_a_frontal_chest_of_a_child(name: str) -> None:
    study = read_image(SAMPLES / f"{name}.dcm")
    assert isinstance(study, Study)
    assert (study.modality, study.body_part, study.view, study.photometric) == ("DX", "CHEST", "PA", "MONOCHROME2")
    view = pydicom.dcmread(SAMPLES / f"{name}.dcm", stop_before_pixels=True).ViewCodeSequence[0]
    assert view.CodeValue == codes.cid4010.PosteroAnterior.value  # type: ignore[attr-defined]
    assert study.age_years == 4.0
    assert study.spacing_mm == (0.35, 0.35)
    pixels = study.frames.read(0)
    assert pixels.shape == (768, 768)
    assert pixels.min() >= 0 and pixels.max() <= 4095


@pytest.mark.parametrize("file", [DICOM_FILES[0], *DICOM_FILES[-1:]], ids=lambda file: file.name)
def test_a_dicom_sample_holds_what_its_kind_requires(file: Path) -> None:
    """Types 1 and 2 of PS3.3 A.26 (digital X-ray) and A.3 (CT); dicom3tools' dciodvfy finds no error in either."""
    header = pydicom.dcmread(file, stop_before_pixels=True)
    common = "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID PatientName PatientID PatientBirthDate PatientSex StudyDate "
    common += "StudyTime StudyID AccessionNumber ReferringPhysicianName Modality SeriesNumber InstanceNumber Rows Columns BitsAllocated "
    common += "BitsStored HighBit PixelRepresentation SamplesPerPixel PhotometricInterpretation ImageType RescaleIntercept RescaleSlope"
    own = {
        "CT": "KVP AcquisitionNumber FrameOfReferenceUID PositionReferenceIndicator PixelSpacing ImageOrientationPatient "
        "ImagePositionPatient SliceThickness PatientPosition",
        "DX": "PresentationIntentType PixelIntensityRelationship PixelIntensityRelationshipSign RescaleType PresentationLUTShape "
        "LossyImageCompression BurnedInAnnotation ImageLaterality PatientOrientation AnatomicRegionSequence AcquisitionContextSequence "
        "DetectorType ImagerPixelSpacing PositionerType ViewCodeSequence",
    }[header.Modality]
    assert [name for name in f"{common} {own}".split() if name not in header] == []


def test_the_ct_series_is_one_volume(volume: Study) -> None:
    assert volume.is_volume
    assert volume.shape == (28, 256, 256)
    assert volume.spacing_mm == pytest.approx((1.4, 1.4))
    assert volume.slice_spacing_mm == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("what", "place", "hounsfield"),
    [
        ("air outside", (10, 10, 128), -1000),
        ("lung", (20, 128, 60), -850),
        ("heart", (2, 112, 139), 42),
        ("marrow of a vertebra", (10, 172, 128), 180),
        ("the nodule", (21, 112, 68), 35),
    ],
)
def test_the_ct_series_has_the_density_of_tissues(volume: Study, what: str, place: tuple[int, int, int], hounsfield: float) -> None:
    slice_, row, column = place
    values = modality_values(volume, slice_)[row - 1 : row + 2, column - 1 : column + 2]
    assert float(np.median(values)) == pytest.approx(hounsfield, abs=35), what


def test_the_two_dates_lie_on_one_grid_and_say_what_they_are() -> None:
    before, after = (read_image(SAMPLES / f"earth-{date}.tif") for date in ("before", "after"))
    assert isinstance(before, Scene) and isinstance(after, Scene)
    assert (before.transform, before.crs, before.width, before.height) == (after.transform, after.crs, after.width, after.height)
    assert before.date is not None and after.date is not None and before.date < after.date
    for scene in (before, after):
        assert [band.name for band in scene.bands] == ["B02", "B03", "B04", "B08"]
        assert {(band.scale, band.offset, band.nodata) for band in scene.bands} == {(0.0001, 0.0, 0.0)}


def test_the_dates_differ_where_the_land_was_changed_and_nowhere_else() -> None:
    before, after = numbers("earth-before.tif").astype(float), numbers("earth-after.tif").astype(float)
    changed = np.any([block.place() for block in earth.CHANGES], axis=0)
    valid = (before > 0).all(axis=0) & (after > 0).all(axis=0)
    difference = np.abs(after[:3] - before[:3]).max(axis=0)
    edge = np.zeros_like(changed)
    edge[1:-1, 1:-1] = changed[:-2, 1:-1] | changed[2:, 1:-1] | changed[1:-1, :-2] | changed[1:-1, 2:] | changed[:-2, :-2] | changed[2:, 2:]
    still = valid & ~changed & ~edge
    assert np.percentile(difference[still], 99) < 0.5 * np.percentile(difference[changed], 25)


def test_the_readme_names_the_changes_that_are_drawn() -> None:
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for block in earth.CHANGES:
        assert f"{block.left}, {block.top}, {block.width}, {block.height}" in text
        assert f"{block.width * block.height / 100:.2f}" in text


def test_the_corner_without_data_is_marked_as_such() -> None:
    for name in ("earth-before.tif", "earth-after.tif"):
        with rasterio.open(SAMPLES / name) as scene:
            valid = scene.dataset_mask() > 0
        assert not valid[0, -1] and valid[-1, 0]
        assert 0.99 < valid.mean() < 1.0


@pytest.mark.parametrize("name", sorted(RADIOGRAPHS))
def test_the_script_draws_the_radiographs_that_lie_here(name: str) -> None:
    stored = pydicom.dcmread(SAMPLES / f"{name}.dcm").pixel_array
    assert agreement(stored, radiograph.draw(RADIOGRAPHS[name]), tolerance=2) > ALMOST_ALL


def test_the_script_draws_the_slices_that_lie_here(volume: Study) -> None:
    drawn = ct.draw(CT_SEED)
    stored = np.stack([modality_values(volume, index) for index in (0, 14, 27)]).astype(np.int16)
    assert agreement(stored, drawn[[0, 14, 27]], tolerance=1) > ALMOST_ALL


def test_the_script_draws_the_scene_that_lies_here() -> None:
    assert agreement(numbers("earth-after.tif"), earth.draw(EARTH_SEED, after=True), tolerance=2) > ALMOST_ALL


def test_the_catalogue_names_address_checksum_size_and_licence_of_each_sample() -> None:
    samples = catalogue()
    assert samples
    assert all(sample.address.startswith("https://") and len(sample.sha256) == 64 and sample.bytes > 0 for sample in samples)
    assert all(sample.licence and sample.what_to_expect for sample in samples)
    assert len({sample.id for sample in samples}) == len(samples)


def test_the_tables_are_plain_csv() -> None:
    for name in ("bundled.csv", "catalogue.csv"):
        with (SAMPLES / name).open(encoding="utf-8", newline="") as table:
            rows = list(csv.reader(table))
        assert len({len(row) for row in rows}) == 1, name
