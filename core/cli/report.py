"""`sightline report`: prediction, explanation and measurements of each image as a report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.options import Bands, Json, LanguageOption, Model, Offset, Out, Paths, Scale, scene_options
from core.cli.output import Assumptions, about, print_json, print_line, say_aside
from core.cli.predict import prediction_values
from core.cli.progress import Ticker
from core.errors import NotFound, SightlineError
from core.report.headline import headline_words
from core.report.notices import say_all

if TYPE_CHECKING:
    from core.readers import SceneOptions
    from core.sources import Source, Unusable
    from core.types import Prediction
    from core.workflows.report_files import ImageReport


def report(
    paths: Paths,
    model: Model,
    out: Out,
    language: LanguageOption = "en",
    bands: Bands = "",
    scale: Scale = None,
    offset: Offset = None,
    as_json: Json = False,
) -> int:
    """Write report.md, report.pdf and report.json into DIR; of several images, each into a folder of its own there."""
    from core.cli.sources import files_of, workspace
    from core.export.staging import check_writable
    from core.inference.engine import engine_for
    from core.report.language import language_of

    language_of(language)
    options = scene_options(bands, scale, offset)
    check_writable(out)
    knows = engine_for(model).model.card.knows
    assumptions, told = Assumptions(), []
    with workspace() as work:
        items = list(files_of(paths, work))
        if not items:
            raise NotFound(f"{', '.join(paths)}: no files.", "Give images, or folders or zip archives that hold some.")
        folders = [out] if len(items) == 1 else [out / name for name in folder_names([item.label for item in items])]
        for item, folder in zip(items, folders, strict=True):
            made_of = _report(item, model, folder, language, options)
            told.append({"path": item.label, **_tell(item.label, made_of, folder, knows, assumptions, is_silent=as_json)})
    if as_json:
        print_json({"reports": told})
    return 0 if any("error" not in one for one in told) else 2


def folder_names(labels: list[str]) -> list[str]:
    """A name for each file, unlike all others whatever the file system thinks of capitals, that no file system minds."""
    names: list[str] = []
    for label in labels:
        name = re.sub(r"[^\w.-]", "_", Path(label).name).strip(".") or "image"
        taken, number, chosen = {other.lower() for other in names}, 2, name
        while chosen.lower() in taken:
            chosen, number = f"{name}-{number}", number + 1
        names.append(chosen)
    return names


def _report(item: Source | Unusable, model: str, folder: Path, language: str, options: SceneOptions) -> ImageReport | SightlineError:
    """The report of one file, or why there is none. Raises where the fault is not the file's."""
    from core.readers import read_image
    from core.sources import Source
    from core.workflows.faults import our_fault
    from core.workflows.report_files import report_image

    try:
        if not isinstance(item, Source):
            return item.error
        image = read_image(item.path, options=options)
        with Ticker("passes") as ticker:
            return report_image(image, model, folder, language, ticker)
    except SightlineError as error:
        if error.exit_status != 2:
            raise
        return error
    except (ArithmeticError, LookupError, OSError, TypeError, ValueError) as error:  # of one file; the others go on
        return our_fault(error)


_OF_AN_ANSWER = ("probabilities", "set", "parents", "heads", "candidates", "expected_false", "highest")
"""What a report says of an answer, and nothing of a refused image, so that its hidden label stays hidden."""


def _told(prediction: Prediction, knows: str) -> dict[str, Any]:
    told = prediction_values(prediction, knows)
    return {name: None if prediction.outside.is_outside and name in _OF_AN_ANSWER else value for name, value in told.items()}


def _tell(
    label: str, result: ImageReport | SightlineError, folder: Path, knows: str, assumptions: Assumptions, *, is_silent: bool
) -> dict[str, Any]:
    if isinstance(result, SightlineError):
        say_aside(about(label, result))
        return {"error": result.as_json()}
    assumptions.tell(label, say_all(result.prediction.assumptions))
    if not is_silent:
        print_line(f"{label}: {headline_words(result.prediction, knows)}; {folder / 'report.pdf'}")
    return {**_told(result.prediction, knows), "folder": folder, "files": result.files}
