"""Options that several commands share, so that they are called and explained alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import OutOfRange

if TYPE_CHECKING:
    from core.readers import SceneOptions
    from core.readers.dicom.ways_out import WayOut

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else there.")]
Paths = Annotated[list[str], typer.Argument(metavar="PATH", help="Files, folders or zip archives; folders are walked.")]
OnePath = Annotated[str, typer.Argument(metavar="PATH", help="One image; a member of a zip is written file.zip!/member.")]
Model = Annotated[str, typer.Option("--model", metavar="ID", help="A model of the zoo, a model folder, or a hub id (owner/name).")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write into; it is made where it is missing.")]
LanguageOption = Annotated[str, typer.Option("--language", metavar="CODE", help="Language of the report.")]
Bands = Annotated[
    str,
    typer.Option("--bands", metavar="NAMES", help="What the bands of the scene are, in order, for example B04,B03,B02 or red,green,blue."),
]
Scale = Annotated[float | None, typer.Option("--scale", help="Reflectance = digital number x scale + offset.")]
Offset = Annotated[float | None, typer.Option("--offset", help="See --scale; Sentinel-2 from baseline 04.00 has 0.0001 and -0.1.")]
Dates = Annotated[
    list[str] | None, typer.Option("--date", metavar="YYYY-MM-DD", help="Date of a scene; given once for each, in their order.")
]
Clouds = Annotated[
    list[str] | None,
    typer.Option(
        "--clouds",
        metavar="scl|qa|FILE|none",
        help="What tells clouds: the product's own layer, or a raster that is not 0 there; once for all dates, or one a date. "
        "By default what the product brings.",
    ),
]
Crs = Annotated[str | None, typer.Option("--crs", metavar="EPSG:...", help="Coordinate system of the results; the scene's own by default.")]
Zones = Annotated[
    Path | None, typer.Option("--zones", metavar="FILE", help="Polygons (GeoPackage, GeoJSON, Shapefile or its zip) to sum areas in.")
]
Clip = Annotated[bool, typer.Option("--clip", help="Cut everything to the zones.")]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", help="Map by N processes; killed and started again, they go on from what is finished."),
]
WayOutOption = Annotated[
    str,
    typer.Option(
        "--way-out",
        metavar="WAY",
        help="Where slices are no volume: duplicates (one of each position), strays (leave out what does not fit: a localizer, slices "
        "behind a gap), kernel (a stack for each kernel), slices (each by itself).",
    ),
]
MinArea = Annotated[float, typer.Option("--min-area", metavar="HECTARES", help="Polygons below this are left out.")]


def way_out_of(given: str) -> WayOut | None:
    """The way out that an option names; None for "". Raises OutOfRange."""
    from core.readers.dicom.ways_out import WayOut

    if not given:
        return None
    if given not in list(WayOut):
        raise OutOfRange("--way-out", given, "one of " + ", ".join(WayOut))
    return WayOut(given)


def scene_options(
    bands: str = "", scale: float | None = None, offset: float | None = None, date: str = "", clouds: str = ""
) -> SceneOptions:
    """What the user says of a scene. Raises OutOfRange for a list of bands with a gap, no date, or what SceneOptions refuses."""
    from datetime import date as calendar_date

    from core.readers import SceneOptions

    names = tuple(name.strip() for name in bands.split(",")) if bands.strip() else ()
    if not all(names):
        raise OutOfRange("--bands", bands, "names with a comma between them, for example B04,B03,B02")
    try:
        taken = calendar_date.fromisoformat(date) if date else None
    except ValueError:
        raise OutOfRange("--date", date, "a date such as 2017-11-07") from None
    return SceneOptions(names, scale, offset, taken, clouds).checked()


def dates_of(given: list[str] | None, scenes: int) -> list[str]:
    """A date for each scene, "" where none was given. Raises OutOfRange for more dates than scenes."""
    if len(given or []) > scenes:
        raise OutOfRange("number of --date", len(given or []), f"at most one for each scene, {scenes}")
    return [*(given or []), *[""] * (scenes - len(given or []))]


def clouds_of(given: list[str] | None, scenes: int) -> list[str]:
    """What tells the clouds of each scene, "" where nothing was said; one that was given stands for all. Raises OutOfRange."""
    if not given:
        return [""] * scenes
    if len(given) not in (1, scenes):
        raise OutOfRange("number of --clouds", len(given), f"one, or one for each scene, {scenes}")
    return given * scenes if len(given) == 1 else given
