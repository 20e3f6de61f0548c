"""Outlines of zones are drawn where the zones lie."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from rasterio.transform import Affine
from shapely.geometry import box

from core.areas.zones import Zone
from core.render.outlines import CHOSEN, LINE, outlines_picture
from core.render.scene import part, whole
from tests.unit.workflows.land import PLACE, scene_of


def test_an_outline_runs_along_the_edge_of_its_zone_and_leaves_the_inside_clear(tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "s.tif", transform=PLACE)
    zones = [Zone("field", box(*PLACE @ (20, 60), *PLACE @ (60, 30)), 4), Zone("away", box(0, 0, 1, 1), 5)]
    for piece, chosen in ((whole(scene), None), (part(scene, (10, 20, 80, 60)), 4)):
        picture = np.asarray(Image.open(io.BytesIO(outlines_picture(zones, scene, piece, chosen))))
        finer = picture.shape[1] / piece.box[2]

        def at(column: float, row: float, piece=piece, finer=finer, picture=picture) -> tuple[int, ...]:  # type: ignore[no-untyped-def]
            return tuple(picture[round((row - piece.box[1]) * finer), round((column - piece.box[0]) * finer)])

        assert at(40, 30) == at(20, 45) == (LINE if chosen is None else CHOSEN)
        assert at(40, 45)[3] == at(70, 70)[3] == 0
    assert Affine.almost_equals(scene.transform, PLACE)
