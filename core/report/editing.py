"""Editing, sign-off and addenda: each returns a new report. Signing freezes the report; what comes later is an addendum."""

from __future__ import annotations

from dataclasses import replace

from core.errors import OutOfRange, ReportSigned
from core.report.text import section_text, sections_of
from core.types import Addendum, Report


def edit_section(report: Report, section: str, text: str) -> Report:
    """The report with `text` in place of the sentences of a section; the composed text itself takes an edit back.

    Raises OutOfRange for a section that the report does not have, ReportSigned where the text of a signed report would change.
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
    if report.signed_by:
        raise ReportSigned(f"The report was signed by {report.signed_by} and is not changed any more.", "Write an addendum.")
    return replace(report, edited=edited)


def sign(report: Report, name: str, at: str) -> Report:
    """The report signed off by `name` at `at` (ISO 8601). Raises OutOfRange for an empty name, ReportSigned for a second signature."""
    if not name.strip():
        raise OutOfRange("name", name, "the name of the person who signs")
    if report.signed_by:
        raise ReportSigned(f"The report was signed by {report.signed_by} already.", "Write an addendum.")
    return replace(report, signed_by=name.strip(), signed_at=at)


def add_addendum(report: Report, text: str, name: str, at: str) -> Report:
    """The signed report with an addendum by `name` at `at` (ISO 8601) behind those that it has.

    Raises OutOfRange for an empty text or name, and for a report that is not signed: that one can still be edited.
    """
    for field, value in (("addendum", text), ("name", name)):
        if not value.strip():
            raise OutOfRange(field, value, "a few words")
    if not report.signed_by:
        raise OutOfRange("addendum", text, "an addendum to a signed report; this one can still be edited")
    return replace(report, addenda=(*report.addenda, Addendum(text.strip(), name.strip(), at)))
