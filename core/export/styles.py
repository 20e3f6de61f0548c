"""How class rasters look in a GIS: names of classes beside the raster, a style for QGIS."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

Colour = tuple[int, int, int]


def category_names(labels: Sequence[str]) -> str:
    """The text of <raster>.tif.aux.xml: names of the values 0, 1, ... as GDAL keeps them (Persistent Auxiliary Metadata, CategoryNames)."""
    root = Xml.Element("PAMDataset")
    names = Xml.SubElement(Xml.SubElement(root, "PAMRasterBand", band="1"), "CategoryNames")
    for label in labels:
        Xml.SubElement(names, "Category").text = label
    return _text(root)


def qgis_style(labels: Sequence[str], colours: Sequence[Colour]) -> str:
    """The text of <raster>.qml: value, colour and name of each class, which QGIS takes up when it opens the raster."""
    root = Xml.Element("qgis", version="3.28.0", styleCategories="Symbology")
    facts = {"type": "paletted", "band": "1", "opacity": "1", "alphaBand": "-1"}
    palette = Xml.SubElement(Xml.SubElement(Xml.SubElement(root, "pipe"), "rasterrenderer", facts), "colorPalette")
    for value, (label, colour) in enumerate(zip(labels, colours, strict=True)):
        shown = "#{:02x}{:02x}{:02x}".format(*colour)
        Xml.SubElement(palette, "paletteEntry", value=str(value), color=shown, alpha="255", label=label)
    return _text(root)


def _text(root: Xml.Element) -> str:
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode") + "\n"
