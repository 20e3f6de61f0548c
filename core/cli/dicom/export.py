"""`sightline export`: an answer as objects of DICOM, for the study that the image came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.options import Json, Model, OnePath, Out
from core.cli.output import Assumptions, about, print_json, print_line, say_aside
from core.errors import NotFound, OutOfRange, SightlineError
from core.report.notices import say_all


def export(
    path: OnePath,
    model: Model,
    out: Out,
    kind: Annotated[
        str,
        typer.Option("--format", metavar="sr|seg|pm|pr|sc|pdf", help="Report, regions, parametric map, presentation state, pictures, PDF."),
    ],
    research: Annotated[bool, typer.Option("--research", help="Pseudonyms in place of everything that identifies, UIDs included.")] = False,
    as_json: Json = False,
) -> int:
    """Write the answer to an image, or to each series of a folder, as DICOM objects in a new series of the source's study.

    Patient and study are those of the source, so that a PACS files it there.
    """
    from core.cli.sources import files_of, workspace
    from core.deidentify.pseudonyms import site_pseudonyms
    from core.export.staging import staged
    from core.workflows.dicom.export import OBJECT_KINDS
    from core.workflows.dicom.export_files import export_files

    if kind not in OBJECT_KINDS:
        raise OutOfRange("--format", kind, f"one of {', '.join(OBJECT_KINDS)}")
    pseudonyms = site_pseudonyms() if research else None
    told = Assumptions()
    with workspace() as work, staged(out) as folder:
        found = list(export_files(files_of([path], work), model, kind, folder, pseudonyms))
    if not found:
        raise NotFound(f"{path} holds no files.", "Give a DICOM file, or the folder of a series.")
    for one in found:
        if one.error is not None:
            _tell_error(one.label, one.error, as_json)
            continue
        assert one.prediction is not None
        told.tell(one.label, say_all(one.prediction.assumptions))
        if one.prediction.outside.is_outside:
            say_aside(f"{one.label}: outside what the model knows; the object says so.")
        for name in one.files:
            _tell_file(one.label, kind, out / name, as_json)
    return 0 if any(one.error is None for one in found) else 2


def _tell_file(label: str, kind: str, file: Path, as_json: bool) -> None:
    if as_json:
        print_json({"path": label, "format": kind, "file": file})
    else:
        print_line(f"{label}: {file}")


def _tell_error(label: str, error: SightlineError, as_json: bool) -> None:
    say_aside(about(label, error))
    if as_json:
        print_json({"path": label, "error": error.as_json()})
