"""The Explain page with nothing on it, and the place of the window in a scene."""

from __future__ import annotations

import streamlit as st

from core.prepare.grid.ground import pixel_metres
from core.render.scene import png, true_colour
from core.types import ModelInput, Scene
from core.ui.explain.page_state import PAGE, ExplainState
from core.ui.explain.pictures import fitted_height
from core.ui.state.errors import show_error
from core.ui.state.session import Session
from core.ui.viewer import Layer, Length, Show, view
from core.ui.widgets.bars import quiet
from core.ui.widgets.intake import Wanted, drop_zone, place_field, public_samples, sample_tiles

LOCATOR_PIXELS = 800


def empty_state(session: Session) -> Wanted | None:
    """What the user wants explained, once they said so."""
    task = PAGE.arrival(session)
    if task.failed:
        show_error(task.failed)
    left, right = st.columns([2, 1], gap="large")
    with left:
        st.markdown("#### Open an image")
        quiet("One image, several methods: what each says that the model looked at, and how far each can be believed.")
        wanted = drop_zone("Drop a DICOM file, a GeoTIFF, a PNG or a JPEG; nothing leaves this machine", "explain.upload")
        wanted = place_field(session, "explain") or wanted
        wanted = public_samples(session, ("dicom", "geotiff"), "explain") or wanted
    with right:
        st.markdown("#### Or try one of these")
        wanted = sample_tiles("dicom", "explain") or wanted
        return sample_tiles("geotiff", "explain") or wanted


def locator(here: ExplainState, scene: Scene, given: ModelInput) -> None:
    """The whole scene with the window that is explained; a click moves it."""
    key = ("locator", here.chosen)
    if key not in here.drawn:
        here.drawn[key] = png(true_colour(scene, LOCATOR_PIXELS))
    metres = pixel_metres(scene)
    with st.expander("Where in the scene", expanded=True):
        event = view(
            Show(
                key=f"{here.name}.locator.{here.chosen}",
                label=f"Overview of {scene.name}",
                columns=scene.width,
                rows=scene.height,
                layers=(Layer("ground", here.drawn[key], (0.0, 0.0, float(scene.width), float(scene.height)), ground=True),),
                boxes=(given.box,),
                aspect=metres[1] / metres[0] if metres else 1.0,
                length=Length(metres[0], "m") if metres else None,
                is_plain=True,
                height=fitted_height(scene.height, scene.width, "280px"),
            ),
            f"explain.locator.{here.name}",
        )
        size = f"{given.box[2]:.0f} x {given.box[3]:.0f} px of {scene.width:,} x {scene.height:,}"
        quiet(f"The model reads {size}. Click to move the window.")
    if event.click:
        here.at = (event.click.column, event.click.row)
        here.forget_choices()
        st.rerun()
