"""An index of one date as a layer of the map."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from core.cli.sources import scene_of
from core.explain.overlay import table
from core.readers import SceneOptions, read_scene
from core.render.indices import INDEX_COLOURS, index_picture, indices_of
from core.render.scene import true_colour, whole
from tests.unit.readers.scenes.geotiff_files import write_geotiff
from tests.unit.readers.scenes.product_files import SIDE, write_safe


def test_the_picture_of_an_index_has_its_colours_and_is_clear_without_data(tmp_path: Path) -> None:
    pixels = np.full((2, 6, 8), 1000, np.uint16)
    pixels[1] = 3000  # NDVI is 0.5
    pixels[:, 0] = 0
    scene = read_scene([write_geotiff(tmp_path / "a.tif", pixels, descriptions=("B04", "B08"), nodata=0)])
    assert indices_of(scene) == {"ndvi": "NDVI, vegetation"}
    drawn = np.asarray(Image.open(io.BytesIO(index_picture(scene, "ndvi", scene, whole(scene)))))
    assert (drawn[0, :, 3] == 0).all() and (drawn[1:, :, 3] == 255).all()
    assert tuple(drawn[3, 3, :3]) == tuple(table(INDEX_COLOURS["ndvi"])[191])


def test_what_a_product_calls_no_data_is_clear_though_its_files_do_not_say_so(tmp_path: Path) -> None:
    scene = scene_of(str(write_safe(tmp_path / "in")), SceneOptions(), tmp_path / "work")
    drawn = np.asarray(Image.open(io.BytesIO(index_picture(scene, "ndvi", scene, whole(scene)))))
    assert (drawn[: SIDE // 4, : SIDE // 4, 3] == 0).all()
    assert (drawn[SIDE // 4 :, :, 3] == 255).all()
    assert (true_colour(scene)[: SIDE // 4, : SIDE // 4] == 0).all()
