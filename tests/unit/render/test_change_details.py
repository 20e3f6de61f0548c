"""Pictures of the largest changes in a report."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
from rasterio.transform import Affine

from core.change.methods.choose import bands_method
from core.readers import SceneOptions, read_scene
from core.render.change_details import change_details, shown_polygons
from core.render.colours import CHANGED
from core.report.language import language_of
from core.workflows.change import detect_change
from core.workflows.report_files import pictured_by, report_change
from tests.unit.readers.scenes.geotiff_files import write_geotiff

GRID = Affine(10, 0, 448_000, 0, -10, 5_411_000)


def test_a_report_shows_where_the_largest_changes_lie_and_each_before_after_and_why(tmp_path: Path) -> None:
    green = np.full((4, 90, 120), 800, np.uint16)
    green[3] = 4_000
    burnt = green.copy()
    for place in range(7):
        burnt[2:, 10 : 20 + place, 4 + place * 16 : 14 + place * 16] = np.array([2_500, 1_000])[:, None, None]
    scenes = []
    for pixels, day in ((green, date(2019, 6, 1)), (burnt, date(2022, 6, 1))):
        path = write_geotiff(tmp_path / f"{day}.tif", pixels, descriptions=("B04", "B03", "B12", "B08"), transform=GRID)
        scenes.append(read_scene([path], SceneOptions(scale=1e-4, offset=0.0, date=day)))
    made = detect_change(scenes[0], scenes[1], bands_method("index", "nbr", "", None), tmp_path / "out")
    assert [polygon.id for polygon in shown_polygons(made)] == [1, 2, 3, 4, 5]
    pictures = change_details(made, pictured_by(made, None), language_of("en"))
    captions = [caption for caption, _ in pictures]
    assert len(captions) == 1 + 3 * 5
    assert captions[1:4] == [
        "Polygon 1: 2019-06-01.",
        "Polygon 1: 2022-06-01.",
        "Polygon 1: why, the NBR difference that was compared with the threshold; orange is more.",
    ]
    assert (pictures[0][1] == CHANGED).all(axis=2).sum() > 100  # boxes and numbers
    _, files = report_change(made, None, tmp_path / "out")
    assert files[1].read_bytes().count(b"/Subtype /Image") >= 16
    assert "The largest changes" not in files[0].read_text() and "Polygon 5: 2022-06-01" in files[0].read_text()
