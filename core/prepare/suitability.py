"""Whether a model was made for an image, by its header, its kind and the plainest facts of its pixels.

These rules come before the distance from the training (core/inference/ood.py): they are certain, and they can say why.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.prepare.kinds import NOT_IMAGES, describe_modality, modality_of
from core.types import Domain, ModelInput, Picture, Preprocess, Said, Study

SMALLEST_SIDE = 32
"""Pixels; below it an image is a thumbnail or an icon."""
LONGEST_RATIO = 3.0
"""Long side to short side; radiographs of a chest stay below 2."""
TILE_SCALE = 2.0
"""A picture without a ground scale is taken as one tile up to this many times the model's size."""
COLOUR_LEVELS = 32
"""Grey levels between the channels from which a pixel counts as coloured; a tint from compression stays below."""
COLOURED_SHARE = 0.02
"""Share of coloured pixels that makes a colour picture; a coloured mark on a grey image stays below."""

LARGEST_SLICE = 1024
"""Pixels a side of the largest CT slices that scanners make."""
UNDECLARED = "The model does not say what images it was made for: nothing tells whether this is one."
"""Of a model of Domain.PICTURE."""
READS = {Domain.RADIOGRAPH: "radiographs", Domain.CHEST_CT: "CT slices"}

CHEST = ("CHEST", "THORA", "TORAX", "LUNG", "PULM")
NOT_CHEST = ("SPINE", "ABD", "PELV", "WALL")
FRONTAL = frozenset({"AP", "PA", "FRONTAL", "ANTEROPOSTERIOR", "POSTEROANTERIOR", "APSUPINE", "APERECT", "PAERECT", "POSTERIORANTERIOR"})
NOT_FRONTAL = {
    "LL": "left lateral",
    "RL": "right lateral",
    "LLD": "left lateral decubitus",
    "RLD": "right lateral decubitus",
    "LLO": "left lateral oblique",
    "RLO": "right lateral oblique",
    "LAO": "left anterior oblique",
    "RAO": "right anterior oblique",
    "LPO": "left posterior oblique",
    "RPO": "right posterior oblique",
}


@dataclass(frozen=True)
class Suitability:
    """refusal: one sentence, "" where nothing speaks against the image. assumptions: sentences about what the header leaves open."""

    refusal: str = ""
    assumptions: tuple[str, ...] = ()


def radiograph_study(study: Study, preprocess: Preprocess) -> Suitability:
    """Modality, body part, view and age of a DICOM image against what a radiograph model was made for."""
    refusal = _modality_refusal(study, preprocess) or _body_refusal(study, preprocess) or _view_refusal(study, preprocess)
    return Suitability(refusal, () if refusal else _assumed_of(study, preprocess))


def radiograph_picture(picture: Picture, preprocess: Preprocess) -> Suitability:
    """A picture without a header: a grey one is taken as what the model was made for, and that is said."""
    if is_coloured(picture.pixels):
        return Suitability("The picture is in colour; the model reads grey radiographs.")
    what = " ".join(part.lower() for part in preprocess.body_parts[:1])
    taken = f"The picture has no header: it was taken as a frontal {what} radiograph.".replace("  ", " ")
    return Suitability("", (taken, *_age_sentence(None, preprocess)))


def ct_study(study: Study, preprocess: Preprocess) -> Suitability:
    """Modality, body part and kind of a DICOM image against what a model of chest CT was made for."""
    refusal = _modality_refusal(study, preprocess) or _body_refusal(study, preprocess)
    if not refusal and "LOCALIZER" in str(study.header.get("ImageType", "")).upper():
        refusal = "The image is a localizer, a view through the whole body; the model reads slices."
    if refusal:
        return Suitability(refusal)
    sentences = [] if modality_of(study) else ["Without a modality in its header, the image was taken as a CT slice."]
    if not study.body_part.strip():
        sentences.append("The header names no body part: the chest was assumed.")
    if study.spacing_mm is None:
        sentences.append(f"The header gives no pixel spacing: {preprocess.pixel_spacing_mm:g} mm was assumed.")
    return Suitability("", tuple(sentences))


def ct_picture(picture: Picture, preprocess: Preprocess) -> Suitability:
    """A picture without a header: a grey one is taken as a piece of a CT slice at the model's pixel spacing, and that is said."""
    if is_coloured(picture.pixels):
        return Suitability("The picture is in colour; the model reads grey CT images.")
    rows, columns = picture.pixels.shape[:2]
    if max(rows, columns) > LARGEST_SLICE:
        return Suitability(f"The picture is {columns} x {rows} pixels; a CT slice has at most {LARGEST_SLICE:,} on each side.")
    scale = f"{preprocess.pixel_spacing_mm:g} mm a pixel"
    return Suitability("", (f"The picture has no header: it was taken as a piece of a CT slice of the lungs at {scale}.",))


def land_cover_picture(picture: Picture, preprocess: Preprocess) -> Suitability:
    """A picture without a ground scale: one of about the model's size is taken as a tile at the model's scale."""
    rows, columns = picture.pixels.shape[:2]
    if not picture.is_colour:
        return Suitability("The picture is grey; the model reads satellite images in red, green and blue.")
    scale = f"{preprocess.ground_sample_distance_m:g} m a pixel"
    height, width = preprocess.size
    if rows > TILE_SCALE * height or columns > TILE_SCALE * width:
        return Suitability(
            f"The picture is {columns} x {rows} pixels and does not say how large a pixel is on the ground; "
            f"the model reads tiles of {width} x {height} pixels at {scale}."
        )
    return Suitability("", (f"The picture has no ground scale: it was taken as a tile in natural colour at {scale}.",))


def any_study(study: Study) -> Suitability:
    """A DICOM image for a model that does not say what it was made for: whatever is an image is taken."""
    modality = modality_of(study)
    if modality in NOT_IMAGES:
        return Suitability(f"The file holds {describe_modality(modality)}, which is not an image that a model could read.")
    return Suitability("", (UNDECLARED,))


def pixel_refusal(pixels: NDArray[np.uint8]) -> str:
    """Why pixels as shown, [rows, columns] or [rows, columns, 3], cannot carry an answer; "" where they can."""
    rows, columns = pixels.shape[:2]
    if min(rows, columns) < SMALLEST_SIDE:
        return f"The image is only {columns} x {rows} pixels; at least {SMALLEST_SIDE} on each side are needed."
    if max(rows, columns) > LONGEST_RATIO * min(rows, columns):
        return f"The image is {columns} x {rows} pixels, too long and narrow for what the model was made for."
    if np.ptp(pixels) == 0:
        return "The image is blank: all of its pixels have one value."
    return ""


def no_input(preprocess: Preprocess, reason: str, assumptions: tuple[Said, ...] = (), frame: int = 0) -> ModelInput:
    """The input of an image that cannot become one: empty (ModelInput.is_empty), with the reason."""
    empty = np.zeros((len(preprocess.channels), 0, 0), dtype=np.float32)
    return ModelInput(empty, empty, (0.0, 0.0, 0.0, 0.0), frame, valid_share=0.0, refusal=reason, assumptions=assumptions)


def is_coloured(pixels: NDArray[np.uint8]) -> bool:
    """Whether pixels, uint8 [rows, columns] or [rows, columns, 3], are a colour picture rather than a grey one stored in three channels."""
    if pixels.ndim == 2:
        return False
    between = np.ptp(pixels.astype(np.int16), axis=2)
    return bool((between > COLOUR_LEVELS).mean() > COLOURED_SHARE)


def _modality_refusal(study: Study, preprocess: Preprocess) -> str:
    modality = modality_of(study)
    allowed = ", ".join(preprocess.modalities)
    if modality in NOT_IMAGES:
        return f"The file holds {describe_modality(modality)}, which is not an image that a model could read."
    if modality and preprocess.modalities and modality not in preprocess.modalities:
        return f"The file holds {describe_modality(modality)}; the model reads {READS[preprocess.domain]} ({allowed})."
    return ""


def _body_refusal(study: Study, preprocess: Preprocess) -> str:
    part = study.body_part.strip().upper()
    if not part or not preprocess.body_parts or part in preprocess.body_parts:
        return ""
    if "CHEST" in preprocess.body_parts and is_chest(part):
        return ""
    return f"The header names the body part {part}; the model reads {' or '.join(preprocess.body_parts)}."


def is_chest(body_part: str) -> bool:
    """Whether a BodyPartExamined means the chest: CHEST, THORAX, PORT CHEST, LUNG ... (the attribute is free text in practice)."""
    part = body_part.upper()
    return any(stem in part for stem in CHEST) and not any(stem in part for stem in NOT_CHEST)


def _view_refusal(study: Study, preprocess: Preprocess) -> str:
    if not preprocess.views:
        return ""
    view = _plain_view(study.view)
    allowed = " or ".join(preprocess.views)
    if view in NOT_FRONTAL or view.startswith("LAT") or view.endswith("LATERAL") or "OBL" in view:
        return f"The header names a {NOT_FRONTAL.get(view, study.view.lower())} view; the model reads frontal views ({allowed})."
    if view not in FRONTAL and _row_direction(study) in ("A", "P"):
        return f"The orientation in the header is that of a lateral view; the model reads frontal views ({allowed})."
    return ""


def _assumed_of(study: Study, preprocess: Preprocess) -> tuple[str, ...]:
    sentences = []
    if not modality_of(study):
        sentences.append("Without a modality in its header, the image was taken as a radiograph.")
    if preprocess.body_parts and not study.body_part.strip():
        sentences.append(f"The header names no body part: {preprocess.body_parts[0]} was assumed.")
    if preprocess.views and _plain_view(study.view) not in FRONTAL:
        sentences.append("The header names no frontal view: a frontal view was assumed.")
    if preprocess.views and _row_direction(study) in ("R", "H", "F"):
        how = "mirrored" if _row_direction(study) == "R" else "turned"
        sentences.append(f"The orientation in the header says that the image is {how}: it was read as stored.")
    return (*sentences, *_age_sentence(study.age_years, preprocess))


def _age_sentence(age: float | None, preprocess: Preprocess) -> tuple[str, ...]:
    if preprocess.age_years is None:
        return ()
    youngest, oldest = preprocess.age_years
    trained = f"the model was trained on patients of {youngest:g} to {oldest:g} years."
    if age is None:
        return (f"The age of the patient is not known; {trained}",)
    if youngest <= age < oldest + 1:
        return ()
    return (f"The patient is {_age_words(age)} old; {trained}",)


def _age_words(age: float) -> str:
    months = round(age * 12)
    if age >= 2:
        return f"{int(age)} years"
    return f"{months} month{'' if months == 1 else 's'}"


def _plain_view(view: str) -> str:
    return "".join(letter for letter in view.upper() if letter.isalpha())


def _row_direction(study: Study) -> str:
    """First letter of where the rows of the image run to (PatientOrientation, PS3.3 C.7.6.1.1.1): L for a frontal image as usual."""
    value = study.header.get("PatientOrientation")
    return str(value[0])[:1].upper() if value and len(value) == 2 else ""
