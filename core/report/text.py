"""A report as plain text, and its parts in the order in which they are read."""

from __future__ import annotations

from datetime import datetime

from core.report.language import language_of
from core.types import WARN_OUTSIDE_SHARE, Addendum, Report, Sentence

_WARNING = "warning."
"""Facts whose names begin so are warnings."""
SECTIONS = {
    "image": ("technique", "findings", "explanation", "limits"),
    "map": ("findings", "technique", "limits"),
    "change": ("findings", "technique", "limits"),
    "accuracy": ("findings", "technique", "limits"),
    "series": ("findings", "technique", "limits"),
}
"""Radiologists read technique before findings; of a scene the findings, and their warning, come first."""


def sections_of(report: Report) -> tuple[str, ...]:
    """The sections that the report has, in reading order."""
    held = {sentence.section for sentence in report.sentences} | set(report.edited)
    return tuple(name for name in SECTIONS[report.kind] if name in held)


def section_text(report: Report, section: str) -> str:
    """The sentences of a section, one a line, or the user's own wording of it."""
    if section in report.edited:
        return report.edited[section]
    return "\n".join(sentence.text for sentence in report.sentences if sentence.section == section)


def is_warning(report: Report, sentence: Sentence) -> bool:
    """Whether a sentence says that the model does not know what it was given, or what else to know first: shown apart from the others."""
    if sentence.text == report.withheld or "outside.is_outside" in sentence.facts:
        return True
    if any(fact_id.startswith(_WARNING) for fact_id in sentence.facts):
        return True
    return "map.outside_share" in sentence.facts and float(report.fact("map.outside_share").value) > WARN_OUTSIDE_SHARE  # type: ignore[arg-type]


def warnings_of(report: Report) -> tuple[str, ...]:
    """What is said before any result, in the order of the report."""
    return tuple(sentence.text for sentence in report.sentences if is_warning(report, sentence))


def headline(report: Report) -> str:
    """The one sentence that stands for all: the first of the findings that is no warning, or what stands in its place."""
    found = (sentence.text for sentence in report.sentences if sentence.section == "findings" and not is_warning(report, sentence))
    return report.withheld or next(found, "")


def section_title(report: Report, section: str) -> str:
    """The heading of a section in the report's language."""
    return language_of(report.language).sections[section]


def moment(at: str) -> str:
    """An ISO 8601 time as people write it, "2025-03-01 12:00 UTC"; anything else as it is."""
    try:
        time = datetime.fromisoformat(at)
    except ValueError:
        return at
    return f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}".strip()


def signature(report: Report) -> str:
    """Who signed and when, or that nobody did."""
    words = language_of(report.language).words
    if not report.signed_by:
        return words["unsigned"]
    return words["signed"].format(name=report.signed_by, at=moment(report.signed_at))


def addendum_title(report: Report, addendum: Addendum) -> str:
    """ "Addendum by R. Reader, 2025-03-01 12:00 UTC"."""
    return language_of(report.language).words["addendum"].format(name=addendum.by, at=moment(addendum.at))


def as_text(report: Report) -> str:
    """The whole report for the clipboard: plain text, sections under their headings, sign-off at the head, edits marked, addenda last."""
    words = language_of(report.language).words
    blocks = [f"{report.title}\n{words['intended_use']}\n{signature(report)}"]
    for section in sections_of(report):
        mark = f"\n[{words['edited']}]" if section in report.edited else ""
        blocks.append(f"{section_title(report, section).upper()}{mark}\n{section_text(report, section)}")
    blocks.append(words["created"].format(at=moment(report.created)))
    blocks += [f"{addendum_title(report, addendum).upper()}\n{addendum.text}" for addendum in report.addenda]
    return "\n\n".join(blocks) + "\n"
