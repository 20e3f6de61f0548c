"""Rasters that are written strip by strip: whole, cloud-optimised, with their classes named, or not there at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine
from rio_cogeo.cogeo import cog_validate

from core.areas.pixels import row_hectares
from core.areas.zonal_counts import ZonalCounts
from core.errors import Cancelled, InputError
from core.export.geotiff import StripWriter, parse_crs, read_strips, warp_raster
from core.render.colours import class_colours

UTM = CRS.from_epsg(32631)
PLACE = Affine(10, 0, 448_000, 0, -10, 5_411_000)
LABELS = ("Forest", "River", "Marsh & moor")
PLACES = {
    "north-up": PLACE,
    "south-up": Affine(10, 0, 448_000, 0, 10, 5_400_000),
    "rotated": Affine.translation(448_000, 5_411_000) @ Affine.rotation(25) @ Affine.scale(10, -10),
    "oblong": Affine(10, 0, 448_000, 0, -25, 5_411_000),
}


def writer(path: Path, shape: tuple[int, int], transform: Affine = PLACE, **options: Any) -> StripWriter:
    facts: dict[str, Any] = {"dtype": "uint8", "nodata": 255, "labels": LABELS, "colours": class_colours(LABELS)}
    return StripWriter(path, width=shape[1], height=shape[0], crs=UTM, transform=transform, **{**facts, **options})


def write(path: Path, pixels: NDArray[Any], rows: int = 100, **options: Any) -> Path:
    with writer(path, pixels.shape, **options) as out:
        for top in range(0, len(pixels), rows):
            out.write(top, pixels[top : top + rows])
    return path


def classes(rows: int = 1200, columns: int = 700) -> NDArray[np.uint8]:
    down, across = np.mgrid[0:rows, 0:columns]
    found = ((down // 40 + across // 60) % 3).astype(np.uint8)
    found[:90, :200] = 255
    return found


@pytest.mark.parametrize("place", PLACES)
def test_what_was_written_in_strips_is_read_whole_from_a_valid_cog(tmp_path: Path, place: str) -> None:
    pixels = classes()
    path = write(tmp_path / "map.tif", pixels, transform=PLACES[place], description="land cover", tags={"MODEL": "tiny"})
    is_valid, errors, warnings = cog_validate(path)
    assert (is_valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as raster:
        np.testing.assert_array_equal(raster.read(1), pixels)
        assert (raster.crs, raster.nodata, raster.transform) == (UTM, 255, PLACES[place])
        assert (raster.descriptions, raster.tags()["MODEL"]) == (("land cover",), "tiny")
        assert raster.overviews(1)


def test_classes_have_their_colours_inside_and_their_names_and_style_beside(tmp_path: Path) -> None:
    path = write(tmp_path / "map.tif", classes())
    with rasterio.open(path) as raster:
        assert [raster.colormap(1)[value][:3] for value in range(3)] == list(class_colours(LABELS))
    names = Xml.parse(tmp_path / "map.tif.aux.xml").getroot().findall("PAMRasterBand/CategoryNames/Category")
    assert tuple(name.text for name in names) == LABELS
    entries = Xml.parse(tmp_path / "map.qml").getroot().findall("pipe/rasterrenderer/colorPalette/paletteEntry")
    assert [(entry.get("value"), entry.get("label")) for entry in entries] == [("0", "Forest"), ("1", "River"), ("2", "Marsh & moor")]


def test_overviews_of_classes_hold_classes_only(tmp_path: Path) -> None:
    stripes = np.zeros((1200, 1100), np.uint8)
    stripes[::2] = 2
    path = write(tmp_path / "map.tif", stripes)
    with rasterio.open(path, overview_level=0) as raster:
        assert set(np.unique(raster.read(1))) <= {0, 2}


def test_scores_keep_their_holes(tmp_path: Path) -> None:
    scores = np.random.default_rng(0).random((600, 90)).astype(np.float32)
    scores[10:20, 5:50] = np.nan
    path = write(tmp_path / "s.tif", scores, rows=7, dtype="float32", nodata=float("nan"), labels=(), colours=())
    np.testing.assert_array_equal(np.concatenate([strip for _, strip in read_strips(path, 64)]), scores)
    assert cog_validate(path)[0]
    assert [made.name for made in tmp_path.iterdir()] == ["s.tif"]


@pytest.mark.parametrize("error", [Cancelled("stopped"), KeyboardInterrupt()])
def test_of_a_raster_that_was_not_finished_nothing_is_left(tmp_path: Path, error: BaseException) -> None:
    old = write(tmp_path / "map.tif", classes(100, 100)).read_bytes()
    with pytest.raises(type(error)), writer(tmp_path / "map.tif", (1200, 700)) as out:
        out.write(0, classes()[:600])
        raise error
    assert sorted(made.name for made in tmp_path.iterdir()) == ["map.qml", "map.tif", "map.tif.aux.xml"]
    assert (tmp_path / "map.tif").read_bytes() == old


def test_rows_that_are_missing_or_come_twice_are_an_error(tmp_path: Path) -> None:
    for tops in ((0, 40), (0, 0), (0,)):
        with pytest.raises(ValueError, match="row"), writer(tmp_path / "map.tif", (100, 50)) as out:
            for top in tops:
                out.write(top, np.zeros((30, 50), np.uint8))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32632", "EPSG:3035"])
@pytest.mark.parametrize("place", ["north-up", "rotated", "south-up"])
def test_reprojection_keeps_the_areas(tmp_path: Path, crs: str, place: str) -> None:
    source = write(tmp_path / "map.tif", classes(400, 300), transform=PLACES[place])
    warp_raster(source, tmp_path / "warped.tif", parse_crs(crs), LABELS, class_colours(LABELS))
    counted = []
    for path in (source, tmp_path / "warped.tif"):
        with rasterio.open(path) as raster:
            counts, hectares = ZonalCounts(3), row_hectares(raster.crs, raster.transform, raster.width, raster.height)
        for top, strip in read_strips(path):
            counts.add(strip, hectares(top, len(strip)))
        counted.append(counts.hectares)
    np.testing.assert_allclose(counted[1], counted[0], rtol=0.01)
    assert cog_validate(tmp_path / "warped.tif")[0]
    assert (tmp_path / "warped.tif.aux.xml").exists()


def test_a_scene_that_another_crs_would_tear_apart_is_refused(tmp_path: Path) -> None:
    fiji = Affine(100, 0, 785_000, 0, -100, 8_100_000)  # the antimeridian is in the middle, in UTM zone 60 south
    source = tmp_path / "fiji.tif"
    with StripWriter(source, width=1000, height=300, crs=CRS.from_epsg(32760), transform=fiji, dtype="uint8", nodata=255) as out:
        out.write(0, np.ones((300, 1000), np.uint8))
    with pytest.raises(InputError, match="--crs"):
        warp_raster(source, tmp_path / "degrees.tif", parse_crs("EPSG:4326"))
    assert not (tmp_path / "degrees.tif").exists()


@pytest.mark.parametrize("text", ["EPSG:0", "utm", "", "EPSG:4978", 'LOCAL_CS["site",UNIT["metre",1]]'])
def test_what_is_no_coordinate_system_of_a_map_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--crs"):
        parse_crs(text)


def test_a_label_has_the_same_colour_in_every_map_and_no_two_have_one() -> None:
    labels = ("Bog", "Forest", "Dune", "River")
    colours = class_colours(labels)
    assert colours[1] == class_colours(("Forest",))[0]
    assert len(set(colours)) == 4
