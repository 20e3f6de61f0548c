"""Symbols of QGIS: how polygons and rasters are drawn, as the XML that its styles, its projects and the table layer_styles hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from core.export.styles import Colour

QGIS_VERSION = "3.22.16"
"""The release whose form is written: later ones read it, and older ones mostly."""


@dataclass(frozen=True)
class FillSymbol:
    """Polygons of one symbol. alpha: of the inside, 0 to 255. width: of the outline, in millimetres."""

    colour: Colour
    alpha: int = 80
    width: float = 0.4


@dataclass(frozen=True)
class CategorySymbol:
    """Polygons by the words of a column: a colour for each value."""

    column: str
    colours: Mapping[str, Colour]


@dataclass(frozen=True)
class PaletteSymbol:
    """A raster of classes 0, 1, ..."""

    labels: Sequence[str]
    colours: Sequence[Colour]


@dataclass(frozen=True)
class RampSymbol:
    """A band of numbers from `low` to `high` through colours that are evenly apart."""

    colours: Sequence[Colour]
    low: float = 0.0
    high: float = 1.0
    band: int = 1


LayerSymbol = FillSymbol | CategorySymbol | PaletteSymbol | RampSymbol


def renderer(symbol: LayerSymbol) -> Xml.Element:
    """`renderer-v2` of polygons, or `rasterrenderer`."""
    if isinstance(symbol, FillSymbol):
        made = Xml.Element("renderer-v2", type="singleSymbol", enableorderby="0", forceraster="0", symbollevels="0")
        Xml.SubElement(made, "symbols").append(_fill("0", symbol))
        return made
    if isinstance(symbol, CategorySymbol):
        return _categories(symbol)
    return _classes(symbol) if isinstance(symbol, PaletteSymbol) else _ramp(symbol)


def layer_style(symbol: FillSymbol | CategorySymbol) -> str:
    """The text of a style of a layer of polygons, as QGIS keeps it in layer_styles."""
    root = Xml.Element("qgis", version=QGIS_VERSION, styleCategories="Symbology")
    root.append(renderer(symbol))
    Xml.SubElement(root, "layerGeometryType").text = "2"  # polygons
    Xml.indent(root)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + Xml.tostring(root, encoding="unicode") + "\n"


def _categories(symbol: CategorySymbol) -> Xml.Element:
    made = Xml.Element("renderer-v2", type="categorizedSymbol", attr=symbol.column, enableorderby="0", forceraster="0", symbollevels="0")
    categories, symbols = Xml.SubElement(made, "categories"), Xml.SubElement(made, "symbols")
    for place, (value, colour) in enumerate(symbol.colours.items()):
        Xml.SubElement(categories, "category", symbol=str(place), value=value, label=value, render="true", type="string")
        symbols.append(_fill(str(place), FillSymbol(colour, alpha=255, width=0.1)))
    return made


def _fill(name: str, fill: FillSymbol) -> Xml.Element:
    made = Xml.Element("symbol", type="fill", name=name, alpha="1", clip_to_extent="1", force_rhr="0")
    layer = Xml.SubElement(made, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"})
    values = {
        "color": _rgba(fill.colour, fill.alpha), "style": "solid" if fill.alpha else "no", "outline_color": _rgba(fill.colour, 255),
        "outline_style": "solid", "outline_width": f"{fill.width:g}", "outline_width_unit": "MM", "joinstyle": "bevel",
    }  # fmt: skip
    options = Xml.SubElement(layer, "Option", type="Map")
    for key, value in values.items():
        Xml.SubElement(options, "Option", name=key, type="QString", value=value)
    for key, value in values.items():
        Xml.SubElement(layer, "prop", k=key, v=value)  # what older releases read
    return made


def _classes(symbol: PaletteSymbol) -> Xml.Element:
    made = Xml.Element("rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1", nodataColor="")
    palette = Xml.SubElement(made, "colorPalette")
    for value, (label, colour) in enumerate(zip(symbol.labels, symbol.colours, strict=True)):
        Xml.SubElement(palette, "paletteEntry", value=str(value), color=_hex(colour), alpha="255", label=label)
    return made


def _ramp(symbol: RampSymbol) -> Xml.Element:
    low, high = f"{symbol.low:g}", f"{symbol.high:g}"
    made = Xml.Element(
        "rasterrenderer", type="singlebandpseudocolor", band=str(symbol.band), opacity="1", alphaBand="-1", nodataColor="",
        classificationMin=low, classificationMax=high,
    )  # fmt: skip
    facts = {
        "colorRampType": "INTERPOLATED", "classificationMode": "1", "clip": "0", "labelPrecision": "4", "minimumValue": low,
        "maximumValue": high,
    }  # fmt: skip
    shader = Xml.SubElement(Xml.SubElement(made, "rastershader"), "colorrampshader", facts)
    steps = max(len(symbol.colours) - 1, 1)
    for place, colour in enumerate(symbol.colours):
        value = symbol.low + (symbol.high - symbol.low) * place / steps
        Xml.SubElement(shader, "item", value=f"{value:g}", label=f"{value:.3g}", color=_hex(colour), alpha="255")
    return made


def _rgba(colour: Colour, alpha: int) -> str:
    return ",".join(map(str, (*colour, alpha)))


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
