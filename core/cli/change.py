"""`sightline change`: what differs between two or more dates of one place, as rasters, transitions, polygons and reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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
    Offset,
    Out,
    Scale,
    Zones,
    clouds_of,
    dates_of,
    scene_options,
)
from core.cli.output import Assumptions, print_json, print_line, say_aside
from core.cli.progress import Ticker
from core.errors import InputError, OutOfRange
from core.report.notices import say_all

if TYPE_CHECKING:
    from core.change.methods.base import Method
    from core.inference.engine import ChangeEngine, Engine
    from core.types import ChangeMap, TakenBack, Transition

Later = Annotated[list[str] | None, typer.Argument(metavar="LATER", help="Further dates: each pair of neighbours, first against last.")]

ClassesModel = Annotated[
    str | None, typer.Option("--classes-model", metavar="ID", help="A land-cover model that says from what to what, beside a change model.")
]

LookingFor = Annotated[
    str,
    typer.Option(
        "--looking-for", metavar="WHAT", help="burn, water, vegetation-loss, building or anything; picks the method, in place of --method."
    ),
]

ThresholdSampleFile = Annotated[
    Path | None,
    typer.Option(
        "--threshold-sample",
        metavar="FILE",
        help="Polygons with the label changed or unchanged (GeoPackage, GeoJSON or Shapefile) that the threshold is learned from.",
    ),
]

Statistics = Annotated[
    Path | None,
    typer.Option("--statistics", metavar="FILE", help="report.json of the whole scenes of which these are cuts; for change models."),
]
Cutoff = Annotated[
    str, typer.Option("--cutoff", metavar="YYYY-MM-DD", help="Cut-off date of plots (--zones) that have none of their own: plots.geojson.")
]
TakenBackOption = Annotated[
    int,
    typer.Option(
        "--taken-back",
        metavar="N",
        min=0,
        help="Put the old pixels back into the N largest polygons: what is left of their change?",
    ),
]


def change(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A GeoTIFF, several of one date joined by +, or a folder of one date.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The same place at a second date.")],
    later: Later = None,
    *,
    model: Annotated[
        str | None, typer.Option("--model", metavar="ID", help="A model of the zoo, a model folder, or a hub id; index and mad need none.")
    ] = None,
    out: Out,
    method: Annotated[
        str | None, typer.Option("--method", metavar="M", help="classes, embedding, model, index or mad; else the model's own.")
    ] = None,
    looking_for: LookingFor = "",
    index: Annotated[str, typer.Option("--index", metavar="NAME", help="ndvi, ndwi, ndbi, nbr or ndvi-loss, of the method index.")] = "",
    threshold: Annotated[str, typer.Option("--threshold", metavar="VALUE", help="A number or otsu, for the methods index and mad.")] = "",
    threshold_sample: ThresholdSampleFile = None,
    classes_model: ClassesModel = None,
    statistics: Statistics = None,
    language: LanguageOption = "en",
    crs: Crs = None,
    zones: Zones = None,
    clip: Clip = False,
    cutoff: Cutoff = "",
    min_area: MinArea = 0.0,
    taken_back: TakenBackOption = 0,
    bands: Bands = "",
    scale: Scale = None,
    offset: Offset = None,
    date: Dates = None,
    clouds: Clouds = None,
    as_json: Json = False,
) -> None:
    """Write change.tif, its scores, changes.gpkg, transitions.csv and the report into DIR; with LATER a sub-folder for each pair."""
    from core.cli.sources import scene_of, workspace
    from core.export.staging import check_writable
    from core.report.language import language_of
    from core.report.text import headline, warnings_of
    from core.workflows.report_files import write_changes
    from core.workflows.zones.plots import parse_cutoff

    language_of(language)
    check_writable(out)
    arguments = [before, after, *(later or [])]
    options = [
        scene_options(bands, scale, offset, day, told)
        for day, told in zip(dates_of(date, len(arguments)), clouds_of(clouds, len(arguments)), strict=True)
    ]
    if statistics is not None and later:
        raise InputError("--statistics are of two dates.", "Compare the pairs one by one, or leave --statistics out.")
    if looking_for:
        _refuse_both(looking_for, method, index)
        model, method, index = _for_goal(looking_for, model)
    engine, way = _method(model, method, classes_model, BandWishes(index, threshold, threshold_sample), statistics)
    wishes: dict[str, Any] = {"min_area_hectares": min_area, "crs": crs, "zones": zones, "clip": clip, "taken_back": taken_back}
    wishes["cutoff"] = parse_cutoff(cutoff) if cutoff else None
    with workspace() as work, Ticker("tiles") as ticker:
        scenes = [scene_of(argument, one, work) for argument, one in zip(arguments, options, strict=True)]
        pairs = write_changes(scenes, way, engine, out, language, **wishes, progress=ticker)
    assumptions = Assumptions()
    for pair in pairs:
        assumptions.tell(_dates(pair.change), warnings_of(pair.report))
    for pair in pairs:
        assumptions.tell(_dates(pair.change), _assumptions(pair.change))
    for pair in pairs:
        _say_not_taken_back(pair.change, taken_back)
    if as_json:
        told = [{"name": pair.name, **_as_values(pair.change), "withheld": pair.report.withheld, "report": pair.files} for pair in pairs]
        return print_json({"paths": arguments, "pairs": told})
    for pair in pairs:
        print_line(f"{pair.name}: {headline(pair.report)}" if pair.name else headline(pair.report))
    return print_line(f"The results are in {out}.")


@dataclass(frozen=True)
class BandWishes:
    """Options of the methods without a model, as they were given."""

    index: str = ""
    threshold: str = ""
    sample: Path | None = None


def _refuse_both(looking_for: str, method: str | None, index: str) -> None:
    from core.change.goals import GOALS

    if looking_for not in GOALS:
        raise OutOfRange("--looking-for", looking_for, f"one of {', '.join(GOALS)}")
    if method or index:
        raise InputError("--looking-for picks the method and the index.", "Give it, or --method and --index, but not both.")


def _for_goal(looking_for: str, model: str | None) -> tuple[str | None, str | None, str]:
    """(model, method, index) for what is looked for, which is said. A model that was given is of use to its own goal alone."""
    from core.change.goals import GOALS
    from core.change.methods.choose import WITHOUT_MODEL
    from core.change.methods.index import INDEX
    from core.prepare.domains import image_domain
    from models.registry import list_models

    goal = GOALS[looking_for]
    if goal.method in WITHOUT_MODEL:
        if model is not None:
            raise InputError(f"Looking for {looking_for} asks no model.", "Leave --model out.")
        say_aside(f"Looking for {looking_for}: --method {goal.method}{f' --index {goal.index}' if goal.index else ''}.")
        return None, goal.method, goal.index
    found = model or next((known.id for known in list_models() if image_domain(known.preprocess.domain).dates > 1), None)
    if found is None:
        say_aside(f"Looking for {looking_for} without a model of change: --method {INDEX} --index {goal.instead}.")
        return None, INDEX, goal.instead
    say_aside(f"Looking for {looking_for}: --model {found}.")
    return found, goal.method, ""


def _method(
    model: str | None, name: str | None, classes_model: str | None, wishes: BandWishes, statistics: Path | None
) -> tuple[Engine | ChangeEngine | None, Method]:
    """The engine of either kind of model, None where none is needed, and the method. Raises what opening a model raises, and OutOfRange."""
    from core.change.methods.choose import WITHOUT_MODEL, bands_method

    if statistics is not None and (name in WITHOUT_MODEL or model is None):
        raise InputError("--statistics belong to a change model.", "Give --model ID of one, or leave --statistics out.")
    if name in WITHOUT_MODEL:
        return None, bands_method(name, wishes.index, wishes.threshold, wishes.sample)
    if wishes != BandWishes():
        raise InputError("--index and thresholds belong to the methods index and mad.", "Give --method index, or leave them out.")
    if model is None:
        raise InputError("No model was given.", f"Give --model ID, or a --method without one: {' or '.join(WITHOUT_MODEL)}.")
    return _by_model(model, name, classes_model, statistics)


def _by_model(model: str, name: str | None, classes_model: str | None, statistics: Path | None) -> tuple[Engine | ChangeEngine, Method]:
    from core.change.methods.choose import method_for
    from core.inference.engine import change_engine_for, engine_for
    from core.inference.scenes.pair_statistics import read_statistics
    from models.change_registry import is_change_model

    known = read_statistics(statistics) if statistics is not None else None
    if not is_change_model(model):
        if classes_model is not None:
            raise InputError(f"The model {model} names the classes itself.", "Leave --classes-model out.")
        engine = engine_for(model)
        return engine, method_for(engine, name, statistics=known)
    change_engine = change_engine_for(model)
    return change_engine, method_for(change_engine, name, engine_for(classes_model) if classes_model is not None else None, known)


def _as_values(result: ChangeMap) -> dict[str, Any]:
    """A pair of dates as JSON tells it; rasters and polygons by their path."""
    return {
        "model": result.model or None,
        "weights": result.weights or None,
        "method": result.method,
        "labels": result.labels,
        "change": result.change,
        "score": result.score,
        "is_calibrated": result.is_calibrated,
        "polygons": result.polygons_file,
        "severity": result.severity,
        "severities": [
            {"severity": area.label, "pixels": area.pixels, "hectares": area.hectares, "share": area.share} for area in result.severities
        ],
        "landcover_before": result.landcover_before,
        "landcover_after": result.landcover_after,
        "transitions": _pairs(result.transitions),
        "became": _pairs(result.became),
        "taken_back": [_taken_back(polygon.taken_back) for polygon in result.polygons if polygon.taken_back is not None],
        "changed_pixels": result.changed_pixels,
        "valid_pixels": result.valid_pixels,
        "changed_hectares": result.changed_hectares,
        "parameters": dict(result.parameters),
        "assumptions": _assumptions(result),
        "seconds": result.seconds,
    }


def _say_not_taken_back(result: ChangeMap, wanted: int) -> None:
    """How many of the polygons that were asked for gave nothing, and why."""
    asked = min(wanted, len(result.polygons))
    left = asked - sum(polygon.taken_back is not None for polygon in result.polygons)
    if left:
        why = "they are too large, or are not found when their surroundings are compared alone"
        say_aside(f"{_dates(result)}: {left:,} of {asked:,} polygons were not taken back: {why}.")


def _taken_back(found: TakenBack) -> dict[str, Any]:
    return {
        "polygon": found.polygon,
        "undone": found.undone,
        "kept_elsewhere": found.kept,
        "first_half": found.first,
        "second_half": found.second,
        "is_proved": found.is_proved,
        "bands": dict(found.bands),
    }


def _pairs(transitions: tuple[Transition, ...]) -> list[dict[str, Any]]:
    return [{"from": one.before, "to": one.after, "pixels": one.pixels, "hectares": one.hectares} for one in transitions]


def _dates(result: ChangeMap) -> str:
    """What a line on standard error is about: "2019-06-15 to 2021-06-19"; by their names, scenes without a date or of one date."""
    called = [scene.called for scene in (result.before, result.after)]
    return " to ".join(called if called[0] != called[1] else [result.before.name, result.after.name])


def _assumptions(result: ChangeMap) -> tuple[str, ...]:
    """The warning that a scene is outside what the model knows comes first, then what was assumed of each scene."""
    return tuple(dict.fromkeys(say_all((*result.assumptions, *result.before.assumptions, *result.after.assumptions))))
