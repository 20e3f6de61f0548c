"""Editing and sign-off of a report."""

from __future__ import annotations

import pytest

from core.errors import OutOfRange, ReportSigned
from core.report.editing import add_addendum, edit_section, sign
from core.report.image import image_report
from core.report.text import as_text, section_text, sections_of
from core.types import Report
from tests.unit.report import examples as ex


@pytest.fixture
def report() -> Report:
    return image_report(ex.study(), ex.prediction(), ex.explanation(), ex.CHEST_MODEL, created=ex.NOON)


def test_an_edit_replaces_the_sentences_and_is_marked(report: Report) -> None:
    edited = edit_section(report, "findings", "Consolidation in the right lower zone.")
    assert section_text(edited, "findings") == "Consolidation in the right lower zone."
    assert "Edited by hand" in as_text(edited)
    assert "Bacterial pneumonia: 0.83" not in as_text(edited)
    assert edited.sentences == report.sentences
    assert not report.edited


def test_a_signed_report_is_not_changed_any_more(report: Report) -> None:
    signed = sign(report, "R. Reader", ex.NOON)
    assert "Signed by R. Reader, 2025-03-01 12:00 UTC." in as_text(signed).splitlines()[2]
    assert "Draft, not signed." in as_text(report).splitlines()[2]
    with pytest.raises(ReportSigned, match="addendum"):
        edit_section(signed, "findings", "Other words.")
    with pytest.raises(ReportSigned, match="signed by"):
        sign(signed, "S. Second", ex.NOON)


def test_what_comes_after_signing_is_an_addendum_with_its_time(report: Report) -> None:
    signed = sign(report, "R. Reader", ex.NOON)
    added = add_addendum(signed, "The prior image was compared.", "S. Second", "2025-03-02T08:30:00+00:00")
    text = as_text(added)
    assert text.startswith(as_text(signed).rstrip())
    assert "ADDENDUM BY S. SECOND, 2025-03-02 08:30 UTC\nThe prior image was compared." in text
    with pytest.raises(OutOfRange, match="still be edited"):
        add_addendum(report, "Too early.", "S. Second", ex.NOON)
    with pytest.raises(OutOfRange, match="addendum"):
        add_addendum(signed, "  ", "S. Second", ex.NOON)


def test_saving_what_already_stands_keeps_the_signature(report: Report) -> None:
    signed = sign(report, "R. Reader", ex.NOON)
    assert edit_section(signed, "findings", section_text(signed, "findings")) == signed


def test_going_back_to_the_composed_words_takes_the_edit_back(report: Report) -> None:
    edited = edit_section(report, "findings", "Other words.")
    assert edit_section(edited, "findings", section_text(report, "findings")) == report


def test_a_section_that_is_not_there_and_an_empty_name_are_refused(report: Report) -> None:
    with pytest.raises(OutOfRange, match="technique, findings, explanation, limits"):
        edit_section(report, "impression", "x")
    with pytest.raises(OutOfRange, match="name"):
        sign(report, "  ", ex.NOON)


def test_plain_text_holds_every_section_and_the_line_on_use(report: Report) -> None:
    text = as_text(report)
    assert sections_of(report) == ("technique", "findings", "explanation", "limits")
    assert text.index("TECHNIQUE") < text.index("FINDINGS") < text.index("WHERE THE MODEL LOOKED") < text.index("LIMITS")
    assert text.splitlines()[1] == "Research and development use only. Not for clinical decisions."
    assert all(sentence.text in text for sentence in report.sentences)
