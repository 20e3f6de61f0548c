"""`sightline map`: the land cover of a scene, as rasters, areas, polygons and a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.options import (
    Bands,
    Clip,
    Clouds,
    Crs,
    Dates,
    Json,
    LanguageOption,
    MinArea,
    Model,
    Offset,
    Out,
    Scale,
    WorkersOption,
    Zones,
    clouds_of,
    dates_of,
    scene_options,
)  # fmt: skip
from core.cli.output import Assumptions, print_json, print_line
from core.cli.progress import Ticker
from core.errors import OutOfRange
from core.report.notices import say_all

if TYPE_CHECKING:
    from core.types import LandCoverMap


def map_(
    scene: Annotated[str, typer.Argument(metavar="SCENE", help="A GeoTIFF, several of one date joined by +, or a folder of one date.")],
    model: Model,
    out: Out,
    language: LanguageOption = "en",
    crs: Crs = None,
    zones: Zones = None,
    clip: Clip = False,
    min_area: MinArea = 0.0,
    workers: WorkersOption = None,
    bands: Bands = "",
    scale: Scale = None,
    offset: Offset = None,
    date: Dates = None,
    clouds: Clouds = None,
    as_json: Json = False,
) -> None:
    """Write landcover.tif, confidence.tif, outside.tif, uncertainty.tif, areas.csv, classes.gpkg and the report into DIR."""
    from core.cli.sources import scene_of, workspace
    from core.export.staging import check_writable
    from core.inference.engine import engine_for
    from core.report.language import language_of
    from core.report.scenes import is_listed
    from core.report.text import headline, is_warning
    from core.workflows.report_files import write_map

    language_of(language)
    if workers is not None and workers < 1:
        raise OutOfRange("--workers", workers, "at least 1")
    check_writable(out)
    options = scene_options(bands, scale, offset, *dates_of(date, 1), *clouds_of(clouds, 1))
    engine = engine_for(model)
    with workspace() as work, Ticker("tiles") as ticker:
        opened = scene_of(scene, options, work)
        wishes: dict[str, Any] = {"min_area_hectares": min_area, "crs": crs, "zones": zones, "clip": clip}
        wishes |= {"progress": ticker, "workers": workers}
        result, report, files = write_map(opened, engine, out, language, **wishes)
    warned = [sentence.text for sentence in report.sentences if is_warning(report, sentence)]
    Assumptions().tell(opened.called, [*warned, *_assumptions(result)])
    if as_json:
        return print_json({"path": scene, **_as_values(result), "report": files})
    print_line(headline(report))
    for area in result.areas if report.withheld is None else ():
        if is_listed(area.hectares):
            told = (
                "a line on the ground: no area"
                if area.label in result.linear
                else f"{area.hectares:,.1f} ha (mapped, no interval), {100 * area.share:.1f} %"
            )
            print_line(f"{area.label}: {told}")
    return print_line(f"The map is in {out}.")


def _as_values(result: LandCoverMap) -> dict[str, Any]:
    """A map as JSON tells it; rasters by their path."""
    return {
        "model": result.model,
        "weights": result.weights,
        "labels": result.labels,
        "landcover": result.landcover,
        "confidence": result.confidence,
        "outside": result.outside,
        "unstable": result.unstable,
        "uncertainty": result.uncertainty,
        "classes": result.classes,
        "linear": result.linear,
        "areas": [{"class": area.label, "pixels": area.pixels, "hectares": area.hectares, "share": area.share} for area in result.areas],
        "valid_pixels": result.valid_pixels,
        "outside_share": result.outside_share,
        "unstable_share": result.unstable_share,
        "mean_confidence": result.mean_confidence,
        "parameters": dict(result.parameters),
        "assumptions": _assumptions(result),
        "seconds": result.seconds,
    }


def _assumptions(result: LandCoverMap) -> tuple[str, ...]:
    """What was assumed of the scene, then of the map."""
    return say_all((*result.scene.assumptions, *result.assumptions))
