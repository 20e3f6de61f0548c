"""Burn severity beside a change by dNBR: a class raster, its areas, and polygons, all made from the raster of scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.areas.pixels import row_hectares
from core.areas.polygons import ClassStrip, polygons_of
from core.areas.zonal_counts import ZonalCounts
from core.change.evidence import NODATA
from core.change.severity import SEVERITIES, UNBURNED, severity_classes
from core.export.geotiff import StripWriter, read_strips
from core.export.qgis_project import ProjectLayer
from core.export.tables import write_table
from core.export.vector import Feature, write_polygons
from core.readers.scenes.raster import open_raster
from core.render.colours import class_colours
from core.types import ClassArea
from core.workflows.layers import class_symbol, outline_symbol

SEVERITY, SEVERITY_AREAS, SEVERITY_POLYGONS, SEVERITY_LAYER = "severity.tif", "severity.csv", "severity.gpkg", "severity"
SEVERITY_FILES = ("severity.*",)
"""What a comparison by another method leaves out, as patterns of names."""


def write_severity(folder: Path, scores: str, min_hectares: float, step: Callable[[], None]) -> tuple[ClassArea, ...]:
    """severity.tif, severity.csv and severity.gpkg (layer severity; unburned ground is left out) from the raster of dNBR in a folder.

    scores: its name. min_hectares: smaller polygons are left out. step: called after each strip; what it raises ends the work.
    Returns the area of each class.
    """
    with open_raster(folder / scores) as raster:
        grid = {"width": raster.width, "height": raster.height, "crs": raster.crs, "transform": raster.transform}
        crs, transform, size = raster.crs, raster.transform, (raster.width, raster.height)
    hectares, counts = row_hectares(crs, transform, *size), ZonalCounts(len(SEVERITIES))
    legend: dict[str, Any] = {"labels": SEVERITIES, "colours": class_colours(SEVERITIES), "description": "burn severity by dNBR"}
    with StripWriter(folder / SEVERITY, **grid, dtype="uint8", nodata=NODATA, **legend) as writer:
        for top, dnbr in read_strips(folder / scores):
            classes = severity_classes(dnbr)
            writer.write(top, classes)
            counts.add(classes, hectares(top, len(classes)))
            step()
    areas = counts.areas(SEVERITIES)
    write_table(folder / SEVERITY_AREAS, ("severity", "pixels", "hectares", "share"), map(_cells, areas))
    outlined = polygons_of(_burned(folder / SEVERITY), transform, hectares, nodata=NODATA, min_hectares=min_hectares)
    features: Iterator[Feature] = ((polygon.geometry, (SEVERITIES[polygon.value], polygon.hectares)) for polygon in outlined)
    write_polygons(folder / SEVERITY_POLYGONS, SEVERITY_LAYER, features, {"severity": str, "hectares": float}, crs)
    return areas


def _cells(area: ClassArea) -> tuple[str, int, float, float]:
    return area.label, area.pixels, area.hectares, area.share


def _burned(path: Path) -> Iterator[ClassStrip]:
    unburned = SEVERITIES.index(UNBURNED)
    for top, classes in read_strips(path):
        classes[classes == unburned] = NODATA
        yield ClassStrip(top, classes)


def severity_layers(folder: Path) -> tuple[ProjectLayer, ...]:
    """Those of a project, where a folder holds severity."""
    if not (folder / SEVERITY).exists():
        return ()
    colours = class_colours(SEVERITIES)
    outlined = outline_symbol("severity", SEVERITIES, colours)
    return (
        ProjectLayer(SEVERITY_POLYGONS, "Burn severity as polygons", outlined, SEVERITY_LAYER, is_on=False),
        ProjectLayer(SEVERITY, "Burn severity", class_symbol(SEVERITIES, colours)),
    )
