"""Functional groups of enhanced multi-frame objects (PS3.3 C.7.6.16): what is said once for all frames, and for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom import Dataset

from core.deidentify.header import ALLOWED, CONVERSION_ERRORS, DISPLAY, cleaned, raw_value

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


def frame_groups(dataset: Dataset, frames: int) -> tuple[Dataset, ...]:
    """The allowed attributes of each frame's functional groups, flat; () where the object has none or not one a frame."""
    items = _items(dataset, "PerFrameFunctionalGroupsSequence")
    if len(items) != frames:
        return ()
    return tuple(_flat(item, ALLOWED) for item in items)


def display_headers(header: Dataset, shared: Dataset, groups: Sequence[Dataset]) -> tuple[Dataset, ...]:
    """One display header a frame, or a single one for all where no frame says anything of its own."""
    common = _merged((header, shared))
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
