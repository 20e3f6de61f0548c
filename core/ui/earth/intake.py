"""The Earth page with nothing on it: everything that could be opened."""

from __future__ import annotations

import streamlit as st

from core.ui.earth.page_state import PAGE
from core.ui.state.errors import show_error
from core.ui.state.session import Session
from core.ui.widgets.bars import quiet
from core.ui.widgets.intake import SamplePair, Wanted, drop_zone, place_field, public_samples, sample_tiles

PAIRS = (
    SamplePair(
        "One place, two dates",
        "A wildfire in California, 2024: the burned area, by the fall of NBR; its mapped perimeter holds 387 ha",
        ("wildfire-before", "wildfire-after"),
    ),
    SamplePair("One place, two dates (synthetic)", "A drawn place: mapped, compared, and measured", ("earth-before", "earth-after")),
)


def empty_state(session: Session) -> Wanted | None:
    """What the user wants opened, once they said so."""
    task = PAGE.arrival(session)
    if task.failed:
        show_error(task.failed)
    left, right = st.columns([2, 1], gap="large")
    with left:
        st.markdown("#### Open one date or several")
        wanted = drop_zone("Drop GeoTIFF files, or products as zip or tar; nothing leaves this machine", "earth.upload")
        quiet(
            "Products come as they are: Sentinel-2 (.SAFE as folder or zip, EOPF Zarr as folder), Landsat Collection 2 (.tar). "
            "Bands of one scene may lie in a file each: name them as the provider does (…_B04.tif), and they are put together."
        )
        wanted = place_field(session, "earth") or wanted
        wanted = public_samples(session, ("geotiff",), "earth") or wanted
    with right:
        st.markdown("#### Try one of these")
        return sample_tiles("geotiff", "earth", pairs=PAIRS) or wanted
