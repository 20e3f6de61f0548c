"""A project of QGIS (.qgz) that opens every layer of a folder, styled and in order; paths are relative, so that the folder may be moved."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as Xml

from rasterio.crs import CRS

from core.export.staging import whole_file
from core.export.symbols import QGIS_VERSION, CategorySymbol, FillSymbol, LayerSymbol, renderer

PROJECT, INSIDE_PROJECT = "project.qgz", "project.qgs"
_HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class ProjectLayer:
    """One layer of the project. file: beside it. table: of a GeoPackage, "" for a raster. is_on: whether it is drawn at first."""

    file: str
    name: str
    symbol: LayerSymbol
    table: str = ""
    is_on: bool = True

    @property
    def id(self) -> str:
        """What the project calls it inside; QGIS wants it different for each layer."""
        return "".join(letter if letter.isalnum() else "_" for letter in f"{self.file}_{self.table}_{self.name}")

    @property
    def source(self) -> str:
        """Where its data lie, as QGIS writes it."""
        return f"./{self.file}|layername={self.table}" if self.table else f"./{self.file}"

    @property
    def is_vector(self) -> bool:
        """Whether it holds polygons."""
        return isinstance(self.symbol, (FillSymbol, CategorySymbol))


def write_project(path: Path, title: str, layers: Sequence[ProjectLayer], crs: CRS, bounds: Bounds) -> None:
    """layers: the uppermost first. bounds: (west, south, east, north) in the CRS, what is in view at first."""
    root = Xml.Element("qgis", projectname=title, version=QGIS_VERSION)
    Xml.SubElement(root, "title").text = title
    Xml.SubElement(root, "projectCrs").append(_crs(crs))
    tree = Xml.SubElement(root, "layer-tree-group")
    Xml.SubElement(tree, "customproperties")
    for layer in layers:
        Xml.SubElement(
            tree, "layer-tree-layer", id=layer.id, name=layer.name, source=layer.source, providerKey="ogr" if layer.is_vector else "gdal",
            checked="Qt::Checked" if layer.is_on else "Qt::Unchecked", expanded="1" if layer.is_on else "0",
        )  # fmt: skip
    canvas = Xml.SubElement(root, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    Xml.SubElement(canvas, "units").text = "degrees" if crs.is_geographic else "meters"
    _extent(canvas, bounds)
    Xml.SubElement(canvas, "destinationsrs").append(_crs(crs))
    order, held = Xml.SubElement(root, "layerorder"), Xml.SubElement(root, "projectlayers")
    for layer in layers:
        Xml.SubElement(order, "layer", id=layer.id)
        held.append(_layer(layer, crs, bounds))
    paths = Xml.SubElement(Xml.SubElement(root, "properties"), "Paths")
    Xml.SubElement(paths, "Absolute", type="bool").text = "false"
    Xml.indent(root)
    with whole_file(path) as made, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(INSIDE_PROJECT, _HEAD + Xml.tostring(root, encoding="unicode") + "\n")


def _layer(layer: ProjectLayer, crs: CRS, bounds: Bounds) -> Xml.Element:
    kind = {"type": "vector", "geometry": "Polygon"} if layer.is_vector else {"type": "raster"}
    made = Xml.Element("maplayer", {**kind, "autoRefreshEnabled": "0", "hasScaleBasedVisibilityFlag": "0"})
    _extent(made, bounds)
    Xml.SubElement(made, "id").text = layer.id
    Xml.SubElement(made, "datasource").text = layer.source
    Xml.SubElement(made, "layername").text = layer.name
    Xml.SubElement(made, "srs").append(_crs(crs))
    provider = Xml.SubElement(made, "provider", {"encoding": "UTF-8"} if layer.is_vector else {})
    provider.text = "ogr" if layer.is_vector else "gdal"
    drawn = renderer(layer.symbol)
    if layer.is_vector:
        made.append(drawn)
    else:
        Xml.SubElement(made, "pipe").append(drawn)
    Xml.SubElement(made, "blendMode").text = "0"
    return made


def _crs(crs: CRS) -> Xml.Element:
    made = Xml.Element("spatialrefsys", nativeFormat="Wkt")
    Xml.SubElement(made, "wkt").text = crs.to_wkt()
    authority = crs.to_authority()
    Xml.SubElement(made, "authid").text = ":".join(authority) if authority else ""
    Xml.SubElement(made, "geographicflag").text = "true" if crs.is_geographic else "false"
    return made


def _extent(parent: Xml.Element, bounds: Bounds) -> None:
    made = Xml.SubElement(parent, "extent")
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), bounds, strict=True):
        Xml.SubElement(made, name).text = repr(float(value))
