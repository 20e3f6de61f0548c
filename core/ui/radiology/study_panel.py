"""The Study tab: the header that was kept, the geometry, and what had to be assumed."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.report.notices import say
from core.types import Picture, Study
from core.ui.radiology.study_facts import geometry_words, image_facts, kept_header
from core.ui.widgets.bars import facts, quiet
from core.ui.widgets.intake import origin_words


def _file(image: Study | Picture) -> Path | None:
    if isinstance(image, Picture):
        return image.source
    return image.sources[0] if image.sources else None


def study(image: Study | Picture) -> None:
    """The header that was kept, and the geometry."""
    facts([*image_facts(image), ("Origin", origin_words(_file(image)))])
    if isinstance(image, Study):
        quiet(geometry_words(image))
        with st.expander("Everything that was kept of the header"):
            facts(kept_header(image))
        quiet("Names, numbers, dates and every other attribute of the file were dropped when it was read.")
    for assumption in image.assumptions:
        quiet(say(assumption))
