"""A slice of CT as a model of small windows reads it: brought to its pixel spacing, cut, each window scaled by itself.

The training's crops were scaled from their smallest to their largest value; so is each window here. Padding outside the scanner's field
of view counts as air.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import OutOfRange
from core.prepare.body import body_of_slice
from core.prepare.ct_lungs import AIRY, lung_field
from core.prepare.kinds import NOT_IMAGES, modality_of
from core.prepare.suitability import Suitability, body_refusal, is_coloured, modality_refusal, no_input, no_patient_refusal, pixel_refusal
from core.prepare.tensor import resize, standardise
from core.prepare.windowing import LUMINANCE, is_colour, modality_values, render
from core.types import FloatImage, Mask, ModelInput, Notice, Picture, Preprocess, Study, notice

AIR = -1024.0
"""Hounsfield units; what lies below is padding."""
WHOLE = 1.25
"""A picture up to this many times the window's size is taken as one window."""
SLAB_MM = 3.0
"""Thin slices of a volume are averaged up to this thickness: noise fades, and so do vessels that a slice or two show
(training/RESULTS.md)."""
LARGEST_SLICE = 1024
"""Pixels a side of the largest CT slices that scanners make."""
NO_LUNG = notice("ct.no-lung")
_ROUNDING = 0.01
"""Of a slice: what spacings as they stand in files are off by."""
_BODY_SHARE = 0.2
"""Share of the rows; what stands in fewer is the table, a sleeve, an arm."""

_Slice = Study | Picture


@dataclass(frozen=True)
class Plane:
    """One slice at the model's pixel spacing.

    values: float32 [rows, columns], Hounsfield units of a study, grey in [0, 255] of a picture. searched: where something may be found.
    across, down: pixels of the source that one pixel here covers. frame: of the study, from 0.
    suitable: what the header and the pixels say for or against the model. source: sha256 of the source's bytes.
    has_units: whether the values are Hounsfield units.
    """

    values: FloatImage
    searched: Mask
    across: float
    down: float
    frame: int
    suitable: Suitability
    source: str
    has_units: bool = True

    @property
    def middle(self) -> float:
        """The column of the source at the middle of the body: of what is denser than air in a fifth of the rows or more."""
        dense = np.flatnonzero((self.values > AIRY).mean(axis=0) > _BODY_SHARE)
        column = float(dense[0] + dense[-1]) / 2.0 if len(dense) else (self.values.shape[1] - 1) / 2.0
        return (column + 0.5) * self.across - 0.5


def ct_study(study: Study, preprocess: Preprocess) -> Suitability:
    """Modality, body part and kind of a DICOM image against what a model of chest CT was made for."""
    refusal = modality_refusal(study, preprocess) or body_refusal(study, preprocess)
    if not refusal and "LOCALIZER" in str(study.header.get("ImageType", "")).upper():
        refusal = notice("input.localizer")
    if refusal:
        return Suitability(refusal)
    assumed = [] if modality_of(study) else [notice("ct.modality-assumed")]
    if not study.body_part.strip():
        assumed.append(notice("ct.chest-assumed"))
    if no_patient_refusal(study) is not None:  # Hounsfield units are what they are, drawn or measured
        assumed.append(notice("input.drawn"))
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


def is_searched(image: _Slice, preprocess: Preprocess) -> bool:
    """Whether an image is searched window by window: not a picture of about the window's size, nor what is no image (a dose, a mask)."""
    if isinstance(image, Study):
        return modality_of(image) not in NOT_IMAGES
    rows, columns = image.pixels.shape[:2]
    return bool(rows > WHOLE * preprocess.size[0] or columns > WHOLE * preprocess.size[1])


def slabs_of(image: _Slice) -> list[range]:
    """The frames (from 0) that are read as one: of a volume as many neighbouring slices as SLAB_MM holds, else each by itself."""
    frames = image.shape[0] if isinstance(image, Study) else 1
    count = 1
    if isinstance(image, Study) and image.is_volume and image.slice_spacing_mm:
        count = max(1, 1 + int((SLAB_MM - slab_mm(image, 1)) / image.slice_spacing_mm + _ROUNDING))
    return [range(first, min(first + count, frames)) for first in range(0, frames, count)]


def slab_mm(study: Study, count: int) -> float:
    """How thick so many slices are together; slices that are thicker than they lie apart overlap."""
    apart = study.slice_spacing_mm or 0.0
    return (count - 1) * apart + max(apart, _thickness_mm(study))


def middle_of(slab: range) -> int:
    """The frame that stands for a slab, the lower one of two."""
    return slab[(len(slab) - 1) // 2]


def slab_about(image: _Slice, frame: int) -> range:
    """The slab that a frame lies in; a frame that is not there alone."""
    return next((slab for slab in slabs_of(image) if frame in slab), range(frame, frame + 1))


def _thickness_mm(study: Study) -> float:
    try:
        return float(study.header.get("SliceThickness") or 0.0)
    except (TypeError, ValueError):
        return 0.0


def plane_of(image: _Slice, preprocess: Preprocess, frame: int = 0) -> Plane:
    """One slice of a study, with those of its slab, searched inside its lungs, or a picture, searched everywhere.

    Raises OutOfRange for a frame that is not there, UnreadableFile for pixels that cannot be decoded.
    """
    if isinstance(image, Picture):
        values, suitable = _grey(image), ct_picture(image, preprocess)
        refusal = suitable.refusal or pixel_refusal(image.pixels)
        searched = np.ones(values.shape, dtype=np.bool_)
        return Plane(values, searched, 1.0, 1.0, 0, Suitability(refusal, suitable.assumptions), image.sha256, has_units=False)
    if not 0 <= frame < image.shape[0]:
        raise OutOfRange("frame", frame, f"0 <= frame < {image.shape[0]}")
    spacing = preprocess.pixel_spacing_mm or 1.0
    down, across = (spacing / side for side in image.spacing_mm) if image.spacing_mm else (1.0, 1.0)
    values = _averaged(image, slab_about(image, frame))
    size = (max(1, round(values.shape[0] / down)), max(1, round(values.shape[1] / across)))
    values = resize(values[np.newaxis], size)[0]
    searched = lung_field(values, spacing)
    suitable = ct_study(image, preprocess)
    refusal = suitable.refusal or _pixels_refused(image, frame, values, preprocess) or (None if searched.any() else NO_LUNG)
    return Plane(values, searched, across, down, frame, Suitability(refusal, suitable.assumptions), image.sha256)


def _averaged(study: Study, frames: range) -> FloatImage:
    sums = np.maximum(modality_values(study, frames[0]), np.float32(AIR))
    for frame in frames[1:]:
        sums = sums + np.maximum(modality_values(study, frame), np.float32(AIR))
    return np.asarray(sums / np.float32(len(frames)), dtype=np.float32)


def corners(plane: Plane, size: tuple[int, int], stride: int) -> list[tuple[int, int]]:
    """(left, top) of windows side by side over what is searched, `stride` pixels apart, the last ones moved inside; none where none is."""
    rows, columns = plane.values.shape
    return [
        (left, top)
        for top in _starts(rows, size[0], stride)
        for left in _starts(columns, size[1], stride)
        if plane.searched[top : top + size[0], left : left + size[1]].any()
    ]


def window_at(plane: Plane, left: int, top: int, preprocess: Preprocess) -> ModelInput:
    """The window whose upper left corner is there, moved inside the slice; a slice that is smaller is taken whole and squashed."""
    rows, columns = plane.values.shape
    height, width = min(rows, preprocess.size[0]), min(columns, preprocess.size[1])
    left, top = min(max(left, 0), columns - width), min(max(top, 0), rows - height)
    shown = resize(_scaled(plane.values[top : top + height, left : left + width])[np.newaxis], preprocess.size)
    return ModelInput(
        values=standardise(shown, preprocess),
        shown=shown,
        box=(left * plane.across, top * plane.down, width * plane.across, height * plane.down),
        frame=plane.frame,
        refusal=plane.suitable.refusal,
        assumptions=plane.suitable.assumptions,
        source=plane.source,
    )


def window_about(plane: Plane, column: float, row: float, preprocess: Preprocess) -> ModelInput:
    """The window whose middle is a place of the source, as near to it as the slice allows. column, row: of the source, from 0.

    Raises OutOfRange for a place outside the slice.
    """
    x, y = column / plane.across, row / plane.down
    rows, columns = plane.values.shape
    if not (0 <= x <= columns and 0 <= y <= rows):
        allowed = f"0 <= column <= {columns * plane.across:.0f} and 0 <= row <= {rows * plane.down:.0f}"
        raise OutOfRange("at", f"{column:g} {row:g}", allowed)
    return window_at(plane, round(x - preprocess.size[1] / 2), round(y - preprocess.size[0] / 2), preprocess)


def window_parts(study: Study, given: ModelInput, preprocess: Preprocess) -> dict[str, Mask]:
    """Which pixels of a window are lung, elsewhere in the body, and outside: bool [rows, columns] of the input. Raises as plane_of."""
    plane = plane_of(study, preprocess, given.frame)
    left, top = round(given.box[0] / plane.across), round(given.box[1] / plane.down)
    right, bottom = left + round(given.box[2] / plane.across), top + round(given.box[3] / plane.down)
    lungs = plane.searched
    body = body_of_slice(plane.values) & ~lungs
    masks = {"lungs": lungs, "body": body, "outside": ~(lungs | body)}
    return {name: _on_input(mask[top:bottom, left:right], preprocess.size) for name, mask in masks.items()}


def _on_input(mask: Mask, size: tuple[int, int]) -> Mask:
    """The nearest pixels of a mask, [rows, columns] of any size."""
    rows = (np.arange(size[0]) * mask.shape[0]) // size[0]
    columns = (np.arange(size[1]) * mask.shape[1]) // size[1]
    return np.asarray(mask[rows[:, np.newaxis], columns], dtype=np.bool_)


def centre_window(image: _Slice, preprocess: Preprocess, frame: int | None = None) -> ModelInput:
    """One window of an image: a small picture whole, else the window about the middle of what is searched, of the middle slice by default.

    Raises as plane_of.
    """
    if isinstance(image, Study) and not is_searched(image, preprocess):
        return no_input(preprocess, ct_study(image, preprocess).refusal)
    chosen = (image.shape[0] // 2 if frame is None else frame) if isinstance(image, Study) else 0
    plane = plane_of(image, preprocess, chosen)
    if not is_searched(image, preprocess):
        return _whole(plane, preprocess)
    where = np.argwhere(plane.searched)
    row, column = where.mean(axis=0) if len(where) else np.array(plane.values.shape) / 2
    return window_about(plane, float(column * plane.across), float(row * plane.down), preprocess)


def _scaled(values: FloatImage) -> FloatImage:
    """From the smallest to the largest value onto [0, 1]; zeros where all are equal."""
    low, high = float(values.min()), float(values.max())
    return np.asarray((values - low) / (high - low) if high > low else np.zeros_like(values), dtype=np.float32)


def _whole(plane: Plane, preprocess: Preprocess) -> ModelInput:
    rows, columns = plane.values.shape
    shown = resize(_scaled(plane.values)[np.newaxis], preprocess.size)
    box = (0.0, 0.0, float(columns), float(rows))
    suitable = plane.suitable
    return ModelInput(standardise(shown, preprocess), shown, box, 0, 1.0, suitable.refusal, suitable.assumptions, plane.source)


def _grey(picture: Picture) -> FloatImage:
    pixels = picture.pixels.astype(np.float32)
    return np.asarray(pixels if pixels.ndim == 2 else pixels @ LUMINANCE, dtype=np.float32)


def _pixels_refused(study: Study, frame: int, values: FloatImage, preprocess: Preprocess) -> Notice | None:
    if is_colour(study, frame) and is_coloured(render(study, frame)):
        return notice("input.in-colour", domain=preprocess.domain.value)
    if np.ptp(values) == 0:
        return notice("input.blank")
    if values.shape[0] < preprocess.size[0] or values.shape[1] < preprocess.size[1]:
        return notice("ct.smaller-than-window", columns=preprocess.size[1], rows=preprocess.size[0])
    return None


def _starts(whole: int, window: int, stride: int) -> list[int]:
    return sorted({min(start, max(0, whole - window)) for start in range(0, max(1, whole - window + stride), stride)})


def _spacing_mm(preprocess: Preprocess) -> float:
    assert preprocess.pixel_spacing_mm is not None  # every model of CT has one
    return preprocess.pixel_spacing_mm
