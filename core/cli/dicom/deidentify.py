"""`sightline deidentify`: copies of DICOM files that name nobody."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.options import Json, Out, Paths
from core.cli.output import about, print_json, print_line, say_aside
from core.errors import NotFound
from core.report.notices import say_all


def deidentify(
    paths: Paths,
    out: Out,
    dates: Annotated[bool, typer.Option("--shift-dates", help="Keep dates, moved by one number of days a patient; times stay.")] = False,
    descriptors: Annotated[
        bool, typer.Option("--clean-descriptors", help="Keep the words of the field in descriptions, drop the others.")
    ] = False,
    patient: Annotated[
        bool, typer.Option("--pseudonyms", help="A pseudonym in place of patient ID and name, the same for all of a patient.")
    ] = False,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            "--mask", metavar="LEFT,TOP,WIDTH,HEIGHT", help="Pixels made black in every frame; may be repeated. You confirm by it."
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Write a copy of each DICOM file by the Basic Profile of PS3.15, edition 2026c, under its new UID.

    UIDs are replaced by the site's key (SIGHTLINE_SITE_KEY, or one kept in SIGHTLINE_HOME), so that references between files hold.
    Where letters may stand in the pixels, that is told; nothing is masked by itself.
    """
    from core.cli.sources import files_of, workspace
    from core.deidentify.profile import ProfileOptions
    from core.deidentify.pseudonyms import site_pseudonyms
    from core.export.staging import staged
    from core.workflows.dicom.deidentify import deidentify_files

    regions = [_region(text) for text in mask or ()]
    options, pseudonyms = ProfileOptions(dates, descriptors, patient), site_pseudonyms()
    with workspace() as work, staged(out) as folder:
        found = list(deidentify_files(files_of(paths, work), folder, pseudonyms, options, regions))
    if not found:
        raise NotFound(f"{', '.join(paths)}: no files.", "Give DICOM files, or folders or zip archives that hold some.")
    for one in found:
        warnings = say_all(one.warnings)
        for sentence in warnings:
            say_aside(f"{one.label}: {sentence}")
        if one.error is not None:
            say_aside(about(one.label, one.error))
        if as_json:
            told = {"file": out / one.file, "cleaned": one.tags, "warnings": warnings, "letters": one.letters}
            print_json({"path": one.label, **({"error": one.error.as_json()} if one.error else told)})
        elif one.error is None:
            print_line(f"{one.label}: {out / one.file}")
    return 0 if any(one.error is None for one in found) else 2


def _region(text: str) -> tuple[float, float, float, float]:
    from core.errors import OutOfRange

    try:
        left, top, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise OutOfRange("--mask", text, "four numbers with commas between them, for example 0,0,200,40") from None
    return left, top, width, height
