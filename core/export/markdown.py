"""report.md: the report for a text editor, its pictures as PNG files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from core.report.language import language_of
from core.report.tables import Table, tables_of
from core.report.text import addendum_title, moment, section_text, section_title, sections_of, signature
from core.types import Addendum, Report

MEANINGFUL = "\\`*_{}[]<>#|"
"""Characters that Markdown would read as marks; they come from file names and from what a user typed."""


def write(report: Report, path: Path, pictures: Sequence[tuple[str, NDArray[np.uint8]]] = ()) -> None:
    """Write `path`, and each picture as <stem>-<number>.png beside it.

    pictures: (caption, uint8 [rows, columns, 3]) in the order in which they are shown.
    """
    names = []
    for number, (caption, pixels) in enumerate(pictures, start=1):
        file = path.with_name(f"{path.stem}-{number}.png")
        PillowImage.fromarray(pixels).save(file)
        names.append((caption, file.name))
    path.write_text(as_markdown(report, names), encoding="utf-8")


def as_markdown(report: Report, pictures: Sequence[tuple[str, str]] = ()) -> str:
    """The report as Markdown. pictures: (caption, file name)."""
    words = language_of(report.language).words
    blocks = [f"# {_plain(report.title)}", f"**{words['intended_use']}**", f"**{_plain(signature(report))}**"]
    blocks += [_section(report, section) for section in sections_of(report)]
    blocks += [f"![{_plain(caption)}]({name})\n\n*{_plain(caption)}*" for caption, name in pictures]
    blocks += [f"## {table.title}\n\n{_table(table)}" for table in tables_of(report)]
    blocks += [f"## {words['facts']}\n\n{_facts(report)}"]
    blocks += [_plain(words["created"].format(at=moment(report.created)))]
    blocks += [_addendum(report, addendum) for addendum in report.addenda]
    return "\n\n".join(blocks) + "\n"


def _section(report: Report, section: str) -> str:
    heading = f"## {section_title(report, section)}"
    lines = section_text(report, section).splitlines()
    if section in report.edited:
        mark = language_of(report.language).words["edited"]
        return "\n\n".join([heading, f"*{mark}*", *(_plain(line) for line in lines if line.strip())])
    return "\n\n".join([heading, "\n".join(f"- {_plain(line)}" for line in lines)])


def _addendum(report: Report, addendum: Addendum) -> str:
    lines = [_plain(line) for line in addendum.text.splitlines() if line.strip()]
    return "\n\n".join([f"## {_plain(addendum_title(report, addendum))}", *lines])


def _table(table: Table) -> str:
    return _grid(table.columns, table.rows)


def _facts(report: Report) -> str:
    language = language_of(report.language)
    return _grid(("id", "value", "source"), [(fact.id, language.write(fact), fact.source) for fact in report.facts])


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell if cell == '---' else _plain(cell) for cell in line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{letter}" if letter in MEANINGFUL else letter for letter in text.replace("\n", " "))
