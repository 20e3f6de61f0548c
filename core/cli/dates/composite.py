"""`sightline composite`: one picture of a period out of several dates, and how many dates each pixel had."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.options import Bands, Clouds, Dates, Json, Offset, Out, Scale, clouds_of, dates_of, scene_options
from core.cli.output import Assumptions, print_json, print_line
from core.cli.progress import Ticker
from core.report.notices import say_all

Scenes = Annotated[
    list[str], typer.Argument(metavar="SCENE", help="2 to 50 dates: GeoTIFFs, files of one date joined by +, or a folder of one date.")
]


def composite_dates(
    scenes: Scenes,
    out: Out,
    method: Annotated[str, typer.Option("--method", metavar="M", help="median, band by band; or medoid, one date a pixel.")] = "median",
    bands: Bands = "",
    scale: Scale = None,
    offset: Offset = None,
    date: Dates = None,
    clouds: Clouds = None,
    as_json: Json = False,
) -> None:
    """Write composite.tif and count.tif (valid dates a pixel) into DIR."""
    from core.cli.sources import scene_of, workspace
    from core.export.staging import check_writable
    from core.workflows.bands.composite import make_composite

    check_writable(out)
    options = [
        scene_options(bands, scale, offset, day, told)
        for day, told in zip(dates_of(date, len(scenes)), clouds_of(clouds, len(scenes)), strict=True)
    ]
    with workspace() as work, Ticker("rows") as ticker:
        opened = [scene_of(argument, one, work) for argument, one in zip(scenes, options, strict=True)]
        result = make_composite(opened, out, method, ticker)
    Assumptions().tell("composite", say_all(result.assumptions))
    if as_json:
        told = {**vars(result), "assumptions": say_all(result.assumptions)}
        return print_json({"paths": scenes, **told})
    print_line(f"The {method} of {len(scenes)} dates; a pixel had {result.mean_dates:.1f} valid dates on average.")
    if result.empty_share:
        print_line(f"No date shows {100 * result.empty_share:.1f} % of the pixels.")
    return print_line(f"The composite is in {out}.")
