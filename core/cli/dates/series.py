"""`sightline series`: what 2 to 50 dates of one place hold by date, and where the level of an index breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.options import Bands, Clouds, Dates, Json, LanguageOption, Offset, Out, Scale, Zones, clouds_of, dates_of, scene_options
from core.cli.output import Assumptions, print_json, print_line
from core.cli.progress import Ticker
from core.report.notices import say_all

if TYPE_CHECKING:
    from core.types import SeriesResult

SeriesScenes = Annotated[
    list[str], typer.Argument(metavar="SCENE", help="2 to 50 dates: GeoTIFFs, files of one date joined by +, or a folder of one date.")
]
MapModel = Annotated[str | None, typer.Option("--model", metavar="ID", help="A land-cover model: the class areas of each date, too.")]
BreakIndex = Annotated[
    str,
    typer.Option("--index", metavar="NAME", help="ndvi, ndwi, ndbi or nbr, searched for breaks; else the first there is."),
]
Above = Annotated[float | None, typer.Option("--threshold", metavar="VALUE", help="Above it the index counts as area.")]
At = Annotated[tuple[int, int] | None, typer.Option("--at", metavar="COLUMN ROW", help="A pixel of the first date whose series is told.")]
CorrectShift = Annotated[bool, typer.Option("--correct-shift", help="Take out the shifts between dates, where that makes them smaller.")]


def series_dates(
    scenes: SeriesScenes,
    out: Out,
    model: MapModel = None,
    index: BreakIndex = "",
    threshold: Above = None,
    zones: Zones = None,
    at: At = None,
    correct_shift: CorrectShift = False,
    language: LanguageOption = "en",
    bands: Bands = "",
    scale: Scale = None,
    offset: Offset = None,
    date: Dates = None,
    clouds: Clouds = None,
    as_json: Json = False,
) -> None:
    """Write areas_by_date.csv, series.csv, breaks.gpkg and the report into DIR; with a model the map of each date in a folder."""
    from core.cli.sources import scene_of, workspace
    from core.export.staging import check_writable
    from core.inference.engine import engine_for
    from core.report.language import language_of
    from core.report.text import section_text
    from core.workflows.dates.written import write_series_report

    language_of(language)
    check_writable(out)
    options = [
        scene_options(bands, scale, offset, day, told)
        for day, told in zip(dates_of(date, len(scenes)), clouds_of(clouds, len(scenes)), strict=True)
    ]
    engine = engine_for(model) if model is not None else None
    wishes: dict[str, Any] = {"engine": engine, "index": index, "threshold": threshold, "zones": zones, "at": at}
    with workspace() as work, Ticker("rows") as ticker:
        opened = [scene_of(argument, one, work) for argument, one in zip(scenes, options, strict=True)]
        result, report, files = write_series_report(opened, out, language, **wishes, is_corrected=correct_shift, progress=ticker)
    Assumptions().tell("series", say_all(result.assumptions))
    if as_json:
        return print_json({"paths": scenes, **_as_values(result), "report": files})
    for line in section_text(report, "findings").splitlines():
        print_line(line)
    return print_line(f"The results are in {out}.")


def _as_values(result: SeriesResult) -> dict[str, Any]:
    """A series as JSON tells it; files by their path."""
    return {
        "dates": [
            {
                "date": date.scene.when,
                "name": date.scene.name,
                "valid_share": date.valid_share,
                "clouds": date.clouds,
                "shift": date.shift,
                "shift_left": date.left,
                "is_corrected": date.is_corrected,
            }
            for date in result.dates
        ],
        "bands": result.bands,
        "indices": dict(zip(result.indices, result.thresholds, strict=True)),
        "index": result.index or None,
        "areas": [vars(area) for area in result.areas],
        "tested": result.tested,
        "inflation": result.inflation,
        "breaks": [vars(one) for one in result.breaks],
        "broken_hectares": result.broken_hectares,
        "areas_by_date": result.areas_file,
        "series": result.series_file,
        "breaks_file": result.breaks_file,
        "model": result.model or None,
        "weights": result.weights or None,
        "parameters": dict(result.parameters),
        "assumptions": say_all(result.assumptions),
        "seconds": result.seconds,
    }  # fmt: skip
