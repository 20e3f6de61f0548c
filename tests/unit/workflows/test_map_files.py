"""Files of one map: the numbers that were measured, at the place that they are of."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rasterio.io import MemoryFile

from core.errors import WrongTask
from core.inference.engine import engine_for
from core.readers import read_image
from core.types import Explanation, ModelInput, Scene
from core.types import Image as AnyImage
from core.workflows.explaining.map_files import MapFile, map_arrays, map_file
from core.workflows.image import explain_input, explained_input
from tests.tiny import write_tiny_model
from tests.unit.cli.running import write_picture, write_scene

Made = tuple[AnyImage, ModelInput, Explanation]


@pytest.fixture(scope="module")
def of_a_scene(tmp_path_factory: pytest.TempPathFactory) -> Made:
    from core.types import Domain

    folder = tmp_path_factory.mktemp("maps")
    engine = engine_for(str(write_tiny_model(folder / "cover", Domain.LAND_COVER)))
    image = read_image(write_scene(folder / "a.tif", rows=96, columns=128))
    given = explained_input(image, engine, at=(20, 70))
    return image, given, explain_input(image, engine, given, "relevance", engine.model.labels[0], random_maps=20)


def test_a_geotiff_holds_the_raw_tokens_at_their_place_on_the_ground(of_a_scene: Made) -> None:
    image, given, made = of_a_scene
    assert isinstance(image, Scene) and made.tokens is not None
    with MemoryFile(map_file(MapFile.GEOTIFF, image, given, made)) as memory, memory.open() as raster:
        values, crs, grid, tags = raster.read(1), raster.crs, raster.transform, raster.tags()
    left, top, width, height = given.box
    assert crs == image.crs and values.shape == (height, width)
    assert grid @ (0, 0) == pytest.approx(image.transform @ (left, top))
    assert grid @ (width, height) == pytest.approx(image.transform @ (left + width, top + height))
    rows, columns = made.tokens.values.shape
    cells = values.reshape(rows, int(height) // rows, columns, int(width) // columns)
    np.testing.assert_allclose(cells.mean(axis=(1, 3)), made.tokens.values, rtol=1e-6)
    assert (tags["method"], tags["unit"], tags["target"]) == ("relevance", "relevance", made.target.name)


def test_arrays_json_and_picture_are_those_of_the_explanation(of_a_scene: Made) -> None:
    image, given, made = of_a_scene
    with np.load(io.BytesIO(map_file(MapFile.NUMPY, image, given, made)), allow_pickle=False) as held:
        assert set(held) == set(map_arrays(given, made)) == {"saliency", "input", "tokens"}
        np.testing.assert_array_equal(held["saliency"], made.saliency)
    told = json.loads(map_file(MapFile.JSON, image, given, made))
    assert told["gain"]["value"] == made.gain.value and told["weights"] == made.weights
    picture = Image.open(io.BytesIO(map_file(MapFile.PNG, image, given, made)))
    assert picture.size[0] >= 320


def test_what_is_no_scene_has_no_place_on_the_ground(of_a_scene: Made, tmp_path: Path) -> None:
    _, given, made = of_a_scene
    with pytest.raises(WrongTask, match="no place on the ground"):
        map_file(MapFile.GEOTIFF, read_image(write_picture(tmp_path / "a.png")), given, made)
