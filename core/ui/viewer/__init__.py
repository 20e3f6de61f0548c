"""The image viewer: a Streamlit component of our own (canvas, plain JavaScript), and what packs studies and scenes for it."""

from core.ui.viewer.component import Event, view, viewer_event
from core.ui.viewer.facts import Click, Colours, Grid, Layer, Length, Preset, Show, Viewport
from core.ui.viewer.pack import Packed, pack_picture, pack_study

__all__ = [
    "Click",
    "Colours",
    "Event",
    "Grid",
    "Layer",
    "Length",
    "Packed",
    "Preset",
    "Show",
    "Viewport",
    "pack_picture",
    "pack_study",
    "view",
    "viewer_event",
]
