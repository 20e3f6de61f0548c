"""`sightline volume`: the geometry of each series, or why it is no volume."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.options import Json, WayOutOption, way_out_of
from core.cli.output import about, print_json, print_line, say_aside
from core.errors import NotFound


def volume(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A folder or a zip archive with the files of one or more series.")],
    way_out: WayOutOption = "",
    as_json: Json = False,
) -> int:
    """Tell slices, spacing and orientation of each series; of one that is no volume, why, and what can be done."""
    from core.cli.sources import files_of, workspace
    from core.workflows.dicom.volumes import series_geometry

    with workspace() as work:
        found = list(series_geometry(files_of([folder], work), way_out_of(way_out)))
    if not found:
        raise NotFound(f"{folder} holds no DICOM images.", "Give the folder of a series.")
    for one in found:
        if one.error is not None:
            say_aside(about(one.label, one.error))
        if as_json:
            told = {"shape": one.shape, "spacing_mm": one.spacing_mm, "orientation": one.orientation}
            kind = {"kernel": one.kernel or None, "thickness_mm": one.thickness_mm}
            failed = {"error": one.error and one.error.as_json(), "ways_out": one.ways_out}
            print_json({"path": one.label, **(failed if one.error else told), **kind})
        elif one.shape is not None and one.spacing_mm is not None:
            sides = " x ".join(f"{side:g}" for side in one.spacing_mm)
            kernel = f", kernel {one.kernel}" if one.kernel else ""
            print_line(f"{one.label}: {one.shape[0]} slices of {one.shape[1]} x {one.shape[2]} pixels, {sides} mm{kernel}")
    return 0 if any(one.error is None for one in found) else 2
