"""From which score on a pixel has changed, by places of which somebody says whether they did.

The threshold parts both kinds of places best: the largest sum of the shares of changed and of unchanged pixels that are told rightly
(Youden 1950, "Index for rating diagnostic tests"), which does not depend on how much of either was drawn. Of scores that do alike it is
the middle one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from rasterio.crs import CRS
from rasterio.features import geometry_mask
from rasterio.transform import Affine

from core.areas.pixels import moved
from core.areas.zones import Zone, read_labelled
from core.change.threshold import ScoreHistogram
from core.errors import InputError
from core.types import FloatImage

LABELS = {"changed": True, "unchanged": False, "1": True, "0": False, "true": True, "false": False, "yes": True, "no": False}
"""What the label of a drawn place may say, in any case of letters."""
LABEL_COLUMNS = ("label", "changed", "class", "name")
"""Where it is looked for."""
LEAST_PIXELS = 10
"""Of either kind, below which nothing is learned from a sample."""


@dataclass(frozen=True)
class SampledThreshold:
    """The threshold, the pixels of either kind that it was learned from, and the shares of them that it tells rightly."""

    threshold: float
    changed: int
    unchanged: int
    sensitivity: float
    specificity: float


class ThresholdSample:
    """Scores of drawn places, gathered strip by strip."""

    def __init__(self, places: Sequence[Zone], transform: Affine, reach: tuple[float, float], name: str) -> None:
        """places: in the CRS of the grid, named by LABELS. reach: lowest and highest score that there can be. name: of the file."""
        self._name = name
        self._is_changed = [LABELS[place.name.strip().lower()] for place in places]
        self._shapes = moved([place.geometry for place in places], ~transform)
        self._scores = {kind: ScoreHistogram(*reach) for kind in (True, False)}

    def add(self, top: int, score: FloatImage) -> None:
        """Rows from `top` on, float32 [rows, width]. A pixel is in a place where its centre is."""
        rows, width = score.shape
        for kind, histogram in self._scores.items():
            shapes = [shape for shape, is_changed in zip(self._shapes, self._is_changed, strict=True) if is_changed is kind]
            here = [shape for shape in shapes if shapely.intersects(shape, shapely.box(0, top, width, top + rows))]
            if here:
                is_inside = ~geometry_mask(here, (rows, width), Affine.translation(0, top))
                histogram.add(score[is_inside])

    def best(self) -> SampledThreshold:
        """What was learned. Raises InputError where either kind has too few pixels, or the scores do not part them."""
        changed, unchanged = self._scores[True], self._scores[False]
        for told, histogram in (("changed", changed), ("unchanged", unchanged)):
            if histogram.count < LEAST_PIXELS:
                raise InputError(
                    f"The sample {self._name} holds {histogram.count} pixels of places that are {told} and lie where both dates have data.",
                    f"Draw polygons with the labels changed and unchanged over at least {LEAST_PIXELS} pixels each.",
                )
        right = changed.share_from() + unchanged.share_below()  # at each score that may be the threshold
        best = np.flatnonzero(right >= right.max() - 1e-12)
        place = int(best[len(best) // 2])
        if right[place] <= 1.0 + 1e-9:
            raise InputError(
                f"In the sample {self._name} the places that changed have no higher scores than the others.",
                "Check its labels, or choose another index or method.",
            )
        found = float(changed.values[place]), changed.count, unchanged.count
        return SampledThreshold(*found, float(changed.share_from()[place]), float(unchanged.share_below()[place]))


def read_sample(path: Path, crs: CRS, transform: Affine, reach: tuple[float, float]) -> ThresholdSample:
    """Polygons with a label, from a GeoPackage, GeoJSON or Shapefile. Raises what read_labelled raises, InputError for other labels."""
    places = read_labelled(path, crs, LABEL_COLUMNS)
    strange = next((place.name for place in places if place.name.strip().lower() not in LABELS), None)
    if strange is not None:
        raise InputError(
            f"{path.name} holds a place with the label {strange[:40]!r}.",
            f"A column of the name {' or '.join(LABEL_COLUMNS)} says changed or unchanged of each polygon.",
        )
    return ThresholdSample(places, transform, reach, path.name)
