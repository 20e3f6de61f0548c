"""Spectral indices: normalised differences of two bands, which light and slope hardly move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.types import FloatImage


@dataclass(frozen=True)
class Index:
    """(first - second) / (first + second) of two bands, by their common names. source: who proposed it. shows: what it is made for."""

    name: str
    first: str
    second: str
    source: str
    shows: str

    @property
    def colours(self) -> tuple[str, str]:
        """The bands that it needs."""
        return self.first, self.second

    def of(self, first: FloatImage, second: FloatImage) -> FloatImage:
        """Reflectance of both bands, float32 of one shape, to float32 in [-1, 1]; 0 where their sum is not positive."""
        total = first + second
        ratio = np.divide(first - second, total, out=np.zeros_like(total), where=total > 0)
        return np.asarray(np.clip(ratio, -1.0, 1.0), dtype=np.float32)


INDICES = {
    index.name: index
    for index in (
        Index("ndvi", "near infrared", "red", "Tucker 1979", "vegetation"),
        Index("ndwi", "green", "near infrared", "McFeeters 1996", "open water"),
        Index("ndbi", "short-wave infrared 1", "near infrared", "Zha, Gao and Ni 2003", "built-up land"),
        Index("nbr", "near infrared", "short-wave infrared 2", "Key and Benson 2006", "burns"),
    )
}
