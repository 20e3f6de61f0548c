"""Editing and sign-off: each returns a new report. An edit after signing takes the signature away."""

from __future__ import annotations

from dataclasses import replace

from core.errors import OutOfRange
from core.report.text import section_text, sections_of
from core.types import Report


def edit_section(report: Report, section: str, text: str) -> Report:
    """The report with `text` in place of the sentences of a section; the composed text itself takes an edit back.

    Raises OutOfRange for a section that the report does not have.
    """
    known = sections_of(report)
    if section not in known:
        raise OutOfRange("section", section, f"one of {', '.join(known)}")
    text = text.strip()
    others = {name: words for name, words in report.edited.items() if name != section}
    composed = section_text(replace(report, edited={}), section)
    edited = others if text == composed else {**others, section: text}
    if edited == dict(report.edited):
        return report
    return replace(report, edited=edited, signed_by="", signed_at="")


def sign(report: Report, name: str, at: str) -> Report:
    """The report signed off by `name` at `at` (ISO 8601). Raises OutOfRange for an empty name."""
    if not name.strip():
        raise OutOfRange("name", name, "the name of the person who signs")
    return replace(report, signed_by=name.strip(), signed_at=at)
