"""What a GIS and a catalogue want of a folder of results: a project of QGIS, styles in GeoPackages, a STAC item, a map to be printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rasterio.crs import CRS
from rasterio.warp import transform_bounds

from core.export.qgis_project import PROJECT, ProjectLayer, write_project
from core.export.stac_item import ITEM, ItemFile, ItemModel, write_item
from core.export.styles import Colour
from core.export.symbols import CategorySymbol, FillSymbol, LayerSymbol, PaletteSymbol, RampSymbol, layer_style
from core.export.vector import write_style
from core.readers.scenes.raster import open_raster
from core.render.colours import CHANGE, CHANGED, CIVIDIS
from core.render.map_sheet import map_sheet
from core.report.language import language_of
from core.types import Scene
from core.workflows.zones.files import LAYER as ZONES_LAYER
from core.workflows.zones.files import ZONE_SYMBOL, ZONES_MAP
from models.change_registry import LoadedChangeModel
from models.folder import digest_of
from models.registry import LoadedModel

SHEET = "map.png"
LAYER_FILES = (PROJECT, ITEM, SHEET)
"""What stands beside the rasters, tables and polygons of every result."""
SEGMENTATION, CHANGE_TASK = "semantic-segmentation", "change-detection"
"""The model's task as the MLM extension has it."""


def class_symbol(labels: Sequence[str], colours: Sequence[Colour]) -> PaletteSymbol:
    """With the labels as a reader knows them."""
    return PaletteSymbol([_words(label) for label in labels], colours)


def number_symbol(path: Path, band: int = 1, *, of_change: bool = False) -> RampSymbol:
    """A ramp over the values that a raster has."""
    with open_raster(path) as raster:
        small = raster.read(band, out_shape=(min(raster.height, 256), min(raster.width, 256)), masked=True).compressed()
    small = small[small == small]
    low, high = (float(small.min()), float(small.max())) if len(small) else (0.0, 1.0)
    return RampSymbol(_stops(CHANGE if of_change else CIVIDIS), min(low, 0.0), high if high > low else low + 1.0, band)


def outline_symbol(column: str, labels: Sequence[str] = (), colours: Sequence[Colour] = ()) -> FillSymbol | CategorySymbol:
    """Of polygons of change, or of the classes in a column."""
    return CategorySymbol(column, dict(zip(labels, colours, strict=True))) if labels else FillSymbol(CHANGED)


def write_layers(
    folder: Path,
    title: str,
    layers: Sequence[ProjectLayer],
    sheet: tuple[str, Sequence[str]],
    scenes: Sequence[Scene],
    model: LoadedModel | LoadedChangeModel | None,
    properties: Mapping[str, Any],
) -> None:
    """project.qgz, item.json and map.png of the files in a folder, and styles in their GeoPackages.

    layers: the uppermost first; a layer of zones is added where they are there. sheet: (class raster, its labels) of the printed map.
    """
    raster = folder / sheet[0]
    with open_raster(raster) as opened:
        crs, bounds = opened.crs, opened.bounds
    if (folder / ZONES_MAP).exists():
        layers = [ProjectLayer(ZONES_MAP, "Zones", ZONE_SYMBOL, ZONES_LAYER), *layers]
    for layer in layers:
        if layer.table and isinstance(layer.symbol, (FillSymbol, CategorySymbol)):
            write_style(folder / layer.file, layer.table, layer_style(layer.symbol))
    write_project(folder / PROJECT, title, layers, crs, tuple(bounds))
    dates = " to ".join(scene.called for scene in scenes)
    words = [_words(label) for label in sheet[1]]
    (folder / SHEET).write_bytes(map_sheet(raster, words, f"{title}: {dates}", language_of("en").words["intended_use"]))
    files = [_item_file(folder, layer) for layer in {layer.file: layer for layer in layers}.values()]
    days = [scene.date for scene in scenes if scene.date is not None]
    name = "-".join(
        [title.lower().replace(" ", "-"), *(scene.when for scene in scenes if scene.when), *(scene.sha256[:8] for scene in scenes)]
    )
    write_item(folder / ITEM, name, _footprint(crs, tuple(bounds)), days, files, raster, _item_model(model), properties)


def _item_file(folder: Path, layer: ProjectLayer) -> ItemFile:
    if layer.is_vector:
        return ItemFile(layer.file, layer.name)
    with open_raster(folder / layer.file) as raster:
        bands = tuple(name or layer.name for name in raster.descriptions)
    symbol: LayerSymbol = layer.symbol
    classes = tuple(zip(symbol.labels, symbol.colours, strict=True)) if isinstance(symbol, PaletteSymbol) else ()
    return ItemFile(layer.file, layer.name, bands, classes)


def _item_model(model: LoadedModel | LoadedChangeModel | None) -> ItemModel | None:
    if model is None:
        return None
    architecture = str(getattr(model.config, "model_type", "") or type(model.config).__name__)
    labels = model.labels if isinstance(model, LoadedModel) else ("unchanged", "changed")
    task = SEGMENTATION if isinstance(model, LoadedModel) else CHANGE_TASK
    height, width = model.preprocess.size
    bands = tuple(model.preprocess.channels)
    return ItemModel(model.card.title or model.id, architecture, task, digest_of(model.folder), bands, (height, width), labels)


def _footprint(crs: CRS, bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    west, south, east, north = transform_bounds(crs, CRS.from_epsg(4326), *bounds, densify_pts=21)
    return west, south, east, north


def _words(label: str) -> str:
    words = language_of("en").labels.get(label, label)
    return words[:1].upper() + words[1:]


def _stops(colours: Sequence[str]) -> tuple[Colour, ...]:
    """ "#rrggbb" as numbers."""
    return tuple((int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)) for colour in colours)
