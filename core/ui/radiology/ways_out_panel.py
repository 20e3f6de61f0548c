"""What can be done with slices that are no volume, as buttons; each way can be taken back."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.readers.dicom.ways_out import Offer, WayOut, taken, ways_out
from core.report.notices import say
from core.types import Notice, Study
from core.ui.radiology.page_state import Opening, RadiologyState, put_in_place
from core.ui.state.session import Session
from core.ui.widgets.bars import quiet
from core.ui.widgets.words import counted

WRITTEN = "The report of these slices was edited or signed: it would no longer be of what is shown."


def ways_out_panel(session: Session, state: RadiologyState) -> None:
    """Why the image in view is no volume and what can be done, folded; nothing where there is nothing to choose."""
    opening = state.opening
    if opening.whole is not None:
        _taken_back(session, state, opening)
    if not isinstance(opening.image, Study):
        return
    offers = ways_out(opening.image)
    if not offers:
        return
    with st.expander(f"No volume: {_reason(opening.image)}", key="radiology.ways"):
        for offer in offers:
            if offer.way is WayOut.SLICES:
                quiet("They are shown, and read, as single slices. Lengths across slices mean nothing then.")
                continue
            is_written = _is_written(opening)
            st.button(
                way_words(offer), key=f"radiology.way.{offer.way}", disabled=is_written, help=WRITTEN if is_written else None,
                on_click=partial(_take, session, state, opening, offer.way),
            )  # fmt: skip


def way_words(offer: Offer) -> str:
    """ "Leave out 1 slice that lies where another does"."""
    out = counted(offer.left_out, "slice")
    if offer.way is WayOut.DUPLICATES:
        return f"Leave out {out} that {'lies' if offer.left_out == 1 else 'lie'} where another does"
    if offer.way is WayOut.STRAYS:
        left = counted(len(offer.parts[0]), "slice")
        return f"Leave out {out} that {'does' if offer.left_out == 1 else 'do'} not fit (a localizer, or behind a gap): {left} are left"
    return f"Split by kernel: {' + '.join(str(len(part)) for part in offer.parts)} slices"


def _reason(study: Study) -> str:
    told = next((one["reason"] for one in study.assumptions if one.code == "dicom.no-volume"), None)
    return say(told) if isinstance(told, Notice) else "the file does not place its slices at even distances"


def _is_written(opening: Opening) -> bool:
    return opening.is_unsigned or opening.signed is not None


def _take(session: Session, state: RadiologyState, opening: Opening, way: WayOut) -> None:
    assert isinstance(opening.image, Study)
    whole = opening.whole or opening.image
    new = tuple(Opening(part, opening.folder, whole=whole) for part in taken(opening.image, way))
    put_in_place(session, state, (opening,), new)


def _taken_back(session: Session, state: RadiologyState, opening: Opening) -> None:
    parts = tuple(one for one in state.openings if one.whole is opening.whole)
    is_written = any(_is_written(part) for part in parts)
    assert opening.whole is not None
    st.button(
        "Show all slices again", key="radiology.whole", type="tertiary", disabled=is_written, help=WRITTEN if is_written else None,
        on_click=partial(put_in_place, session, state, parts, (Opening(opening.whole, opening.folder),)),
    )  # fmt: skip
