"""The report on a page: sections to read and edit, facts behind each sentence, sign-off, copy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html import escape

import streamlit as st

from core.report.editing import add_addendum, edit_section, sign
from core.report.language import language_of
from core.report.text import addendum_title, as_text, section_text, section_title, sections_of, signature
from core.types import Report, Sentence
from core.ui.widgets.bars import quiet
from core.ui.widgets.copy import copy_button
from core.ui.widgets.drafts import ADDENDUM, Drafts, keep_typing, typed

FREEZES = "Freezes the report; what comes later is an addendum."
Keep = Callable[[Report], None]


def report_panel(report: Report, keep: Keep, drafts: Drafts, key: str, *, waits_for: str = "") -> None:
    """Draw the report, to be read, edited, signed, and copied. key: Streamlit's key of this report on the page.

    keep: told the report as the user left it. drafts: what stands in its fields.
    waits_for: what is still being made for it, "" for nothing: signing would freeze the report without it.
    """
    keep_typing(f"{key}.typing")
    if report.signed_by:
        st.html(f'<p class="signed">{escape(signature(report))}</p>')
    else:
        quiet(signature(report))
    for section in sections_of(report):
        report = _section(report, section, f"{key}.{section}")
    keep(report)
    changed = _addenda(report, drafts, key) if report.signed_by else _sign_off(report, drafts, key, waits_for)
    if changed is not None:
        keep(changed)
        st.rerun()
    copy_button("Copy report", as_text(report), f"{key}.copy")


def _section(report: Report, section: str, key: str) -> Report:
    head, tool = st.columns([3, 1], vertical_alignment="center")
    head.markdown(f"##### {section_title(report, section)}")
    if report.signed_by or not tool.toggle("Edit", value=section in report.edited, key=f"{key}.editing"):
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


def _sign_off(report: Report, drafts: Drafts, key: str, waits_for: str) -> Report | None:
    """The report once it is signed."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = typed("Signed by", drafts, f"{key}.name", placeholder="Your name")
        is_asked = st.button("Sign off", key=f"{key}.sign", disabled=bool(waits_for), help=FREEZES)
    if waits_for:
        quiet(f"It can be signed once {waits_for} is there, or was cancelled.")
    if is_asked and not name.strip():
        quiet("Write your name first: a report is signed by a person.")
    return sign(report, name, _now()) if is_asked and name.strip() else None


def _addenda(report: Report, drafts: Drafts, key: str) -> Report | None:
    """What was added after signing, and the report once something more is."""
    quiet("It is frozen; what comes later is an addendum.")
    for addendum in report.addenda:
        lines = "".join(f"<p>{escape(line)}</p>" for line in addendum.text.splitlines() if line.strip())
        st.html(f'<div class="report"><p class="quiet">{escape(addendum_title(report, addendum))}</p>{lines}</div>')
    fields = f"{key}.{len(report.addenda)}"
    text = typed("Addendum", drafts, fields + ADDENDUM, is_long=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = typed("Written by", drafts, f"{fields}.author", first=report.signed_by)
        is_asked = st.button("Add", key=f"{key}.add")
    if is_asked and text.strip() and name.strip():
        drafts.pop(fields + ADDENDUM)
        return add_addendum(report, text, name, _now())
    if is_asked:
        quiet("An addendum needs a text, and the name of the person who writes it.")
    return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
