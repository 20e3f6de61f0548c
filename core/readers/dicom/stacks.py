"""Slices of one series put in order, and parted where they do not make one volume.

A wrong volume is worse than none: a missing or doubled slice, a localizer among the slices or a tilted gantry changes every length that is
measured on it, without a word. So each group of slices is proven regular or shown slice by slice, with the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.readers.dicom import geometry
from core.readers.dicom.image import ReadObject
from core.types import Notice, notice

CROSS_SECTIONAL = frozenset({"CT", "MR", "PT", "NM"})
_SHORTEST_STACK = 3


@dataclass(frozen=True)
class SliceGroup:
    """Slices in order. reason: why they are not a volume, None where they are one (or a single slice). notes: what else to say."""

    members: tuple[ReadObject, ...]
    reason: Notice | None = None
    spacing_mm: float | None = None
    notes: tuple[Notice, ...] = ()


def groups_of(members: Sequence[ReadObject]) -> list[SliceGroup]:
    """Part the single-frame objects of one series into groups, each a volume, a set of separate slices, or one image."""
    members, copies = _without_copies(members)
    placed = [member for member in members if _is_placed(member)]
    adrift = [member for member in members if not _is_placed(member)]
    localizers = [member for member in placed if _is_localizer(member)]
    slices = [member for member in placed if not _is_localizer(member)]
    groups = [group for plane in _planes(slices) for group in _of_one_plane(plane)]
    if len(groups) > 1:
        many = notice("dicom.several-stacks", stacks=len(groups))
        groups = [_noted(group, many) for group in groups]
    if localizers and groups:
        groups = [_noted(group, notice("dicom.localizers-left-out", count=len(localizers))) for group in groups]
    groups += [SliceGroup((member,)) for member in localizers]
    groups += _of_no_place(adrift)
    if copies:
        groups = [_noted(group, notice("dicom.copies-left-out", count=copies)) for group in groups]
    return groups


def _without_copies(members: Sequence[ReadObject]) -> tuple[list[ReadObject], int]:
    seen: dict[str, ReadObject] = {}
    for member in members:
        seen.setdefault(member.study.sha256, member)
    return list(seen.values()), len(members) - len(seen)


def _is_placed(member: ReadObject) -> bool:
    return bool(member.study.positions and member.study.orientation)


def _is_localizer(member: ReadObject) -> bool:
    kinds = member.study.header.get("ImageType", "")
    return "LOCALIZER" in ([kinds] if isinstance(kinds, str) else list(kinds))


def _planes(slices: Sequence[ReadObject]) -> list[list[ReadObject]]:
    """Slices that are parallel, of one size, one pixel spacing and one kind of pixels."""
    planes: list[list[ReadObject]] = []
    for member in slices:
        for plane in planes:
            if _are_alike(plane[0], member):
                plane.append(member)
                break
        else:
            planes.append([member])
    return planes


def _are_alike(first: ReadObject, second: ReadObject) -> bool:
    one, two = first.study, second.study
    if one.orientation is None or two.orientation is None or not geometry.same_orientation(one.orientation, two.orientation):
        return False
    same_spacing = one.spacing_mm == two.spacing_mm or (
        one.spacing_mm is not None and two.spacing_mm is not None and np.allclose(one.spacing_mm, two.spacing_mm, rtol=1e-3)
    )
    return one.shape[1:] == two.shape[1:] and first.layout.is_colour == second.layout.is_colour and same_spacing


def _of_one_plane(plane: Sequence[ReadObject]) -> list[SliceGroup]:
    ordered = sorted(plane, key=_distance)
    if len(ordered) == 1:
        return [SliceGroup((ordered[0],))]
    if _has_doubles(ordered):
        parts = _parted_by_acquisition(ordered)
        if parts is None:
            return [_judged(ordered)]
        return [group for part in parts for group in _of_one_plane(part)]
    runs = _runs(ordered)
    if runs is None:
        return [_judged(ordered)]
    return [_judged(run) for run in runs]


def _judged(ordered: Sequence[ReadObject]) -> SliceGroup:
    study = ordered[0].study
    assert study.orientation is not None
    stack = geometry.check_geometry([member.study.positions[0] for member in ordered], study.orientation, geometry.tilt(study.header))
    return SliceGroup(tuple(ordered), stack.reason, stack.spacing_mm)


def _distance(member: ReadObject) -> float:
    assert member.study.orientation is not None
    return geometry.distances(member.study.positions, member.study.orientation)[0]


def _gaps(ordered: Sequence[ReadObject]) -> list[float]:
    along = [_distance(member) for member in ordered]
    return [high - low for low, high in pairwise(along)]


def _has_doubles(ordered: Sequence[ReadObject]) -> bool:
    gaps = _gaps(ordered)
    return min(gaps) < max(1e-3, geometry.SPACING_TOLERANCE * float(np.median(gaps)))


def _parted_by_acquisition(ordered: Sequence[ReadObject]) -> list[list[ReadObject]] | None:
    """Phases, echoes or reconstructions that lie at the same places: parted by the first attribute that leaves no doubles."""
    for index in range(len(ordered[0].acquisition)):
        parts: dict[str, list[ReadObject]] = defaultdict(list)
        for member in ordered:
            parts[member.acquisition[index]].append(member)
        if len(parts) > 1 and all(len(part) >= _SHORTEST_STACK and not _has_doubles(part) for part in parts.values()):
            return list(parts.values())
    return None


def _runs(ordered: Sequence[ReadObject]) -> list[list[ReadObject]] | None:
    """Stacks of different spacing, or far apart, one after another; None where the slices are not such a sequence.

    Stacks of the same spacing whose distance is a whole number of slices are one stack with slices missing, and are not parted.
    """
    gaps = _gaps(ordered)
    starts, start = [0], 0
    for index in range(1, len(ordered)):
        if index > start + 1 and abs(gaps[index - 1] - gaps[start]) > geometry.SPACING_TOLERANCE * gaps[start]:
            starts.append(index)
            start = index
    if len(starts) == 1:
        return None
    runs = [list(ordered[low:high]) for low, high in zip(starts, [*starts[1:], len(ordered)], strict=True)]
    if any(len(run) < _SHORTEST_STACK for run in runs):
        return None
    spacings = [gaps[low] for low in starts]
    same = max(spacings) - min(spacings) <= geometry.SPACING_TOLERANCE * min(spacings)
    between = [gaps[low - 1] / spacings[0] for low in starts[1:]]
    if same and all(abs(steps - round(steps)) <= 0.05 * round(steps) for steps in between if steps > 0.5):
        return None
    return runs


def _of_no_place(adrift: Sequence[ReadObject]) -> list[SliceGroup]:
    """Slices of a scanner that do not tell where they lie are kept together, by their number; other images stand alone."""
    by_size: dict[tuple[int, ...], list[ReadObject]] = defaultdict(list)
    alone = []
    for member in adrift:
        if member.study.modality in CROSS_SECTIONAL and not member.layout.is_colour:
            by_size[member.study.shape[1:]].append(member)
        else:
            alone.append(SliceGroup((member,)))
    together = [
        SliceGroup(
            tuple(sorted(members, key=lambda member: member.instance_number)),
            None if len(members) == 1 else notice("stack.no-positions"),
        )
        for members in by_size.values()
    ]
    return together + alone


def _noted(group: SliceGroup, note: Notice) -> SliceGroup:
    return SliceGroup(group.members, group.reason, group.spacing_mm, (*group.notes, note))
