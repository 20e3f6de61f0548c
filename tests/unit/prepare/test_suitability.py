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
from core.types import MeasuredRange, Notice, Picture, Preprocess, notice
from tests.unit.report import examples as ex

CHILDREN = {"youngest": 1.0, "oldest": 5.0}
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


def no_radiograph(modality: str) -> Notice:
    return notice("input.other-modality", modality=modality, domain="radiograph", modalities=ex.CHEST.modalities)


REFUSED = [
    ({"modality": "CT"}, no_radiograph("CT")),
    ({"modality": "DX", "sop_class_uid": CT_CLASS}, no_radiograph("CT")),
    ({"modality": "US"}, no_radiograph("US")),
    ({"modality": "MG"}, no_radiograph("MG")),
    ({"modality": "OT"}, no_radiograph("OT")),
    ({"modality": "XQ"}, no_radiograph("XQ")),
    ({"body_part": "HAND"}, notice("input.other-body-part", part="HAND", parts=ex.CHEST.body_parts)),
    ({"body_part": "THORACIC SPINE"}, notice("input.other-body-part", part="THORACIC SPINE", parts=ex.CHEST.body_parts)),
    ({"view": "LL"}, notice("input.not-frontal", view="LL", views=ex.CHEST.views)),
    ({"view": "LATERAL"}, notice("input.not-frontal", view="lateral", views=ex.CHEST.views)),
    ({"view": "RAO"}, notice("input.not-frontal", view="RAO", views=ex.CHEST.views)),
    ({"view": "", "PatientOrientation": ["A", "F"]}, notice("input.lateral-orientation", views=ex.CHEST.views)),
]


def noise(rows: int, columns: int, channels: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    shape = (rows, columns, channels) if channels else (rows, columns)
    return np.random.default_rng(5).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("header", FITTING)
def test_a_frontal_chest_radiograph_is_accepted(header: dict[str, Any]) -> None:
    made = to_input(ex.study(**header), ex.CHEST)
    assert made.refusal is None
    assert made.values.shape == made.shown.shape == (1, 224, 224)


@pytest.mark.parametrize(("keyword", "code"), [("SyntheticData", "input.synthetic"), ("QualityControlImage", "input.phantom")])
def test_what_shows_no_patient_by_its_header_is_refused(keyword: str, code: str) -> None:
    for value, reason in (("YES", code), ("NO", None)):
        study = ex.study()
        setattr(study.header, keyword, value)
        refusal = to_input(study, ex.CHEST).refusal
        assert (refusal.code if refusal else None) == reason


KINDS = ("bacterial-pneumonia", "viral-pneumonia")
MEASURED = replace(ex.CHEST, age_years=(1.0, 85.0), measured_for=tuple(MeasuredRange(kind, (1.0, 5.0), ("AP",)) for kind in KINDS))


@pytest.mark.parametrize(
    ("header", "is_named"),
    [
        ({"age_years": 3.0, "view": "AP"}, True),
        ({"age_years": 5.9, "view": "AP SUPINE"}, True),
        ({"age_years": 1.0, "view": "anteroposterior"}, True),
        ({"age_years": 3.0, "view": "PA"}, False),
        ({"age_years": 3.0, "view": ""}, False),
        ({"age_years": 6.0, "view": "AP"}, False),
        ({"age_years": 0.5, "view": "AP"}, False),
        ({"age_years": 54.0, "view": "AP"}, False),
        ({"age_years": None, "view": "AP"}, False),
    ],
)
def test_the_kind_of_pneumonia_is_named_inside_the_ages_and_views_that_were_measured(header: dict[str, Any], is_named: bool) -> None:
    made = to_input(ex.study(**header), MEASURED)
    assert made.unnamed == (() if is_named else KINDS)
    assert any(one.code == "radiograph.kind-not-named" for one in made.assumptions) is not is_named
    assert to_input(ex.picture(), MEASURED).unnamed == KINDS  # a picture tells no age


@pytest.mark.parametrize(("header", "reason"), REFUSED)
def test_another_object_part_or_view_is_refused_by_name_but_still_answered(header: dict[str, Any], reason: Notice) -> None:
    made = to_input(ex.study(**header), ex.CHEST)
    assert made.refusal == reason
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
    assert made.refusal is not None and made.refusal["modality"] in ("RTDOSE", "SEG", "PMAP")


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (3.0, []),
        (1.0, []),
        (5.9, []),
        (6.0, [notice("input.age-outside", age=notice("age.years", years=6), **CHILDREN)]),
        (62.0, [notice("input.age-outside", age=notice("age.years", years=62), **CHILDREN)]),
        (0.25, [notice("input.age-outside", age=notice("age.months", count=3), **CHILDREN)]),
        (1 / 12, [notice("input.age-outside", age=notice("age.months", count=1), **CHILDREN)]),
        (None, [notice("input.age-not-known", **CHILDREN)]),
    ],
)
def test_an_age_outside_the_training_is_said_and_not_refused(age: float | None, told: list[Notice]) -> None:
    made = to_input(ex.study(age_years=age), ex.CHEST)
    assert made.refusal is None
    assert [one for one in made.assumptions if one.code.startswith("input.age")] == told


def test_what_a_header_leaves_open_is_assumed_aloud() -> None:
    told = to_input(ex.study(modality="", body_part="", view=""), ex.CHEST).assumptions
    assert notice("radiograph.modality-assumed") in told
    assert notice("radiograph.body-part-assumed", part="CHEST") in told
    assert notice("radiograph.view-assumed") in told


@pytest.mark.parametrize(("orientation", "how"), [(["R", "F"], "mirrored"), (["F", "R"], "turned")])
def test_a_mirrored_or_turned_image_is_said(orientation: list[str], how: str) -> None:
    assert Notice(f"radiograph.{how}") in to_input(ex.study(PatientOrientation=orientation), ex.CHEST).assumptions


def test_the_middle_frame_is_read_unless_another_is_asked_for() -> None:
    pixels = np.stack([np.tile(np.arange(64, dtype=np.uint16) * (step + 1), (48, 1)) for step in range(5)])
    made = to_input(ex.study(pixels), ex.CHEST)
    assert made.frame == 2
    assert notice("input.middle-frame", frames=5, number=3) in made.assumptions
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
    assert made.refusal is None
    assert np.ptp(made.shown) > 0.5
    assert notice("input.window-shows-nothing") in made.assumptions


def test_a_grey_picture_is_taken_as_a_frontal_radiograph_and_that_is_said() -> None:
    for pixels in (noise(50, 60), np.repeat(noise(50, 60)[..., None], 3, axis=2)):
        made = to_input(ex.picture(pixels), ex.CHEST)
        assert made.refusal is None
        assert made.assumptions[0] == notice("picture.taken-as-radiograph", part="chest")


def test_a_coloured_mark_does_not_make_a_radiograph_a_photograph() -> None:
    pixels = np.repeat(noise(200, 200)[..., None], 3, axis=2)
    pixels[5:15, 5:40] = (255, 30, 30)
    assert to_input(ex.picture(pixels), ex.CHEST).refusal is None


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (noise(90, 90, 3), notice("picture.in-colour", domain="radiograph")),
        (noise(20, 90), notice("input.too-small", columns=90, rows=20, least=32)),
        (noise(40, 200), notice("input.too-narrow", columns=200, rows=40)),
        (np.full((60, 60), 9, np.uint8), notice("input.blank")),
    ],
)
def test_a_picture_that_cannot_be_a_radiograph_is_refused(pixels: Any, reason: Notice) -> None:
    made = to_input(ex.picture(pixels), ex.CHEST)
    assert made.refusal == reason
    assert np.isfinite(made.values).all()


def test_a_colour_study_is_no_radiograph() -> None:
    made = to_input(ex.study(noise(48, 64, 3)[None], photometric="RGB"), ex.CHEST)
    assert made.refusal == notice("input.in-colour", domain="radiograph")


def test_a_tile_in_colour_is_what_the_land_cover_model_reads() -> None:
    pixels = noise(64, 64, 3)
    made = to_input(Picture("tile.png", "d4" * 32, pixels), ex.LAND)
    assert made.refusal is None
    np.testing.assert_allclose(made.shown, np.moveaxis(pixels, 2, 0) / 255.0, atol=1e-6)
    assert made.assumptions == (notice("picture.taken-as-tile", metres=10.0),)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (ex.picture(noise(64, 64)), notice("picture.grey")),
        (
            ex.picture(noise(600, 800, 3)),
            notice("picture.too-large-for-tile", columns=800, rows=600, tile_columns=64, tile_rows=64, metres=10.0),
        ),
        (ex.study(), notice("input.no-satellite-image", modality="DX")),
    ],
)
def test_what_is_no_satellite_tile_is_refused_by_the_land_cover_model(image: Any, reason: Notice) -> None:
    made = to_input(image, ex.LAND)
    assert made.refusal == reason
    assert made.values.shape == (3, 64, 64)


def test_a_picture_lacks_the_infrared_that_another_model_reads() -> None:
    infrared = replace(ex.LAND, channels=("red", "green", "blue", "near infrared"))
    made = to_input(ex.picture(noise(64, 64, 3)), infrared)
    assert made.is_empty
    assert made.refusal == notice("picture.no-such-bands", bands=infrared.channels)


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
        "cr-chest/Fake_MONOHR1.dcm": None,
        "odd/dx_image.dcm": None,
        "ct-chest-slices/ID_0000_AGE_0060_CONTRAST_1_CT.dcm": no_radiograph("CT"),
        "odd/implicit_mr_16bit_mono2.dcm": no_radiograph("MR"),
        "odd/explicit_us_rle_pal_multiframe.dcm": no_radiograph("US"),
        "odd/explicit_rtdose_16bit_mono2_3d-volume.dcm": notice("input.no-image", modality="RTDOSE"),
        "odd/seg_image_cr_binary.dcm": notice("input.no-image", modality="SEG"),
        "odd/suyashkumar-1.dcm": no_radiograph("PT"),
        "odd/suyashkumar-6.dcm": no_radiograph("OT"),
        "odd/explicit_with_private_sequence_having_undefined_length_and_implicit_encoding.dcm": no_radiograph("XA"),
    }
    for name, reason in expected.items():
        assert to_input(read_image(shared_data / "dicom" / name), ex.CHEST).refusal == reason, name


def test_real_tiles_and_radiographs_fit_their_own_model_and_not_the_other(shared_data: Path) -> None:
    tiles = sorted((shared_data / "land-cover-sentinel2" / "SeaLake").glob("*.jpg"))[:40]
    films = sorted((shared_data / "chest-xray" / "train" / "normal").glob("*.jpg"))[:20]
    assert tiles and films
    for path in tiles:
        assert to_input(read_image(path), ex.LAND).refusal is None, path.name
    for path in films:
        film = read_image(path)
        assert to_input(film, ex.CHEST).refusal is None, path.name
        assert to_input(film, ex.LAND).refusal == notice("picture.grey")
        with PillowImage.open(path) as opened:
            expected = np.asarray(opened.convert("L"), dtype=np.float32) / 255.0
        np.testing.assert_allclose(to_input(film, ex.CHEST).shown[0], expected, atol=1.5 / 255)
