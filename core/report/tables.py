"""Tables of a report, read from its facts: `class.3.hectares` is the column hectares of row 3 of the table class."""

from __future__ import annotations

from dataclasses import dataclass

from core.report.language import Language, language_of
from core.types import Fact, Report, Sentence

TITLE, COLUMNS = "title", "columns"
"""Of a table in the language file; columns: the group of facts that are headings too."""
EMPTY = "\N{EN DASH}"


@dataclass(frozen=True)
class Table:
    """group: which facts it holds. columns: headings. cells: the facts by row, None where a row lacks one. rows: the same in words."""

    group: str
    title: str
    columns: tuple[str, ...]
    cells: tuple[tuple[Fact | None, ...], ...]
    rows: tuple[tuple[str, ...], ...]


def tables_of(report: Report) -> tuple[Table, ...]:
    """Every table that the report's facts fill, in the order of the language file."""
    made = (_table(report, group) for group in language_of(report.language).tables)
    return tuple(table for table in made if table.rows)


def is_told_by_table(sentence: Sentence, tables: tuple[Table, ...]) -> bool:
    """Whether a sentence says nothing but one row of a table."""
    rows = {fact_id.rpartition(".")[0] for fact_id in sentence.facts}
    return len(rows) == 1 and rows.pop().partition(".")[0] in {table.group for table in tables}


def _headings(report: Report, language: Language, group: str) -> dict[str, str]:
    """Columns "1", "2", ... that are called by the labels of a group of facts."""
    named = {fact.id.split(".")[1]: fact for fact in report.facts if fact.id.startswith(f"{group}.") and fact.id.endswith(".label")}
    return {number: language.write(fact) for number, fact in named.items()}


def _table(report: Report, group: str) -> Table:
    language = language_of(report.language)
    known = {fact.id: fact for fact in report.facts if fact.id.startswith(f"{group}.")}
    numbers = sorted({int(fact_id.split(".")[1]) for fact_id in known})
    headings = {name: heading for name, heading in language.tables[group].items() if name not in (TITLE, COLUMNS)}
    if COLUMNS in language.tables[group]:
        headings |= _headings(report, language, language.tables[group][COLUMNS])
    used = [name for name in headings if any(f"{group}.{number}.{name}" in known for number in numbers)]
    cells = tuple(tuple(known.get(f"{group}.{number}.{name}") for name in used) for number in numbers)
    rows = tuple(tuple(language.write(fact) if fact else EMPTY for fact in row) for row in cells)
    return Table(group, language.tables[group][TITLE], tuple(headings[name] for name in used), cells, rows)
