"""Mounts the viewer and hears what the user did in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.types import Box
from core.ui.viewer.facts import Click, Layer, Show, Viewport
from core.ui.viewer.media import publish, slices_address
from core.ui.viewer.pack import Packed

_HERE = Path(__file__).parent
_SCRIPTS = (
    "camera.js", "stack.js", "layers.js", "controls.js", "readout.js", "brush.js", "hands.js", "dates.js", "keys.js", "viewer.js",
)  # fmt: skip


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "sightline_viewer",
    html=_text("viewer.html"),
    css=_text("viewer.css"),
    js="\n".join(_text(name) for name in _SCRIPTS),
)


@dataclass(frozen=True)
class Event:
    """What the viewer told in this run. viewport: the settled view, None before the first. click: None in every other run.

    painted: numbers of the painted cells of the grid, row by row from 0; None before anything was painted on this image.
    seen: the part of the source in view, None before the user came closer and for a viewer that was not asked to tell.
    """

    viewport: Viewport | None
    click: Click | None
    seen: Box | None = None
    painted: tuple[int, ...] | None = None


def viewer_event(key: str, identity: str) -> Event:
    """What the viewer at a spot told before this run: to be asked before it is drawn, so that it is drawn once and as the user left it.

    identity: the key of what it shows; a view that was settled on another image is none of it.
    """
    state = st.session_state.get(key) or {}
    return Event(_viewport(state.get("view"), identity), None, _seen(state.get("seen"), identity))


def view(show: Show, key: str, on_click: Callable[[], None] | None = None) -> Event:
    """Draw one viewer. key: Streamlit's key of this spot on the page."""
    data = show.as_data()
    data["layers"] = [_layer(layer, f"{key}.layer.{layer.id}") for layer in show.layers]
    data["stack"] = _stack(show.packed, show.key) if show.packed else None
    told = _mount(
        key=key,
        data=data,
        on_view_change=_nothing,
        on_seen_change=_nothing,
        on_painted_change=_nothing,
        on_clicked_change=on_click or _nothing,
    )
    return Event(_viewport(told.view, show.key), _click(told.clicked), _seen(told.seen, show.key), _painted(told.painted, show.key))


def _nothing() -> None:
    """Streamlit wants a callback for each value that it shall carry."""


def _layer(layer: Layer, place: str) -> dict[str, Any]:
    return {
        "id": layer.id,
        "url": publish(layer.picture, "image/png", place),
        "box": list(layer.box),
        "name": layer.name,
        "twin": layer.twin,
        "opacity": layer.opacity,
        "on": layer.on,
        "side": layer.side,
        "ground": layer.ground,
        "smooth": layer.smooth,
    }


def _stack(packed: Packed, identity: str) -> dict[str, Any]:
    return {
        "key": identity,
        "columns": packed.columns,
        "rows": packed.rows,
        "count": packed.count,
        "slices": slices_address(packed.token),
        "thinned": packed.thinned,
        "overlays": packed.overlays is not None,
        "inverted": packed.is_inverted,
        "curve": packed.curve and {"low": packed.curve.low, "high": packed.curve.high, "grey": list(packed.curve.grey)},
        "unit": packed.unit,
        "colour": packed.is_colour,
    }


def _viewport(told: Any, key: str) -> Viewport | None:
    """A view that was settled on another image is none of ours."""
    return Viewport.of(told) if told and told.get("key") == key else None


def _seen(told: Any, key: str) -> Box | None:
    if not told or told.get("key") != key:
        return None
    left, top, width, height = map(float, told["box"])
    return left, top, width, height


def _painted(told: Any, key: str) -> tuple[int, ...] | None:
    return tuple(map(int, told["cells"])) if told and told.get("key") == key else None


def _click(told: Any) -> Click | None:
    return Click(int(told["column"]), int(told["row"]), int(told["slice"]), str(told["swipe"])) if told else None
