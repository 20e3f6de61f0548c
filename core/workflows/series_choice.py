"""Which of several series is looked at first, and which stacks come from one series."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from core.prepare.kinds import modality_of
from core.types import Picture, Preprocess, Study
from core.workflows.ct_places import AXIAL_COSINE

_Shown = Study | Picture
THIN_MM, THICK_MM = 0.5, 3.0
"""Slices within are as good as each other for looking and for models; thinner ones are noise, thicker ones hide what is small."""
_SHARP_WORDS = ("LUNG", "BONE", "EDGE", "SHARP", "DETAIL")
_SHARP_FROM = 50
"""Siemens counts its kernels from smooth to sharp (B10 to B90), Toshiba likewise within fifties (FC50 on: lung)."""


def by_series(images: Sequence[_Shown]) -> tuple[tuple[int, ...], ...]:
    """Indexes of the images, those that came from one series together, in the order of the first of each."""
    groups: dict[str, list[int]] = {}
    for index, image in enumerate(images):
        key = image.series if isinstance(image, Study) and image.series else f"alone {index}"
        groups.setdefault(key, []).append(index)
    return tuple(tuple(group) for group in groups.values())


def proposed(images: Sequence[_Shown], models: Iterable[Preprocess]) -> int:
    """The index of the image to look at first: one that a model of this machine reads, by modality and body part; then an axial plane, a
    regular stack, the kernel that suits the body part, a thickness of half to three millimetres, and the most slices. 0 of none.
    """
    read = tuple(models)
    return max(range(len(images)), key=lambda index: (*_rank(images[index], read), -index), default=0)


def is_localizer(image: _Shown) -> bool:
    """Whether an image only shows where the slices of a scan lie."""
    kinds = image.header.get("ImageType", "") if isinstance(image, Study) else ""
    return "LOCALIZER" in ([kinds] if isinstance(kinds, str) else list(kinds))


def is_axial(study: Study) -> bool:
    """Whether its planes lie across the patient's long axis, a tilt of the gantry aside."""
    if not study.orientation or len(study.orientation) != 6:
        return False
    normal = np.cross(study.orientation[:3], study.orientation[3:])
    return abs(float(normal[2])) >= AXIAL_COSINE * float(np.linalg.norm(normal) or 1.0)


def is_sharp(kernel: str) -> bool:
    """Whether a kernel keeps edges, as for lung and bone, by the names that vendors give."""
    text = kernel.upper()
    number = re.search(r"\d{2}", text)
    return any(word in text for word in _SHARP_WORDS) or (number is not None and int(number[0]) >= _SHARP_FROM)


def _rank(image: _Shown, models: Sequence[Preprocess]) -> tuple[float, ...]:
    if isinstance(image, Picture):
        return (0.0,) * 7
    kind, slices = modality_of(image), image.shape[0]
    reading = [model for model in models if kind in model.modalities]
    suits = any(not model.body_parts or _names_one_of(image.body_part, model.body_parts) for model in reading)
    thickness = image.thickness_mm or image.slice_spacing_mm or 0.0
    is_wanted = is_sharp(image.kernel) == _names_one_of(image.body_part, ("CHEST", "LUNG", "THORAX"))
    return (
        float(not is_localizer(image)),
        float(bool(reading)) + float(bool(reading) and suits),
        float(slices == 1 or is_axial(image)),
        float(slices == 1 or image.is_volume),
        float(bool(image.kernel) and is_wanted),
        float(THIN_MM <= thickness <= THICK_MM),
        float(slices),
    )


def _names_one_of(part: str, wanted: Iterable[str]) -> bool:
    return any(word in part.upper() for word in wanted)
