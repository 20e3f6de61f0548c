"""What was drawn is meant whole: nothing of a file is left out because the rest of it could be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import UnreadableFile
from core.types import Picture
from core.workflows.drawn_region import drawn_polygon

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]}
CROSSED = {"type": "Polygon", "coordinates": [[[8, 8], [16, 16], [16, 8], [8, 16], [8, 8]]]}
LINE = {"type": "LineString", "coordinates": [[8, 8], [16, 16]]}
PICTURE = Picture("a.png", "0", np.zeros((32, 32), np.uint8))


def drawn(folder: Path, *geometries: Any) -> Path:
    features = [{"type": "Feature", "properties": {}, "geometry": each} for each in geometries]
    path = folder / "drawn.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (CROSSED, "Feature 2 of drawn.geojson crosses itself"),
        (LINE, "Feature 2 of drawn.geojson is no polygon but a LineString"),
        ({"type": "Point", "coordinates": [1, 2]}, "Feature 2 .* a Point"),
        ({"type": "Polygon", "coordinates": []}, "Feature 2 .* is empty"),
        (None, "Feature 2 .* is empty"),
    ],
)
def test_a_feature_that_is_no_clear_polygon_is_named_beside_one_that_is(tmp_path: Path, other: Any, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        drawn_polygon(drawn(tmp_path, SQUARE, other), PICTURE)


def test_all_polygons_are_one_region(tmp_path: Path) -> None:
    beside = {"type": "Polygon", "coordinates": [[[8, 8], [12, 8], [12, 12], [8, 12], [8, 8]]]}
    assert drawn_polygon(drawn(tmp_path, SQUARE, beside), PICTURE).area == 32.0


def test_a_file_that_the_system_does_not_open_is_unreadable() -> None:
    with pytest.raises(UnreadableFile, match="cannot be read"):
        drawn_polygon(Path("a" * 300), PICTURE)
