"""What speaks against an image whatever it shows: header rules and the plainest facts of pixels that domains share (core/prepare/domains).

These rules come before the distance from the training (core/inference/ood.py): they are certain, and they can say why.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.prepare.kinds import NOT_IMAGES, modality_of
from core.types import ModelInput, Notice, Preprocess, Study, notice

_SMALLEST_SIDE = 32
"""Pixels; below it an image is a thumbnail or an icon."""
LONGEST_RATIO = 3.0
"""Long side to short side; radiographs of a chest stay below 2."""
COLOUR_LEVELS = 32
"""Grey levels between the channels from which a pixel counts as coloured; a tint from compression stays below."""
COLOURED_SHARE = 0.02
"""Share of coloured pixels that makes a colour picture; a coloured mark on a grey image stays below."""

UNDECLARED = notice("input.undeclared")
"""Of a model that does not say what it was made for."""

CHEST = ("CHEST", "THORA", "TORAX", "LUNG", "PULM")
NOT_CHEST = ("SPINE", "ABD", "PELV", "WALL")


@dataclass(frozen=True)
class Suitability:
    """refusal: what speaks against the image, None where nothing does. assumptions: of what the header leaves open.

    unnamed: labels that were not measured on such a patient or view.
    """

    refusal: Notice | None = None
    assumptions: tuple[Notice, ...] = ()
    unnamed: tuple[str, ...] = ()


def pixel_refusal(pixels: NDArray[np.uint8]) -> Notice | None:
    """Why pixels as shown, [rows, columns] or [rows, columns, 3], cannot carry an answer; None where they can."""
    rows, columns = pixels.shape[:2]
    if min(rows, columns) < _SMALLEST_SIDE:
        return notice("input.too-small", columns=columns, rows=rows, least=_SMALLEST_SIDE)
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


def modality_refusal(study: Study, preprocess: Preprocess) -> Notice | None:
    """Why the kind of object is none that the model reads; None where it is."""
    modality = modality_of(study)
    if modality in NOT_IMAGES:
        return notice("input.no-image", modality=modality)
    if modality and preprocess.modalities and modality not in preprocess.modalities:
        return notice("input.other-modality", modality=modality, domain=preprocess.domain.value, modalities=preprocess.modalities)
    return None


def body_refusal(study: Study, preprocess: Preprocess) -> Notice | None:
    """Why the body part is none that the model reads; None where it is, or is not told."""
    part = study.body_part.strip().upper()
    if not part or not preprocess.body_parts or part in preprocess.body_parts:
        return None
    if "CHEST" in preprocess.body_parts and is_chest(part):
        return None
    return notice("input.other-body-part", part=part, parts=preprocess.body_parts)


def no_patient_refusal(study: Study) -> Notice | None:
    """Why the image is of no patient by its header: drawn (Synthetic Data, 0008,001C) or of a phantom (Quality Control Image)."""
    if str(study.header.get("SyntheticData", "")) == "YES":
        return notice("input.synthetic")
    if str(study.header.get("QualityControlImage", "")) == "YES":
        return notice("input.phantom")
    return None


def is_chest(body_part: str) -> bool:
    """Whether a BodyPartExamined means the chest: CHEST, THORAX, PORT CHEST, LUNG ... (the attribute is free text in practice)."""
    part = body_part.upper()
    return any(stem in part for stem in CHEST) and not any(stem in part for stem in NOT_CHEST)
