"""The report on a page: sections to read and edit, facts behind each sentence, sign-off, copy."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import OutOfRange
from core.report.editing import edit_section, sign
from core.report.language import language_of
from core.report.text import as_text, section_text, section_title, sections_of, signature
from core.types import Report, Sentence
from core.ui.widgets.bars import quiet
from core.ui.widgets.copy import copy_button


def report_panel(report: Report, key: str) -> Report:
    """Draw the report; returns it as the user left it. key: Streamlit's key of this report on the page."""
    for section in sections_of(report):
        report = _section(report, section, f"{key}.{section}")
    return _sign_and_copy(report, key)


def _section(report: Report, section: str, key: str) -> Report:
    head, tool = st.columns([3, 1], vertical_alignment="center")
    head.markdown(f"##### {section_title(report, section)}")
    if not tool.toggle("Edit", key=f"{key}.editing"):
        _read(report, section)
        return report
    # A field belongs to the sentences that it was opened with: where these change, what was typed over the old ones is no edit of the new.
    composed = section_text(replace(report, edited={}), section)
    field = f"{key}.{hashlib.sha256(composed.encode()).hexdigest()[:8]}"
    text = st.text_area(
        section_title(report, section), section_text(report, section), key=field, label_visibility="collapsed", height="content"
    )
    return edit_section(report, section, text)


def _read(report: Report, section: str) -> None:
    if section in report.edited:
        lines = "".join(f"<p>{escape(line)}</p>" for line in report.edited[section].splitlines() if line.strip())
        mark = escape(language_of(report.language).words["edited"])
        st.html(f'<div class="report">{lines}<p class="quiet">{mark}</p></div>')
        return
    spoken = [sentence for sentence in report.sentences if sentence.section == section]
    st.html(f'<div class="report">{"".join(_sentence(report, sentence) for sentence in spoken)}</div>')


def _sentence(report: Report, sentence: Sentence) -> str:
    """A sentence whose facts appear when it is pointed at or focused."""
    language = language_of(report.language)
    cited = [report.fact(fact_id) for fact_id in sentence.facts]
    rows = "".join(
        f"<span>{escape(fact.id)}</span><span>{escape(language.write(fact))}</span><span>{escape(fact.source)}</span>" for fact in cited
    )
    facts = f'<span class="cites" role="note">{rows}</span>' if rows else ""
    return f'<p tabindex="0">{escape(sentence.text)}{facts}</p>'


def _sign_and_copy(report: Report, key: str) -> Report:
    state, form, copy = st.container(), st.empty(), st.container()
    if not report.signed_by:
        report = _sign(report, key, form)
    if report.signed_by:
        form.empty()
    with state:
        quiet(signature(report))
    with copy:
        copy_button("Copy report", as_text(report), f"{key}.copy")
    return report


def _sign(report: Report, key: str, place: DeltaGenerator) -> Report:
    with place.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Signed by", key=f"{key}.name", placeholder="Your name")
        is_asked = st.button("Sign off", key=f"{key}.sign")
    if not is_asked:
        return report
    try:
        return sign(report, name, datetime.now(UTC).isoformat(timespec="seconds"))
    except OutOfRange:
        quiet("Write your name first: a report is signed by a person.")
        return report
