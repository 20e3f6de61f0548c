"""What a radiograph model and a land-cover model accept, refuse and assume, by header, kind and the plainest facts of the pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from core.errors import OutOfRange
from core.prepare.inputs import to_input
from core.prepare.kinds import modality_of
from core.prepare.suitability import is_chest
from core.readers import read_image
from core.types import Picture, Preprocess
from tests.unit.report import examples as ex

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
CR_CLASS = "1.2.840.10008.5.1.4.1.1.1"
CAPTURE_CLASS = "1.2.840.10008.5.1.4.1.1.7"
FITTING = [
    {},
    {"modality": "CR", "view": "AP"},
    {"modality": "", "sop_class_uid": CR_CLASS},
    {"modality": "CR", "sop_class_uid": CAPTURE_CLASS},
    {"modality": "", "sop_class_uid": CAPTURE_CLASS, "body_part": "", "view": ""},
    {"body_part": "THORAX", "view": ""},
    {"body_part": "PORT CHEST"},
    {"body_part": "", "PatientOrientation": ["L", "F"], "view": ""},
]
REFUSED = [
    ({"modality": "CT"}, "a CT image"),
    ({"modality": "DX", "sop_class_uid": CT_CLASS}, "a CT image"),
    ({"modality": "US"}, "an ultrasound image"),
    ({"modality": "MG"}, "a mammogram"),
    ({"modality": "OT"}, "unnamed kind"),
    ({"modality": "XQ"}, "modality XQ"),
    ({"body_part": "HAND"}, "body part HAND"),
    ({"body_part": "THORACIC SPINE"}, "body part THORACIC SPINE"),
    ({"view": "LL"}, "left lateral view"),
    ({"view": "LATERAL"}, "lateral view"),
    ({"view": "RAO"}, "right anterior oblique view"),
    ({"view": "", "PatientOrientation": ["A", "F"]}, "that of a lateral view"),
]


def noise(rows: int, columns: int, channels: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    shape = (rows, columns, channels) if channels else (rows, columns)
    return np.random.default_rng(5).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("header", FITTING)
def test_a_frontal_chest_radiograph_is_accepted(header: dict[str, Any]) -> None:
    made = to_input(ex.study(**header), ex.CHEST)
    assert made.refusal == ""
    assert made.values.shape == made.shown.shape == (1, 224, 224)


@pytest.mark.parametrize(("header", "reason"), REFUSED)
def test_another_object_part_or_view_is_refused_by_name_but_still_answered(header: dict[str, Any], reason: str) -> None:
    made = to_input(ex.study(**header), ex.CHEST)
    assert reason in made.refusal
    assert made.refusal.endswith(".")
    assert not made.is_empty


@pytest.mark.parametrize(
    "header",
    [
        {"modality": "RTDOSE"},
        {"modality": "SEG"},
        {"modality": "OT", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.66.4"},
        {"modality": "MR", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.30"},
    ],
)
@pytest.mark.parametrize("preprocess", [ex.CHEST, ex.LAND])
def test_what_is_no_image_gives_no_input(header: dict[str, str], preprocess: Preprocess) -> None:
    made = to_input(ex.study(**header), preprocess)
    assert made.is_empty
    assert "holds" in made.refusal


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (3.0, ""),
        (1.0, ""),
        (5.9, ""),
        (6.0, "The patient is 6 years old"),
        (62.0, "The patient is 62 years old"),
        (0.25, "The patient is 3 months old"),
        (1 / 12, "The patient is 1 month old"),
        (None, "The age of the patient is not known"),
    ],
)
def test_an_age_outside_the_training_is_said_and_not_refused(age: float | None, told: str) -> None:
    made = to_input(ex.study(age_years=age), ex.CHEST)
    assert made.refusal == ""
    ages = [sentence for sentence in made.assumptions if "trained on patients of 1 to 5 years" in sentence]
    assert ages == ([f"{told}; the model was trained on patients of 1 to 5 years."] if told else [])


def test_what_a_header_leaves_open_is_assumed_aloud() -> None:
    told = to_input(ex.study(modality="", body_part="", view=""), ex.CHEST).assumptions
    assert "Without a modality in its header, the image was taken as a radiograph." in told
    assert "The header names no body part: CHEST was assumed." in told
    assert "The header names no frontal view: a frontal view was assumed." in told


@pytest.mark.parametrize(("orientation", "how"), [(["R", "F"], "mirrored"), (["F", "R"], "turned")])
def test_a_mirrored_or_turned_image_is_said(orientation: list[str], how: str) -> None:
    assert any(how in sentence for sentence in to_input(ex.study(PatientOrientation=orientation), ex.CHEST).assumptions)


def test_the_middle_frame_is_read_unless_another_is_asked_for() -> None:
    pixels = np.stack([np.tile(np.arange(64, dtype=np.uint16) * (step + 1), (48, 1)) for step in range(5)])
    made = to_input(ex.study(pixels), ex.CHEST)
    assert made.frame == 2
    assert "Of 5 frames the middle one was read, number 3." in made.assumptions
    np.testing.assert_array_equal(made.values, to_input(ex.study(pixels[2:3]), ex.CHEST).values)
    assert to_input(ex.study(pixels), ex.CHEST, frame=4).frame == 4
    with pytest.raises(OutOfRange, match="frame"):
        to_input(ex.study(pixels), ex.CHEST, frame=5)


def test_monochrome1_and_its_negative_give_one_input() -> None:
    pixels = np.random.default_rng(1).integers(0, 4096, (1, 48, 64)).astype(np.uint16)
    plain = to_input(ex.study(pixels), ex.CHEST)
    negative = to_input(ex.study((4095 - pixels).astype(np.uint16), photometric="MONOCHROME1"), ex.CHEST)
    np.testing.assert_allclose(plain.shown, negative.shown, atol=1 / 255 + 1e-6)


def test_a_window_that_shows_nothing_gives_way_to_the_full_range() -> None:
    pixels = np.random.default_rng(1).integers(20_000, 30_000, (1, 48, 64)).astype(np.uint16)
    made = to_input(ex.study(pixels), ex.CHEST)
    assert made.refusal == ""
    assert np.ptp(made.shown) > 0.5
    assert any("full range" in sentence for sentence in made.assumptions)


def test_a_grey_picture_is_taken_as_a_frontal_radiograph_and_that_is_said() -> None:
    for pixels in (noise(50, 60), np.repeat(noise(50, 60)[..., None], 3, axis=2)):
        made = to_input(ex.picture(pixels), ex.CHEST)
        assert made.refusal == ""
        assert made.assumptions[0] == "The picture has no header: it was taken as a frontal chest radiograph."


def test_a_coloured_mark_does_not_make_a_radiograph_a_photograph() -> None:
    pixels = np.repeat(noise(200, 200)[..., None], 3, axis=2)
    pixels[5:15, 5:40] = (255, 30, 30)
    assert to_input(ex.picture(pixels), ex.CHEST).refusal == ""


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (noise(90, 90, 3), "in colour"),
        (noise(20, 90), "only 90 x 20 pixels"),
        (noise(40, 200), "too long and narrow"),
        (np.full((60, 60), 9, np.uint8), "blank"),
    ],
)
def test_a_picture_that_cannot_be_a_radiograph_is_refused(pixels: Any, reason: str) -> None:
    made = to_input(ex.picture(pixels), ex.CHEST)
    assert reason in made.refusal
    assert np.isfinite(made.values).all()


def test_a_colour_study_is_no_radiograph() -> None:
    made = to_input(ex.study(noise(48, 64, 3)[None], photometric="RGB"), ex.CHEST)
    assert "in colour" in made.refusal


def test_a_tile_in_colour_is_what_the_land_cover_model_reads() -> None:
    pixels = noise(64, 64, 3)
    made = to_input(Picture("tile.png", "d4" * 32, pixels), ex.LAND)
    assert made.refusal == ""
    np.testing.assert_allclose(made.shown, np.moveaxis(pixels, 2, 0) / 255.0, atol=1e-6)
    assert any("10 m a pixel" in sentence for sentence in made.assumptions)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (ex.picture(noise(64, 64)), "grey"),
        (ex.picture(noise(600, 800, 3)), "800 x 600 pixels"),
        (ex.study(), "digital radiograph"),
    ],
)
def test_what_is_no_satellite_tile_is_refused_by_the_land_cover_model(image: Any, reason: str) -> None:
    made = to_input(image, ex.LAND)
    assert reason in made.refusal
    assert made.values.shape == (3, 64, 64)


def test_a_picture_lacks_the_infrared_that_another_model_reads() -> None:
    infrared = replace(ex.LAND, channels=("red", "green", "blue", "near infrared"))
    made = to_input(ex.picture(noise(64, 64, 3)), infrared)
    assert made.is_empty
    assert "near infrared" in made.refusal


@pytest.mark.parametrize(
    ("uid", "said", "modality"),
    [
        (CT_CLASS, "", "CT"),
        (CT_CLASS, "CR", "CT"),
        (CR_CLASS, "DX", "DX"),
        (CAPTURE_CLASS, "CR", "CR"),
        ("1.2.840.10008.5.1.4.1.1.481.2", "", "RTDOSE"),
        ("1.2.840.10008.5.1.4.1.1.77.1.4", "OT", "XC"),
        ("1.2.3", "mr ", "MR"),
        ("", "", ""),
    ],
)
def test_the_storage_class_is_believed_before_the_modality(uid: str, said: str, modality: str) -> None:
    assert modality_of(ex.study(sop_class_uid=uid, modality=said)) == modality


@pytest.mark.parametrize(("part", "chest"), [("CHEST", True), ("Thorax", True), ("LUNG", True), ("TSPINE", False), ("CHESTABDOMEN", False)])
def test_words_for_the_chest(part: str, chest: bool) -> None:
    assert is_chest(part) is chest


def test_what_the_radiograph_model_says_of_each_real_file(shared_data: Path) -> None:
    expected = {
        "cr-chest/Fake_MONOHR1.dcm": "",
        "odd/dx_image.dcm": "",
        "ct-chest-slices/ID_0000_AGE_0060_CONTRAST_1_CT.dcm": "a CT image",
        "odd/implicit_mr_16bit_mono2.dcm": "an MR image",
        "odd/explicit_us_rle_pal_multiframe.dcm": "an ultrasound image",
        "odd/explicit_rtdose_16bit_mono2_3d-volume.dcm": "a radiotherapy dose grid",
        "odd/seg_image_cr_binary.dcm": "a segmentation",
        "odd/suyashkumar-1.dcm": "a PET image",
        "odd/suyashkumar-6.dcm": "unnamed kind",
        "odd/explicit_with_private_sequence_having_undefined_length_and_implicit_encoding.dcm": "an angiographic image",
    }
    for name, reason in expected.items():
        refusal = to_input(read_image(shared_data / "dicom" / name), ex.CHEST).refusal
        assert (reason in refusal) if reason else refusal == "", (name, refusal)


def test_real_tiles_and_radiographs_fit_their_own_model_and_not_the_other(shared_data: Path) -> None:
    tiles = sorted((shared_data / "land-cover-sentinel2" / "SeaLake").glob("*.jpg"))[:40]
    films = sorted((shared_data / "chest-xray" / "train" / "normal").glob("*.jpg"))[:20]
    assert tiles and films
    for path in tiles:
        assert to_input(read_image(path), ex.LAND).refusal == "", path.name
    for path in films:
        film = read_image(path)
        assert to_input(film, ex.CHEST).refusal == "", path.name
        assert "grey" in to_input(film, ex.LAND).refusal
        with PillowImage.open(path) as opened:
            expected = np.asarray(opened.convert("L"), dtype=np.float32) / 255.0
        np.testing.assert_allclose(to_input(film, ex.CHEST).shown[0], expected, atol=1.5 / 255)
