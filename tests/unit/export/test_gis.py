"""What a GIS and a catalogue read: styles in a GeoPackage, a project of QGIS, a STAC item, a map to be printed."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import zipfile
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import geopandas
import numpy as np
import pyogrio
import pytest
from PIL import Image
from rasterio.crs import CRS
from rasterio.transform import Affine
from shapely.geometry import box

from core.export.geotiff import StripWriter
from core.export.qgis_project import INSIDE_PROJECT, ProjectLayer, write_project
from core.export.stac_item import ItemFile, ItemModel, write_item
from core.export.symbols import CategorySymbol, FillSymbol, PaletteSymbol, RampSymbol, layer_style
from core.export.vector import set_values, write_polygons, write_style
from core.render.map_sheet import degrees_words, map_sheet, scale_of_bar

UTM, PLACE = CRS.from_epsg(32631), Affine(10, 0, 448_000, 0, -10, 5_411_000)
LABELS, COLOURS = ("Forest", "River"), ((38, 115, 77), (91, 166, 214))
QGIS_PYTHON = os.environ.get("QGIS_PYTHON", "/usr/bin/python3")
CHECK = """
import json, sys
from qgis.core import QgsApplication, QgsProject
application = QgsApplication([], False)
application.initQgis()
assert QgsProject.instance().read(sys.argv[1])
layers = [node.layer() for node in QgsProject.instance().layerTreeRoot().findLayers()]
print(json.dumps([[one.name(), one.isValid(), one.renderer().type(), one.crs().authid()] for one in layers]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class raster, a raster of two bands of numbers, polygons, and a project of all of them."""
    here = tmp_path_factory.mktemp("gis")
    grid: dict[str, Any] = {"width": 90, "height": 60, "crs": UTM, "transform": PLACE}
    classes = np.repeat([[0] * 45 + [1] * 45], 60, axis=0).astype(np.uint8)
    with StripWriter(here / "landcover.tif", **grid, dtype="uint8", nodata=255, labels=LABELS, colours=COLOURS) as writer:
        writer.write(0, classes)
    with StripWriter(here / "uncertainty.tif", **grid, dtype="float32", nodata=float("nan"), bands=("entropy", "margin")) as writer:
        writer.write(0, np.random.default_rng(0).random((2, 60, 90), dtype=np.float32))
    drawn = [(box(*PLACE @ (5, 20), *PLACE @ (30, 5)), (1, "Forest", None))]
    write_polygons(here / "changes.gpkg", "changes", drawn, {"id": int, "class": str, "verdict": str}, UTM)
    write_style(here / "changes.gpkg", "changes", layer_style(FillSymbol((255, 140, 26))))
    layers = [
        ProjectLayer("changes.gpkg", "Change & more", FillSymbol((255, 140, 26)), "changes"),
        ProjectLayer("changes.gpkg", "By class", CategorySymbol("class", dict(zip(LABELS, COLOURS, strict=True))), "changes", is_on=False),
        ProjectLayer("landcover.tif", "Land cover", PaletteSymbol(LABELS, COLOURS)),
        ProjectLayer("uncertainty.tif", "Margin", RampSymbol(COLOURS, 0.0, 1.0, band=2), is_on=False),
    ]
    write_project(here / "project.qgz", "Test", layers, UTM, (448_000, 5_410_400, 448_900, 5_411_000))
    return here


def test_a_geopackage_holds_its_style_and_stays_readable_and_writable(folder: Path) -> None:
    assert [str(name) for name, _ in pyogrio.list_layers(folder / "changes.gpkg")] == ["changes", "layer_styles"]
    with sqlite3.connect(folder / "changes.gpkg") as file:
        table, geometry, style, is_default = file.execute(
            "SELECT f_table_name, f_geometry_column, styleQML, useAsDefault FROM layer_styles"
        ).fetchone()
    root = Xml.fromstring(style.partition("\n")[2])
    assert (table, geometry, is_default) == ("changes", "geom", 1)
    assert root.find("renderer-v2").get("type") == "singleSymbol"  # type: ignore[union-attr]
    colours = {option.get("name"): option.get("value") for option in root.iter("Option")}
    assert colours["outline_color"] == "255,140,26,255"
    set_values(folder / "changes.gpkg", "changes", "verdict", {1: "accepted"})
    assert geopandas.read_file(folder / "changes.gpkg", layer="changes").verdict.tolist() == ["accepted"]
    write_style(folder / "changes.gpkg", "changes", layer_style(FillSymbol((255, 140, 26))))
    assert pyogrio.read_info(folder / "changes.gpkg", layer="layer_styles")["features"] == 1


def test_a_project_names_each_layer_by_a_relative_path_with_its_style(folder: Path) -> None:
    with zipfile.ZipFile(folder / "project.qgz") as packed:
        root = Xml.fromstring(packed.read(INSIDE_PROJECT).decode().partition("\n")[2])
    layers = {str(layer.findtext("layername")): layer for layer in root.iter("maplayer")}
    assert list(layers) == ["Change & more", "By class", "Land cover", "Margin"]
    assert layers["Change & more"].findtext("datasource") == "./changes.gpkg|layername=changes"
    for layer in layers.values():
        assert (folder / str(layer.findtext("datasource")).partition("|")[0]).is_file()
        assert layer.findtext("srs/spatialrefsys/authid") == "EPSG:32631"
    ids = [layer.findtext("id") for layer in layers.values()]
    assert len(set(ids)) == 4 and ids == [node.get("id") for node in root.iter("layer-tree-layer")]
    entries = layers["Land cover"].findall("pipe/rasterrenderer/colorPalette/paletteEntry")
    assert [(entry.get("value"), entry.get("label"), entry.get("color")) for entry in entries] == [
        ("0", "Forest", "#26734d"),
        ("1", "River", "#5ba6d6"),
    ]
    assert layers["Margin"].find("pipe/rasterrenderer").get("band") == "2"  # type: ignore[union-attr]


def test_qgis_opens_the_project_with_all_layers_styled(folder: Path) -> None:
    def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": ""}
        return subprocess.run([QGIS_PYTHON, *arguments], capture_output=True, text=True, env=environment, check=False)

    if not Path(QGIS_PYTHON).exists() or asked("-c", "import qgis.core").returncode:
        pytest.skip("QGIS is not installed (python3-qgis of Debian)")
    ran = asked("-c", CHECK, str(folder / "project.qgz"))
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == [
        ["Change & more", True, "singleSymbol", "EPSG:32631"],
        ["By class", True, "categorizedSymbol", "EPSG:32631"],
        ["Land cover", True, "paletted", "EPSG:32631"],
        ["Margin", True, "singlebandpseudocolor", "EPSG:32631"],
    ]


def test_an_item_tells_where_when_which_files_and_the_model_by_its_hash(folder: Path) -> None:
    model = ItemModel("Land cover", "bert-image", "semantic-segmentation", "ab" * 32, ("red", "green"), (64, 64), LABELS)
    classes = tuple(zip(LABELS, COLOURS, strict=True))
    files = [ItemFile("landcover.tif", "Land cover", ("class",), classes), ItemFile("uncertainty.tif", "U", ("entropy", "margin"))]
    where = (2.29, 48.84, 2.31, 48.85)
    write_item(folder / "item.json", "test-1", where, [date(2021, 6, 1), date(2019, 6, 1)], files, folder / "landcover.tif", model, {})
    told = json.loads((folder / "item.json").read_text())
    assert (told["type"], told["id"], told["stac_version"], told["bbox"]) == ("Feature", "test-1", "1.1.0", list(where))
    facts = told["properties"]
    assert (facts["datetime"], facts["start_datetime"], facts["end_datetime"]) == (None, "2019-06-01T00:00:00Z", "2021-06-01T00:00:00Z")
    assert (facts["proj:code"], facts["proj:shape"], facts["proj:transform"][:3]) == ("EPSG:32631", [60, 90], [10.0, 0.0, 448_000.0])
    assert facts["mlm:input"][0]["input"]["shape"] == [-1, 2, 64, 64]
    assert told["assets"]["model"]["file:checksum"] == "1220" + "ab" * 32
    assert "mlm:model" in told["assets"]["model"]["roles"]
    assert told["assets"]["landcover"]["classification:classes"][1] == {
        "value": 1, "name": "River", "title": "River", "color_hint": "5BA6D6",
    }  # fmt: skip
    assert [band["name"] for band in told["assets"]["uncertainty"]["bands"]] == ["entropy", "margin"]
    write_item(folder / "item.json", "test-1", (179.0, 1.0, -179.0, 2.0), [date(2021, 6, 1)], files, folder / "landcover.tif", None, {})
    told = json.loads((folder / "item.json").read_text())
    assert told["geometry"]["type"] == "MultiPolygon" and told["properties"]["datetime"] == "2021-06-01T00:00:00Z"
    assert "model" not in told["assets"] and not any("mlm" in name for name in told["properties"])


def test_a_printed_map_has_its_classes_a_frame_and_lines_of_round_degrees(folder: Path) -> None:
    sheet = np.asarray(Image.open(io.BytesIO(map_sheet(folder / "landcover.tif", LABELS, "Title", "Note"))))
    colours = {tuple(colour) for colour in sheet.reshape(-1, 3)[::7].tolist()}
    assert set(COLOURS) <= colours
    inside = sheet[100:900, 100:1400]
    is_line = (inside == (120, 128, 132)).all(axis=2)
    assert is_line.any(axis=0).mean() > 0.9 and is_line.any(axis=1).mean() > 0.9  # lines from edge to edge, across and down


@pytest.mark.parametrize(("metres", "width", "wanted"), [(10.0, 1400, 2000.0), (0.6, 1000, 100.0), (30.0, 1400, 10_000.0)])
def test_a_scale_bar_is_round_and_fits(metres: float, width: int, wanted: float) -> None:
    told, length = scale_of_bar(metres, width)
    assert told == pytest.approx(wanted)
    assert length == pytest.approx(wanted / metres)
    assert length <= width / 4 + 1e-6


def test_degrees_are_written_with_minutes_seconds_and_their_hemisphere() -> None:
    prime, double = "\N{PRIME}", "\N{DOUBLE PRIME}"
    assert degrees_words(-118.15, "EW") == f"118° 9{prime} W"
    assert degrees_words(35.0 + 27 / 60 + 30 / 3600, "NS") == f"35° 27{prime} 30{double} N"
    assert degrees_words(0.0, "NS") == "0°"
