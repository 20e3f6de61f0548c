"""Whether a model was made for an image, by its header, its kind and the plainest facts of its pixels.

These rules come before the distance from the training (core/inference/ood.py): they are certain, and they can say why.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.prepare.kinds import NOT_IMAGES, modality_of
from core.types import ModelInput, Notice, Picture, Preprocess, Study, notice

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
UNDECLARED = notice("input.undeclared")
"""Of a model of Domain.PICTURE."""

CHEST = ("CHEST", "THORA", "TORAX", "LUNG", "PULM")
NOT_CHEST = ("SPINE", "ABD", "PELV", "WALL")
FRONTAL = frozenset({"AP", "PA", "FRONTAL", "ANTEROPOSTERIOR", "POSTEROANTERIOR", "APSUPINE", "APERECT", "PAERECT", "POSTERIORANTERIOR"})
NOT_FRONTAL = frozenset({"LL", "RL", "LLD", "RLD", "LLO", "RLO", "LAO", "RAO", "LPO", "RPO"})


@dataclass(frozen=True)
class Suitability:
    """refusal: what speaks against the image, None where nothing does. assumptions: of what the header leaves open."""

    refusal: Notice | None = None
    assumptions: tuple[Notice, ...] = ()


def radiograph_study(study: Study, preprocess: Preprocess) -> Suitability:
    """Modality, body part, view and age of a DICOM image against what a radiograph model was made for."""
    refusal = _modality_refusal(study, preprocess) or _body_refusal(study, preprocess) or _view_refusal(study, preprocess)
    return Suitability(refusal, () if refusal else _assumed_of(study, preprocess))


def radiograph_picture(picture: Picture, preprocess: Preprocess) -> Suitability:
    """A picture without a header: a grey one is taken as what the model was made for, and that is said."""
    if is_coloured(picture.pixels):
        return Suitability(notice("picture.in-colour", domain=preprocess.domain.value))
    part = next(iter(preprocess.body_parts), None)
    taken = notice("picture.taken-as-frontal") if part is None else notice("picture.taken-as-radiograph", part=part.lower())
    return Suitability(None, (taken, *_age_assumed(None, preprocess)))


def ct_study(study: Study, preprocess: Preprocess) -> Suitability:
    """Modality, body part and kind of a DICOM image against what a model of chest CT was made for."""
    refusal = _modality_refusal(study, preprocess) or _body_refusal(study, preprocess)
    if not refusal and "LOCALIZER" in str(study.header.get("ImageType", "")).upper():
        refusal = notice("input.localizer")
    if refusal:
        return Suitability(refusal)
    assumed = [] if modality_of(study) else [notice("ct.modality-assumed")]
    if not study.body_part.strip():
        assumed.append(notice("ct.chest-assumed"))
    if study.spacing_mm is None:
        assumed.append(notice("ct.spacing-assumed", mm=_spacing_mm(preprocess)))
    return Suitability(None, tuple(assumed))


def ct_picture(picture: Picture, preprocess: Preprocess) -> Suitability:
    """A picture without a header: a grey one is taken as a piece of a CT slice at the model's pixel spacing, and that is said."""
    if is_coloured(picture.pixels):
        return Suitability(notice("picture.in-colour", domain=preprocess.domain.value))
    rows, columns = picture.pixels.shape[:2]
    if max(rows, columns) > LARGEST_SLICE:
        return Suitability(notice("picture.too-large-for-ct", columns=columns, rows=rows, most=LARGEST_SLICE))
    return Suitability(None, (notice("picture.taken-as-ct", mm=_spacing_mm(preprocess)),))


def land_cover_picture(picture: Picture, preprocess: Preprocess) -> Suitability:
    """A picture without a ground scale: one of about the model's size is taken as a tile at the model's scale."""
    rows, columns = picture.pixels.shape[:2]
    if not picture.is_colour:
        return Suitability(notice("picture.grey"))
    metres = preprocess.ground_sample_distance_m
    assert metres is not None  # every model of land cover has one
    height, width = preprocess.size
    if rows > TILE_SCALE * height or columns > TILE_SCALE * width:
        return Suitability(
            notice("picture.too-large-for-tile", columns=columns, rows=rows, tile_columns=width, tile_rows=height, metres=metres)
        )
    return Suitability(None, (notice("picture.taken-as-tile", metres=metres),))


def any_study(study: Study) -> Suitability:
    """A DICOM image for a model that does not say what it was made for: whatever is an image is taken."""
    modality = modality_of(study)
    if modality in NOT_IMAGES:
        return Suitability(notice("input.no-image", modality=modality))
    return Suitability(None, (UNDECLARED,))


def pixel_refusal(pixels: NDArray[np.uint8]) -> Notice | None:
    """Why pixels as shown, [rows, columns] or [rows, columns, 3], cannot carry an answer; None where they can."""
    rows, columns = pixels.shape[:2]
    if min(rows, columns) < SMALLEST_SIDE:
        return notice("input.too-small", columns=columns, rows=rows, least=SMALLEST_SIDE)
    if max(rows, columns) > LONGEST_RATIO * min(rows, columns):
        return notice("input.too-narrow", columns=columns, rows=rows)
    if np.ptp(pixels) == 0:
        return notice("input.blank")
    return None


def no_input(preprocess: Preprocess, reason: Notice | None, assumptions: tuple[Notice, ...] = (), frame: int = 0) -> ModelInput:
    """The input of an image that cannot become one: empty (ModelInput.is_empty), with the reason."""
    empty = np.zeros((len(preprocess.channels), 0, 0), dtype=np.float32)
    return ModelInput(empty, empty, (0.0, 0.0, 0.0, 0.0), frame, valid_share=0.0, refusal=reason, assumptions=assumptions)


def is_coloured(pixels: NDArray[np.uint8]) -> bool:
    """Whether pixels, uint8 [rows, columns] or [rows, columns, 3], are a colour picture rather than a grey one stored in three channels."""
    if pixels.ndim == 2:
        return False
    between = np.ptp(pixels.astype(np.int16), axis=2)
    return bool((between > COLOUR_LEVELS).mean() > COLOURED_SHARE)


def _modality_refusal(study: Study, preprocess: Preprocess) -> Notice | None:
    modality = modality_of(study)
    if modality in NOT_IMAGES:
        return notice("input.no-image", modality=modality)
    if modality and preprocess.modalities and modality not in preprocess.modalities:
        return notice("input.other-modality", modality=modality, domain=preprocess.domain.value, modalities=preprocess.modalities)
    return None


def _body_refusal(study: Study, preprocess: Preprocess) -> Notice | None:
    part = study.body_part.strip().upper()
    if not part or not preprocess.body_parts or part in preprocess.body_parts:
        return None
    if "CHEST" in preprocess.body_parts and is_chest(part):
        return None
    return notice("input.other-body-part", part=part, parts=preprocess.body_parts)


def is_chest(body_part: str) -> bool:
    """Whether a BodyPartExamined means the chest: CHEST, THORAX, PORT CHEST, LUNG ... (the attribute is free text in practice)."""
    part = body_part.upper()
    return any(stem in part for stem in CHEST) and not any(stem in part for stem in NOT_CHEST)


def _view_refusal(study: Study, preprocess: Preprocess) -> Notice | None:
    if not preprocess.views:
        return None
    view = _plain_view(study.view)
    if view in NOT_FRONTAL or view.startswith("LAT") or view.endswith("LATERAL") or "OBL" in view:
        return notice("input.not-frontal", view=view if view in NOT_FRONTAL else study.view.lower(), views=preprocess.views)
    if view not in FRONTAL and _row_direction(study) in ("A", "P"):
        return notice("input.lateral-orientation", views=preprocess.views)
    return None


def _assumed_of(study: Study, preprocess: Preprocess) -> tuple[Notice, ...]:
    assumed = []
    if not modality_of(study):
        assumed.append(notice("radiograph.modality-assumed"))
    if preprocess.body_parts and not study.body_part.strip():
        assumed.append(notice("radiograph.body-part-assumed", part=preprocess.body_parts[0]))
    if preprocess.views and _plain_view(study.view) not in FRONTAL:
        assumed.append(notice("radiograph.view-assumed"))
    if preprocess.views and _row_direction(study) in ("R", "H", "F"):
        is_mirrored = _row_direction(study) == "R"
        assumed.append(notice("radiograph.mirrored") if is_mirrored else notice("radiograph.turned"))
    return (*assumed, *_age_assumed(study.age_years, preprocess))


def _age_assumed(age: float | None, preprocess: Preprocess) -> tuple[Notice, ...]:
    if preprocess.age_years is None:
        return ()
    youngest, oldest = preprocess.age_years
    if age is None:
        return (notice("input.age-not-known", youngest=youngest, oldest=oldest),)
    if youngest <= age < oldest + 1:
        return ()
    return (notice("input.age-outside", age=_age(age), youngest=youngest, oldest=oldest),)


def _age(years: float) -> Notice:
    """An age as it is told: in months below two years."""
    return notice("age.years", years=int(years)) if years >= 2 else notice("age.months", count=round(years * 12))


def _spacing_mm(preprocess: Preprocess) -> float:
    assert preprocess.pixel_spacing_mm is not None  # every model of CT has one
    return preprocess.pixel_spacing_mm


def _plain_view(view: str) -> str:
    return "".join(letter for letter in view.upper() if letter.isalpha())


def _row_direction(study: Study) -> str:
    """First letter of where the rows of the image run to (PatientOrientation, PS3.3 C.7.6.1.1.1): L for a frontal image as usual."""
    value = study.header.get("PatientOrientation")
    return str(value[0])[:1].upper() if value and len(value) == 2 else ""
