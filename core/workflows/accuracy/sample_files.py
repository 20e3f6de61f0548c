"""A sample as files: points without strata and classes for whoever labels them, and beside the map what they were drawn from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely

from core.accuracy.sample import ReferenceSample, SamplePlace, SamplePoint, Stratum
from core.errors import InputError, NotFound, UnreadableFile
from core.export.staging import check_writable, make_folder, whole_file
from core.export.tables import write_table
from core.export.vector import Feature, write_points
from core.workflows.accuracy.result import MappedFolder

DESIGN = "sample-{key}.json"
"""Beside the map: strata and classes of the points, which a rater does not see."""
LAYER = "sample"
POINT_FIELDS = {
    "id": str, "label": str, "rater": str, "image": str, "seconds": float, "at": str,
    "x": float, "y": float, "longitude": float, "latitude": float,
}  # fmt: skip
"""Of the points that raters get: label and what follows it is theirs to fill."""
_EMPTY = ("", "", "", float("nan"), "")


def check_new(path: Path) -> None:
    """Raises InputError where the points would be written over others, whose labels would be lost, CannotWrite."""
    if path.suffix.lower() != ".gpkg":
        raise InputError(f"--out is {path.name!r}: points are written as a GeoPackage.", "Give a name that ends in .gpkg.")
    for taken in (path, path.with_suffix(".csv")):
        if taken.exists():
            raise InputError(f"{taken} is there already, and may hold labels.", "Choose another name with --out.")
    check_writable(path.parent)


def write_sample(sample: ReferenceSample, found: MappedFolder, out: Path) -> tuple[Path, Path, Path]:
    """Points as a GeoPackage at `out` and as CSV beside it; the design beside the map. Returns the three paths.

    Raises what check_new raises.
    """
    check_new(out)
    make_folder(out.parent)
    design, table = write_design(sample, found), out.with_suffix(".csv")
    write_points(out, LAYER, _features(sample), POINT_FIELDS, found.crs)
    rows = ((each.id, "", "", "", "", "", each.x, each.y, each.longitude, each.latitude) for each in sample.points)
    write_table(table, tuple(POINT_FIELDS), rows)
    return out, table, design


def _features(sample: ReferenceSample) -> Iterator[Feature]:
    for each in sample.points:
        yield shapely.Point(each.x, each.y), (each.id, *_EMPTY, each.x, each.y, each.longitude, each.latitude)


def write_design(sample: ReferenceSample, found: MappedFolder) -> Path:
    """What the sample was drawn from, as JSON in the folder of the map."""
    path = found.folder / DESIGN.format(key=sample.key)
    told = {
        "key": sample.key,
        "raster": found.raster.name,
        "sha256": found.digest,
        "crs": found.crs.to_wkt(),
        "strata_by": sample.strata_by,
        "seed": sample.seed,
        "labels": list(sample.labels),
        "strata": [
            {"name": each.name, "pixels": each.pixels, "hectares": each.hectares, "mapped": list(each.mapped)} for each in sample.strata
        ],
        "points": [_as_json(sample, each) for each in sample.points],
    }
    with whole_file(path) as made:
        made.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def _as_json(sample: ReferenceSample, point: SamplePoint) -> dict[str, Any]:
    place = point.place
    return {
        "id": point.id,
        "stratum": place.stratum,
        "mapped": sample.labels[place.mapped],
        "column": place.column,
        "row": place.row,
        "x": point.x,
        "y": point.y,
        "longitude": point.longitude,
        "latitude": point.latitude,
    }


def designs_of(found: MappedFolder) -> dict[str, Path]:
    """The samples that were drawn from a map, by their keys."""
    start, _, end = DESIGN.partition("{key}")
    return {path.name.removeprefix(start).removesuffix(end): path for path in sorted(found.folder.glob(DESIGN.format(key="*")))}


def read_design(found: MappedFolder, key: str) -> ReferenceSample:
    """The sample of that key. Raises NotFound, UnreadableFile, InputError where the map has been made anew since it was drawn."""
    known = designs_of(found)
    if key not in known:
        drawn = f"its samples are {', '.join(known)}" if known else "none was drawn from it"
        raise NotFound(f"{found.folder} has no sample {key!r}: {drawn}.", "Draw one with `sightline sample`, and label its points.")
    path = known[key]
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        sample, digest = _sample(told), str(told["sha256"])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UnreadableFile(f"{path} is damaged.", "Take it from where the sample was drawn, or draw another.") from error
    if digest != found.digest:
        raise InputError(
            f"{found.raster} is not the map that the sample {key} was drawn from: it has been made anew since.",
            "Assess the map that was sampled, or draw a sample of this one.",
        )
    return sample


def _sample(told: dict[str, Any]) -> ReferenceSample:
    labels = tuple(str(label) for label in told["labels"])
    strata = tuple(Stratum(str(each["name"]), int(each["pixels"]), tuple(map(float, each["mapped"]))) for each in told["strata"])
    points = []
    for each in told["points"]:
        place = SamplePlace(int(each["stratum"]), labels.index(each["mapped"]), int(each["column"]), int(each["row"]))
        if not 0 <= place.stratum < len(strata):
            raise ValueError("no such stratum")
        points.append(SamplePoint(str(each["id"]), place, *(float(each[name]) for name in ("x", "y", "longitude", "latitude"))))
    if not points or any(len(each.mapped) != len(labels) for each in strata):
        raise ValueError("strata without their classes")
    return ReferenceSample(str(told["key"]), labels, str(told["strata_by"]), int(told["seed"]), strata, tuple(points))
