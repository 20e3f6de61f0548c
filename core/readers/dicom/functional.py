"""Functional groups of enhanced multi-frame objects (PS3.3 C.7.6.16): what is said once for all frames, and for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom import Dataset

from core.deidentify.header import ALLOWED, CONVERSION_ERRORS, DISPLAY, cleaned, raw_value
from core.types import Notice, notice

_GROUPS = (
    "PixelMeasuresSequence",
    "PlaneOrientationSequence",
    "PlanePositionSequence",
    "FrameVOILUTSequence",
    "PixelValueTransformationSequence",
    "FrameAnatomySequence",
)


def shared_group(dataset: Dataset) -> Dataset:
    """The allowed attributes of the shared functional groups, flat; empty where there are none."""
    items = _items(dataset, "SharedFunctionalGroupsSequence")
    return _flat(items[0], ALLOWED) if items else Dataset()


def frame_groups(dataset: Dataset, frames: int) -> tuple[tuple[Dataset, ...], tuple[Notice, ...]]:
    """The allowed attributes of each frame's functional groups, flat, () where the object has none; and what is to be said of them.

    Where there are more or fewer groups than frames, nobody knows whose they are: what all of them say alike holds for every frame.
    """
    groups = tuple(_flat(item, ALLOWED) for item in _items(dataset, "PerFrameFunctionalGroupsSequence"))
    if not groups or len(groups) == frames:
        return groups, ()
    alike = Dataset()
    for element in groups[0]:
        if element.keyword != "ImagePositionPatient" and all(group.get(element.keyword) == element.value for group in groups):
            alike[element.tag] = element
    differing = sorted({element.keyword for group in groups for element in group if element.keyword not in alike})
    if differing:
        return (alike,) * frames, (notice("dicom.groups-differ", count=len(groups), held=frames, attributes=tuple(differing)),)
    return (alike,) * frames, (notice("dicom.groups-alike", count=len(groups), held=frames),)


def display_headers(header: Dataset, shared: Dataset, groups: Sequence[Dataset]) -> tuple[Dataset, ...]:
    """One display header a frame, or a single one for all where no frame says anything of its own."""
    common = _merged((header, shared))
    if groups and all(group is groups[0] for group in groups):
        return (_merged((common, groups[0])),)
    if not any(keyword in group for group in groups for keyword in DISPLAY):
        return (common,)
    return tuple(_merged((common, group)) for group in groups)


def _merged(parts: Iterable[Dataset]) -> Dataset:
    merged = Dataset()
    for part in parts:
        for element in part:
            if element.keyword in DISPLAY:
                merged[element.tag] = element
    return merged


def _flat(item: Dataset, keywords: Iterable[str]) -> Dataset:
    flat = Dataset()
    for name in _GROUPS:
        for inner in _items(item, name)[:1]:
            flat.update(cleaned(inner, keywords))
    return flat


def _items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    try:
        return list(raw_value(dataset, keyword) or ())
    except (*CONVERSION_ERRORS, RecursionError):
        return ()
