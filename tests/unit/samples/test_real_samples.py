"""The real samples are what sample_data/README.md says: few, named with origin and licence, nobody in particular, and answered rightly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import rasterio
from pydicom.sr.codedict import codes

from core.change.methods.index import by_index
from core.inference.engine import Engine, engine_for
from core.inference.prediction import predict_input
from core.prepare.inputs import to_input
from core.prepare.windowing import modality_values
from core.readers import read_dicom, read_scene, read_series
from core.settings import settings
from core.sources.samples import Sample, bundled
from core.types import Scene, Study
from core.ui.earth.questions import is_open
from core.workflows.change import detect_change
from sample_data import make_real_samples as script
from training.config.recipe import read_recipe

SAMPLES = Path(__file__).resolve().parents[3] / "sample_data"
REAL = SAMPLES / "real"
MOST_BYTES = 6_000_000
DICOM_FILES = sorted(REAL.rglob("*.dcm"))
RADIOGRAPHS = sorted(script.RADIOGRAPHS)
PERIMETER_HECTARES = 386.7
"""Inside the mapped perimeter of the fire: 11,894 pixels of its mask (not part of the project) of 325.1 m2."""
FEW_PERCENT = 0.07
"""The perimeter also encloses ground that did not burn: of its pixels, 694 of the 1,025 that NBR leaves out lie more than two inside."""


def real() -> dict[str, Sample]:
    return {sample.id: sample for sample in bundled() if not sample.is_synthetic}


@pytest.fixture(scope="module")
def ct() -> Study:
    (study,) = read_series(sorted((REAL / "ct-rider").iterdir()), "ct-rider")
    return study


@pytest.fixture(scope="module")
def fire() -> tuple[Scene, Scene]:
    before, after = (read_scene([REAL / f"wildfire-2024-{date}.tif"]) for date in ("before", "after"))
    return before, after


def test_real_samples_come_first_with_origin_and_licence() -> None:
    order = [sample.is_synthetic for sample in bundled()]
    assert order == sorted(order) and len(real()) == 5
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for sample in real().values():
        assert sample.local is not None and sample.local.exists() and sample.local.is_relative_to(REAL)
        assert sample.licence and sample.origin.split(",")[0].removeprefix("Contains ") in text


def test_real_samples_are_small() -> None:
    assert sum(file.stat().st_size for file in REAL.rglob("*") if file.is_file()) < MOST_BYTES


@pytest.mark.parametrize("file", DICOM_FILES, ids=lambda file: file.name)
def test_a_real_header_names_nobody(file: Path) -> None:
    header = pydicom.dcmread(file, stop_before_pixels=True)
    assert not [element for element in header.iterall() if element.tag.is_private]
    for keyword in ("PatientName", "PatientBirthDate", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName"):
        assert not str(header[keyword].value), keyword
    told = {element.keyword for element in header.iterall() if element.VR in ("PN", "DA", "TM", "DT") and str(element.value)}
    assert told == set() and not any(word in dir(header) for word in ("InstitutionName", "StationName", "OperatorsName", "ProtocolName"))
    assert (header.PatientIdentityRemoved, header.BurnedInAnnotation) == ("YES", "NO")


@pytest.mark.parametrize("name", RADIOGRAPHS)
def test_a_radiograph_says_what_was_done_to_it_and_claims_no_size(name: str) -> None:
    header = pydicom.dcmread(REAL / f"{name}.dcm", stop_before_pixels=True)
    for keyword in ("DerivationDescription", "ImageComments"):
        assert "224 px, squashed to a square, and made into DX" in str(header[keyword].value)
    assert "Kermany" in header.ImageComments and "CC BY 4.0" in header.ImageComments
    assert (header.LossyImageCompression, str(header.PatientSex), "PatientAge" in header) == ("01", "", False)
    study = read_dicom(REAL / f"{name}.dcm")
    assert (study.modality, study.body_part, study.view, study.spacing_mm) == ("DX", "CHEST", "AP", None)
    assert header.ViewCodeSequence[0].CodeValue == codes.cid4010.AnteroPosterior.value  # type: ignore[attr-defined]


def test_no_training_by_the_recipe_sees_the_patients_of_the_radiographs() -> None:
    recipe = read_recipe(Path(__file__).resolve().parents[3] / "training" / "recipes" / "chest-xray.toml")
    assert {one.patient for one in script.RADIOGRAPHS.values()} == set(recipe.data.apart)


@pytest.fixture(scope="module")
def chest() -> Engine:
    if not (settings().zoo / "chest-xray" / "config.json").is_file():
        pytest.skip("models/zoo/chest-xray is not here: this test needs the trained model")
    return engine_for("chest-xray")


@pytest.mark.parametrize(("name", "truth"), [("child-normal", "normal"), ("child-pneumonia", "bacterial-pneumonia")])
def test_the_bundled_model_is_right_on_the_radiographs(chest: Engine, name: str, truth: str) -> None:
    prediction = predict_input(chest, to_input(read_dicom(REAL / f"{name}.dcm"), chest.model.preprocess))
    assert not prediction.outside.is_outside
    assert prediction.prediction == truth and prediction.conformal_set[0] == truth
    assert (prediction.heads["pneumonia"] > 0.9) == (truth != "normal")


def test_the_short_ct_is_one_volume_in_hounsfield_units(ct: Study) -> None:
    assert ct.is_volume and ct.shape == (8, 512, 512)
    assert ct.slice_spacing_mm == pytest.approx(0.8, abs=0.001)
    assert float(np.median(modality_values(ct, 4)[200:260, 60:120])) == pytest.approx(100, abs=40)  # liver with contrast agent
    assert float(np.median(modality_values(ct, 4)[360:380, 330:350])) < -700  # lung


def test_the_fire_leaves_no_question_open(fire: tuple[Scene, Scene]) -> None:
    before, after = fire
    assert not is_open(before) and not is_open(after)
    assert (before.transform, before.crs, before.width, before.height) == (after.transform, after.crs, after.width, after.height)
    for scene in fire:
        assert [band.common_name for band in scene.bands] == ["blue", "green", "red", "near infrared", "short-wave infrared 2"]
        assert {(band.scale, band.offset) for band in scene.bands} == {(0.0001, 0.0)}
        with rasterio.open(scene.files[0]) as file:
            assert "ontains modified Copernicus Sentinel data 2024" in file.tags()["TIFFTAG_IMAGEDESCRIPTION"]
    assert [scene.called for scene in fire] == ["2024, before", "2024, after"]


def test_the_way_that_is_chosen_for_the_fire_finds_its_hectares(fire: tuple[Scene, Scene], tmp_path: Path) -> None:
    chosen = {(sample.method, sample.index) for name, sample in real().items() if name.startswith("wildfire")}
    assert chosen == {("index", "nbr")}
    result = detect_change(*fire, by_index("nbr"), tmp_path)
    assert result.changed_hectares == pytest.approx(PERIMETER_HECTARES, rel=FEW_PERCENT)
    assert max(polygon.hectares for polygon in result.polygons) > 0.95 * result.changed_hectares


def test_the_burned_pixels_are_those_inside_the_perimeter(fire: tuple[Scene, Scene], shared_data: Path, tmp_path: Path) -> None:
    result = detect_change(*fire, by_index("nbr"), tmp_path)
    with rasterio.open(result.change) as found, rasterio.open(shared_data / "geotiff" / "fire-sentinel2-california" / "burned.tif") as mask:
        changed, burned = found.read(1) == 1, mask.read(1) == 1
    assert 2 * (changed & burned).sum() / (changed.sum() + burned.sum()) > 0.94


def test_the_script_writes_the_files_that_lie_here(shared_data: Path, tmp_path: Path) -> None:
    script.make_all(shared_data, tmp_path)
    written = {file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file()}
    assert written == {file.relative_to(REAL) for file in REAL.rglob("*") if file.is_file()}
    for file in written:
        if file.suffix == ".tif":
            with rasterio.open(tmp_path / file) as made, rasterio.open(REAL / file) as kept:
                assert np.array_equal(made.read(), kept.read()) and made.tags() == kept.tags()
        else:
            made, kept = pydicom.dcmread(tmp_path / file), pydicom.dcmread(REAL / file)
            assert np.array_equal(made.pixel_array, kept.pixel_array)
            del made.PixelData, kept.PixelData
            assert made == kept


def test_the_slices_are_the_archives_without_loss(shared_data: Path) -> None:
    for number in script.SLICES:
        theirs = pydicom.dcmread(shared_data / "dicom" / "ct-chest-series" / f"1-{number:03d}.dcm")
        assert np.array_equal(pydicom.dcmread(REAL / "ct-rider" / f"slice-{number:02d}.dcm").pixel_array, theirs.pixel_array)
