"""What a user says of a scene."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.errors import OutOfRange

LARGEST_FACTOR = 1e6
"""Of a digital number, on its way to a reflectance between 0 and 1."""


@dataclass(frozen=True)
class SceneOptions:
    """What the user says of a scene; it wins over what the file says.

    bands: what the bands are, in order ("B04", "red"). scale, offset: reflectance = digital number * scale + offset.
    clouds: "scl", "qa" (what the scene brings, of that kind), "none", or the path of a raster; "" for what the scene brings.
    is_accepted: whether the user took what was guessed for right.
    """

    bands: tuple[str, ...] = ()
    scale: float | None = None
    offset: float | None = None
    date: date | None = None
    clouds: str = ""
    is_accepted: bool = False

    @property
    def given(self) -> frozenset[str]:
        """Names of what the user said."""
        said = {"bands": self.bands, "scale": self.scale is not None, "offset": self.offset is not None, "date": self.date is not None}
        return frozenset(name for name, is_said in said.items() if is_said or self.is_accepted)

    def checked(self) -> SceneOptions:
        """Themselves. Raises OutOfRange for a scale or an offset by which no number becomes a reflectance."""
        if self.scale is not None and not 0.0 < self.scale <= LARGEST_FACTOR:
            raise OutOfRange("scale", self.scale, f"above 0, at most {LARGEST_FACTOR:g}")
        if self.offset is not None and not abs(self.offset) <= LARGEST_FACTOR:
            raise OutOfRange("offset", self.offset, f"at most {LARGEST_FACTOR:g}, above or below 0")
        return self
