"""`sightline assess`: areas and accuracy of a map, with intervals, from the labels of its sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.accuracy.sample import MapDir
from core.cli.options import Json, LanguageOption, Out
from core.cli.output import print_json, print_line

Labels = Annotated[
    list[Path],
    typer.Option("--labels", metavar="FILE", help="GeoPackage or CSV with the columns id and label; a second one for a second rater."),
]


def assess_map(folder: MapDir, labels: Labels, out: Out, language: LanguageOption = "en", as_json: Json = False) -> None:
    """Write accuracy.json, areas.csv, error_matrix.csv, labelled_points.csv and the report into DIR."""
    from core.export.staging import check_writable
    from core.report.language import language_of
    from core.report.text import section_text
    from core.workflows.accuracy.assess import as_accuracy_json, assess_files
    from core.workflows.accuracy.result import open_result

    language_of(language)
    check_writable(out)
    assessed = assess_files(open_result(folder), labels, out, language)
    if as_json:
        return print_json({"path": folder, **as_accuracy_json(assessed.result), "report": assessed.files})
    for line in section_text(assessed.report, "findings").splitlines():
        print_line(line)
    return print_line(f"The assessment is in {out}.")
