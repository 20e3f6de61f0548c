"""What can be done with slices that are no volume: leave some out, part them, or look at them one by one.

Nothing of this happens by itself. Each way is judged as the whole was (core/readers/dicom/geometry.py): it is offered only where what
is left, or each part, is one regular stack.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import OutOfRange
from core.readers.dicom import geometry
from core.readers.digest import sha256_of, sha256_of_all
from core.types import FrameSource, Mask, OverlaySource, Study, notice

FEWEST = 3
"""Slices of a stack that is worth being called one."""
_MOST_SEARCHED = 2_000
"""Slices among which an unbroken run is looked for."""


class WayOut(StrEnum):
    """DUPLICATES: one slice of each position. STRAYS: the longest run of evenly spaced slices, without what stands between or beside (a
    localizer, what lies behind a gap). KERNEL: a stack for each reconstruction kernel. SLICES: as they are, each by itself.
    """

    DUPLICATES = "duplicates"
    STRAYS = "strays"
    KERNEL = "kernel"
    SLICES = "slices"


@dataclass(frozen=True)
class Offer:
    """A way out, the frames of each stack that it leads to (from 0, in order), and how many are left out."""

    way: WayOut
    parts: tuple[tuple[int, ...], ...]
    left_out: int


@dataclass(frozen=True)
class ChosenFrames:
    """Some frames of another source, in a new order."""

    source: FrameSource
    indexes: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""
        return (len(self.indexes), *self.source.shape[1:])

    def read(self, index: int) -> NDArray[Any]:
        """Frame `index` (from 0), as core.types.FrameSource says."""
        if not 0 <= index < len(self.indexes):
            raise OutOfRange("frame", index, f"0 <= frame < {len(self.indexes)}")
        return self.source.read(self.indexes[index])


@dataclass(frozen=True)
class ChosenOverlays:
    """The overlay planes of some frames."""

    source: OverlaySource
    indexes: tuple[int, ...]

    def mask(self, index: int) -> Mask | None:
        """As core.types.OverlaySource says."""
        return self.source.mask(self.indexes[index])


def ways_out(study: Study) -> tuple[Offer, ...]:
    """What is offered for a study whose slices are no volume, the least loss first; () for a volume and for a single slice."""
    count = study.shape[0]
    if study.is_volume or count < FEWEST:
        return ()
    offers: list[Offer] = []
    if study.orientation is not None and len(study.positions) == len(study.sources) == count <= _MOST_SEARCHED:
        for way, parted in _WAYS.items():
            if way is WayOut.STRAYS and any(offer.way is WayOut.DUPLICATES for offer in offers):
                continue  # it would come to the same
            parts = tuple(tuple(part) for part in parted(study) if len(part) >= FEWEST)
            if parts and all(_is_stack(study, part) for part in parts):
                offers.append(Offer(way, parts, count - sum(map(len, parts))))
        offers.sort(key=lambda offer: offer.left_out)
    return (*offers, Offer(WayOut.SLICES, (tuple(range(count)),), 0))


def taken(study: Study, way: WayOut) -> tuple[Study, ...]:
    """The stacks that a way out leads to. Raises OutOfRange where it is not offered for the study."""
    offers = {offer.way: offer for offer in ways_out(study)}
    if way not in offers:
        raise OutOfRange("way out", way, "one of " + ", ".join(offers) if offers else "none: the slices need none")
    offer = offers[way]
    if way is WayOut.SLICES:
        return (study,)
    return tuple(_chosen(study, part, offer.left_out) for part in offer.parts)


def _without_duplicates(study: Study) -> list[list[int]]:
    """The first of each position, by instance number, of the kernel that most slices have."""
    along = _along(study)
    most = max(set(study.kernels), key=study.kernels.count, default="")
    kernels = study.kernels if len(study.kernels) == len(along) else (most,) * len(along)
    numbers = study.instance_numbers or tuple(range(len(along)))
    ordered = sorted(range(len(along)), key=lambda index: (round(along[index], 3), kernels[index] != most, numbers[index]))
    kept = ordered[:1]
    for index in ordered[1:]:
        if along[index] - along[kept[-1]] > 1e-3:
            kept.append(index)
    return [kept]


def _without_strays(study: Study) -> list[list[int]]:
    """The longest run whose neighbours are equally far apart, whatever stands between them."""
    along = _along(study)
    ordered = sorted(range(len(along)), key=lambda index: along[index])
    places = np.array([along[index] for index in ordered])
    return [[ordered[at] for at in max((_run(places, step) for step in _steps(places)), key=len, default=[])]]


def _steps(places: NDArray[Any]) -> list[float]:
    """Distances that may be those of a stack: of neighbours, and of those next but one, the frequent ones."""
    gaps = np.concatenate([places[1:] - places[:-1], places[2:] - places[:-2]])
    values, counts = np.unique(np.round(gaps[gaps > 1e-3], 2), return_counts=True)
    return [float(value) for value in values[np.argsort(-counts, kind="stable")][:4]]


def _run(places: NDArray[Any], step: float) -> list[int]:
    """Indexes of the longest chain of places that lie `step` apart."""
    tolerance = geometry.SPACING_TOLERANCE * step
    length, before = [1] * len(places), [-1] * len(places)
    for at, place in enumerate(places):
        low, high = np.searchsorted(places, [place - step - tolerance, place - step + tolerance])
        for earlier in range(int(low), int(high)):
            if length[earlier] + 1 > length[at]:
                length[at], before[at] = length[earlier] + 1, earlier
    chain, at = [], int(np.argmax(length))
    while at >= 0:
        chain.append(at)
        at = before[at]
    return chain[::-1]


def _by_kernel(study: Study) -> list[list[int]]:
    if len(study.kernels) != study.shape[0] or len(set(study.kernels)) < 2:
        return []
    parts: dict[str, list[int]] = defaultdict(list)
    for index, kernel in enumerate(study.kernels):
        parts[kernel].append(index)
    return list(parts.values())


_WAYS: Mapping[WayOut, Callable[[Study], list[list[int]]]] = {
    WayOut.KERNEL: _by_kernel,
    WayOut.DUPLICATES: _without_duplicates,
    WayOut.STRAYS: _without_strays,
}


def _along(study: Study) -> list[float]:
    assert study.orientation is not None
    return geometry.distances(study.positions, study.orientation)


def _stack(study: Study, part: Sequence[int]) -> geometry.Stack:
    assert study.orientation is not None
    return geometry.check_geometry([study.positions[index] for index in part], study.orientation, geometry.tilt(study.header))


def _is_stack(study: Study, part: Sequence[int]) -> bool:
    return _stack(study, part).reason is None


def _chosen(study: Study, part: tuple[int, ...], left_out: int) -> Study:
    sources = tuple(study.sources[index] for index in part)
    notes = [note for note in study.assumptions if note.code != "dicom.no-volume"]
    if left_out:
        notes.append(notice("dicom.slices-left-out", count=left_out))
    return replace(
        study,
        sha256=sha256_of_all(sha256_of(source) for source in sources),
        frames=ChosenFrames(study.frames, part),
        overlays=None if study.overlays is None else ChosenOverlays(study.overlays, part),
        frame_headers=tuple(_each(study.frame_headers, part)),
        slice_spacing_mm=_stack(study, part).spacing_mm,
        positions=tuple(_each(study.positions, part)),
        instance_numbers=tuple(_each(study.instance_numbers, part)),
        kernels=tuple(_each(study.kernels, part)),
        sources=sources,
        is_volume=True,
        assumptions=tuple(notes),
    )


def _each(told: Sequence[Any], part: Iterable[int]) -> Iterable[Any]:
    """What is told of each frame; what is told once, or not at all, stays."""
    return (told[index] for index in part) if len(told) > 1 else told
