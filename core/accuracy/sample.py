"""A reference sample: which strata a map was parted into, which points were drawn in them, and what raters say of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SamplePlace:
    """A pixel that was drawn. stratum, mapped: place among the strata, and of its class on the map among the labels."""

    stratum: int
    mapped: int
    column: int
    row: int


@dataclass(frozen=True)
class SamplePoint:
    """A place with an id that no other sample has. x, y: its centre in the CRS of the map; longitude, latitude: on WGS 84."""

    id: str
    place: SamplePlace
    x: float
    y: float
    longitude: float
    latitude: float


@dataclass(frozen=True)
class Stratum:
    """pixels: in all. mapped: hectares of each class on the map, in the order of the sample's labels."""

    name: str
    pixels: int
    mapped: tuple[float, ...]

    @property
    def hectares(self) -> float:
        """Its area."""
        return sum(self.mapped)


@dataclass(frozen=True)
class ReferenceSample:
    """Points in random order. labels: of the map, what a rater may say. strata_by: what they were made by. key: begins every id."""

    key: str
    labels: tuple[str, ...]
    strata_by: str
    seed: int
    strata: tuple[Stratum, ...]
    points: tuple[SamplePoint, ...]

    @property
    def points_drawn(self) -> tuple[int, ...]:
        """In each stratum."""
        return tuple(sum(point.place.stratum == place for point in self.points) for place in range(len(self.strata)))

    def counts(self, told: Sequence[ReferenceLabel]) -> NDArray[np.int64]:
        """int64 [strata, classes on the map, classes on the ground]: labelled points. told: at most one for each point of this sample."""
        places = {point.id: point.place for point in self.points}
        counted = np.zeros((len(self.strata), len(self.labels), len(self.labels)), dtype=np.int64)
        for each in told:
            place = places[each.id]
            counted[place.stratum, place.mapped, self.labels.index(each.label)] += 1
        return counted


@dataclass(frozen=True)
class ReferenceLabel:
    """What one rater says of one point. label: one of the sample's.

    image: which image was looked at; seconds: for how long; at: when, ISO 8601. None and "" where nobody noted it.
    """

    id: str
    label: str
    rater: str = ""
    image: str = ""
    seconds: float | None = None
    at: str = ""
