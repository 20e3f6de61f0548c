"""How class rasters look in a GIS: colours of classes, names of classes beside the raster, a style for QGIS."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

Colour = tuple[int, int, int]

CLASSES: dict[str, Colour] = {
    "AnnualCrop": (227, 197, 103),
    "Forest": (38, 115, 77),
    "HerbaceousVegetation": (158, 192, 105),
    "Highway": (190, 184, 178),
    "Industrial": (176, 122, 193),
    "Pasture": (94, 173, 124),
    "PermanentCrop": (211, 139, 74),
    "Residential": (214, 95, 84),
    "River": (91, 166, 214),
    "SeaLake": (52, 104, 176),
}
"""The classes of EuroSAT, in the colours that maps of land cover usually have."""
OTHERS: tuple[Colour, ...] = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0), (240, 228, 66), (120, 120, 120),
)  # fmt: skip
"""For classes of other models, in their order: Okabe and Ito 2008, told apart by colour-blind eyes too."""


def class_colours(labels: Sequence[str]) -> tuple[Colour, ...]:
    """A colour (red, green, blue in 0..255) for each label, the same for a label in every map of the known ones."""
    unknown = [label for label in labels if label not in CLASSES]
    return tuple(CLASSES.get(label) or OTHERS[unknown.index(label) % len(OTHERS)] for label in labels)


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
