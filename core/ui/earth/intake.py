"""The Earth page with nothing on it: everything that could be opened."""

from __future__ import annotations

import streamlit as st

from core.errors import SightlineError
from core.sources import bundled
from core.ui.earth.page_state import PAGE
from core.ui.state.errors import show_error
from core.ui.state.session import Session
from core.ui.widgets.bars import quiet
from core.ui.widgets.intake import Wanted, drop_zone, place_field, public_samples, sample_tiles, wanted_of
from core.ui.widgets.thumbnails import thumbnail

PAIR = ("earth-before", "earth-after")


def empty_state(session: Session) -> Wanted | None:
    """What the user wants opened, once they said so."""
    task = PAGE.arrival(session)
    if task.failed:
        show_error(task.failed)
    left, right = st.columns([2, 1], gap="large")
    with left:
        st.markdown("#### Open one date or several")
        wanted = drop_zone("Drop GeoTIFF files or a zip; nothing leaves this machine", "earth.upload")
        quiet("Bands of one scene may lie in a file each: name them as the provider does (…_B04.tif), and they are put together.")
        wanted = place_field(session, "earth") or wanted
        wanted = public_samples(session, ("geotiff",), "earth") or wanted
    with right:
        st.markdown("#### Try one of these")
        wanted = _pair_tile() or wanted
        return sample_tiles("geotiff", "earth") or wanted


def _pair_tile() -> Wanted | None:
    """Both dates of the bundled place at once."""
    try:
        samples = [sample for sample in bundled() if sample.id in PAIR]
    except SightlineError:
        return None
    with st.container(key="pick-earth-pair", horizontal=True, vertical_alignment="center"):
        picture = thumbnail([sample.local for sample in samples if sample.local])
        if picture:
            st.image(picture, width=120, alt="One place at two dates")
        with st.container():
            is_asked = st.button("One place, two dates (synthetic)", key="earth.sample.pair", type="tertiary")
            quiet("Both scenes below: mapped, compared, and measured.")
    return wanted_of(*samples) if is_asked else None
