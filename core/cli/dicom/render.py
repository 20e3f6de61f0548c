"""`sightline render`: DICOM images as screens show them, as PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.options import Json, Out, Paths
from core.cli.output import about, print_json, print_line, say_aside
from core.errors import NotFound, OutOfRange

if TYPE_CHECKING:
    from core.types import Window


def render_(
    paths: Paths,
    out: Out,
    frame: Annotated[int, typer.Option("--frame", metavar="N", min=1, help="Frame of a multi-frame object, from 1.")] = 1,
    window: Annotated[
        tuple[float, float] | None,
        typer.Option("--window", metavar="CENTRE WIDTH", help="In units of the file (HU for CT), instead of the file's own window."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Write an 8-bit PNG of each DICOM image into DIR, at the size of its pixels. Nothing that names a person is taken off the picture."""
    from core.cli.sources import files_of, workspace
    from core.export.staging import staged
    from core.types import Window
    from core.workflows.render_files import render_files

    chosen = None if window is None else Window(*window)
    if chosen is not None and not chosen.width >= 1.0:
        raise OutOfRange("--window", f"{chosen.centre:g} {chosen.width:g}", "a width of at least 1")
    with workspace() as work, staged(out) as folder:
        found = list(render_files(files_of(paths, work), folder, frame - 1, chosen))
    if not found:
        raise NotFound(f"{', '.join(paths)}: no files.", "Give DICOM files, or folders or zip archives that hold some.")
    for one in found:
        if one.error is not None:
            say_aside(about(one.label, one.error))
        if as_json:
            told = (
                {"error": one.error.as_json()}
                if one.error
                else {"file": out / one.file, "frame": one.frame + 1, "window": _values(one.window)}
            )
            print_json({"path": one.label, **told})
        elif one.error is None:
            print_line(f"{one.label}: {out / one.file}")
    return 0 if any(one.error is None for one in found) else 2


def _values(window: Window | None) -> dict[str, Any] | None:
    return None if window is None else {"centre": window.centre, "width": window.width, "function": window.function}
