"""What the Study tab says of an image: the header that was kept, and what was checked of its geometry."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.multival import MultiValue

from core.prepare.kinds import modality_of
from core.report.notices import word
from core.types import Picture, Study
from core.ui.radiology.study_places import slice_places
from core.ui.radiology.study_show import AXES
from core.ui.widgets.words import counted
from core.workflows.series_choice import is_localizer

Facts = list[tuple[str, str]]
PLANES = ("sagittal", "coronal", "axial")
"""By the axis of the patient that a plane's normal lies nearest to: left, back, head."""
OBLIQUE_COSINE = 0.9
LEAST_TILT = 0.5
"""Degrees: what is less is how exactly a header is written."""


def image_facts(image: Study | Picture) -> Facts:
    """Name and value of what matters to a reader, empty values included."""
    return _picture(image) if isinstance(image, Picture) else _study(image)


def title_of(image: Study | Picture) -> str:
    """What an image is, in a line: "CT head, 14 slices, tilted 18.5 degrees, kernel STANDARD"."""
    if isinstance(image, Picture):
        rows, columns = image.pixels.shape[:2]
        return f"Picture, {columns} x {rows} pixels"
    frames, rows, columns = image.shape
    tilt = tilt_degrees(image)
    return _joined(
        _kind(image),
        image.view,
        counted(frames, "slice") if frames > 1 else f"{columns} x {rows} pixels",
        f"tilted {tilt:.1f} degrees" if tilt >= LEAST_TILT else "",
        f"kernel {image.kernel}" if image.kernel else "",
    )


def series_title(images: Sequence[Study | Picture]) -> str:
    """What a series is, in a line: "CT head, 14 + 14 slices, tilted"; of one stack as title_of says."""
    studies = [image for image in images if isinstance(image, Study)]
    if len(images) == 1 or len(studies) < len(images):
        return title_of(images[0])
    stacks = [study.shape[0] for study in studies if not is_localizer(study)]
    localizers, kernels = len(studies) - len(stacks), {study.kernel for study in studies}
    return _joined(
        _kind(studies[0]),
        f"{' + '.join(map(str, stacks))} {'slice' if stacks == [1] else 'slices'}" if stacks else "",
        counted(localizers, "localizer") if localizers else "",
        "tilted" if any(tilt_degrees(study) >= LEAST_TILT for study in studies) else "",
        f"kernel {studies[0].kernel}" if len(kernels) == 1 and studies[0].kernel else "",
    )


def stack_title(image: Study | Picture) -> str:
    """What sets a stack apart from the others of its series: "14 slices, 4 mm apart", "localizer"."""
    if isinstance(image, Picture):
        return title_of(image)
    if is_localizer(image):
        return "localizer"
    apart = f"{image.slice_spacing_mm:.2g} mm apart" if image.slice_spacing_mm else ""
    return _joined(counted(image.shape[0], "slice"), apart, plane(image.orientation), image.kernel)


def _kind(study: Study) -> str:
    return " ".join(part for part in (study.modality or "DICOM image", study.body_part.lower()) if part)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def file_words(image: Study | Picture) -> str:
    """Which files it was read from; names are shown beside an image, never over it, since they may name a person."""
    if isinstance(image, Picture) or not image.sources:
        return image.name
    others = len(image.sources) - 1
    return f"{image.sources[0].name} and {others:,} more" if others else image.sources[0].name


def tilt_degrees(study: Study) -> float:
    """The angle between the normal of the slices and the way from the first to the last, in degrees; 0 where the file does not tell.

    A tilted gantry takes slices that do not stand upright on the table's way: PS3.3 C.7.6.2.1.1.
    """
    if not study.orientation or len(study.orientation) != 6 or len(study.positions) < 2:
        return 0.0
    normal = np.cross(study.orientation[:3], study.orientation[3:])
    way = np.subtract(study.positions[-1], study.positions[0])
    length = float(np.linalg.norm(normal) * np.linalg.norm(way))
    if length == 0.0:
        return 0.0
    return float(np.degrees(np.arccos(min(1.0, abs(float(normal @ way)) / length))))


def kept_header(study: Study) -> Facts:
    """Every attribute that was kept, by its name in the standard."""
    return [(str(element.name), _short(element.value)) for element in study.header if element.VR != "SQ"]


def geometry_words(study: Study) -> str:
    """Whether the frames are one volume, and by what that was judged."""
    frames = study.shape[0]
    if frames == 1:
        return ""
    if not study.is_volume:
        return "Not one volume: lengths across the slices mean nothing here."
    return "One volume: every position and orientation was checked, and the slices lie evenly and in parallel."


def _study(study: Study) -> Facts:
    frames, rows, columns = study.shape
    return [
        ("Kind", _sentence(word("modality", modality_of(study)))),
        ("Body part", study.body_part.lower()),
        ("View", study.view),
        ("Age", "" if study.age_years is None else f"{study.age_years:.3g} years"),
        ("Sex", study.sex),
        ("Size", f"{columns} x {rows} pixels"),
        ("Frames", counted(frames, "slice") if frames > 1 else ""),
        ("Pixels", _spacing(study)),
        ("Slice spacing", "" if study.slice_spacing_mm is None else f"{study.slice_spacing_mm:.4g} mm"),
        ("Slice thickness", "" if study.thickness_mm is None else f"{study.thickness_mm:.4g} mm"),
        ("Kernel", study.kernel or ", ".join(dict.fromkeys(study.kernels))),
        ("Table position" if study.modality == "CT" else "Position", _span(slice_places(study), " mm")),
        ("Instance number", _span([float(number) for number in study.instance_numbers])),
        ("Plane", plane(study.orientation)),
        ("Photometric interpretation", str(study.frame_header(0).get("PhotometricInterpretation", study.photometric))),
        ("Bits stored", counted(int(study.header.get("BitsStored", 0)), "bit") if study.header.get("BitsStored") else ""),
        ("SHA-256", study.sha256),
    ]


def _span(values: Sequence[float], unit: str = "") -> str:
    if not values:
        return ""
    low, high = (f"{value:.1f}".removesuffix(".0") for value in (min(values), max(values)))
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def _picture(picture: Picture) -> Facts:
    rows, columns = picture.pixels.shape[:2]
    return [
        ("Kind", "A picture without a header"),
        ("Size", f"{columns} x {rows} pixels"),
        ("Channels", "red, green, blue" if picture.pixels.ndim == 3 else "grey"),
        ("SHA-256", picture.sha256),
    ]


def plane(orientation: tuple[float, ...] | None) -> str:
    """ "axial", "oblique, nearest to axial"; "" where the file does not tell."""
    if not orientation or len(orientation) != 2 * len(AXES):
        return ""
    (a, b, c), (d, e, f) = orientation[:3], orientation[3:]
    normal = [abs(part) for part in (b * f - c * e, c * d - a * f, a * e - b * d)]
    nearest = max(range(3), key=lambda axis: normal[axis])
    return PLANES[nearest] if normal[nearest] >= OBLIQUE_COSINE else f"oblique, nearest to {PLANES[nearest]}"


def _spacing(study: Study) -> str:
    if not study.spacing_mm:
        return ""
    row, column = study.spacing_mm
    size = f"{row:.4g} mm" if row == column else f"{row:.4g} mm high, {column:.4g} mm wide"
    return f"{size}, at the detector" if study.is_projection else size


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(value: object) -> str:
    text = ", ".join(str(part) for part in value) if isinstance(value, (list, tuple, MultiValue)) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
