"""`sightline sample`: random points of a finished map, to be labelled without seeing the map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.options import Json
from core.cli.output import print_json, print_line, say_aside

MapDir = Annotated[Path, typer.Argument(metavar="MAPDIR", help="What `sightline map` or `sightline change` has written.")]


def sample_map(
    folder: MapDir,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.gpkg", help="Points for the raters; a CSV of that name comes beside it.")],
    interval: Annotated[
        float | None,
        typer.Option("--interval", metavar="SHARE", help="Half width of the 95 % interval of overall accuracy; 0.05 by default."),
    ] = None,
    points: Annotated[int | None, typer.Option("--points", metavar="N", help="So many points, in place of --interval.")] = None,
    strata: Annotated[
        str,
        typer.Option("--strata", metavar="BY", help="classes, change, buffer or zones; by default what the map is of."),
    ] = "",
    zones: Annotated[
        Path | None, typer.Option("--zones", metavar="FILE", help="Polygons (GeoPackage, GeoJSON or Shapefile), each a stratum.")
    ] = None,
    buffer: Annotated[
        int | None, typer.Option("--buffer", metavar="PIXELS", help="How far from change --strata buffer reaches; 3 by default.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed draws the same points.")] = 0,
    as_json: Json = False,
) -> None:
    """Write points with an empty column `label`, without strata and classes, which stay beside the map."""
    from core.workflows.accuracy.result import open_result
    from core.workflows.accuracy.sample import SampleWish, make_sample
    from core.workflows.accuracy.sample_files import check_new, write_sample

    found = open_result(folder)
    check_new(out)
    drawn = make_sample(found, SampleWish(interval, points, strata, zones, buffer, seed))
    geopackage, table, design = write_sample(drawn, found, out)
    if as_json:
        told = [
            {"name": each.name, "pixels": each.pixels, "hectares": each.hectares, "points": count}
            for each, count in zip(drawn.strata, drawn.points_drawn, strict=True)
        ]
        sizes = {"points": len(drawn.points), "strata_by": drawn.strata_by, "seed": drawn.seed, "labels": drawn.labels, "strata": told}
        return print_json({"path": folder, "file": geopackage, "csv": table, "design": design, "key": drawn.key, **sizes})
    print_line(f"{len(drawn.points):,} points in {len(drawn.strata)} strata.")
    for each, count in zip(drawn.strata, drawn.points_drawn, strict=True):
        print_line(f"{each.name}: {count:,} points, {each.hectares:,.1f} ha")
    print_line(f"Fill the column label of {geopackage} or {table} with one of: {', '.join(drawn.labels)}.")
    return say_aside(f"Strata and classes are in {design}; whoever labels should not see them.")
