"""The image viewer: a Streamlit component of our own (canvas, plain JavaScript), and what packs studies and scenes for it."""

from core.ui.viewer.component import Event, view, viewer_event
from core.ui.viewer.facts import Colours, Grid, Layer, Length, Look, Picked, Preset, Show
from core.ui.viewer.pack import Packed, pack_picture, pack_study

__all__ = [
    "Colours",
    "Event",
    "Grid",
    "Layer",
    "Length",
    "Look",
    "Packed",
    "Picked",
    "Preset",
    "Show",
    "pack_picture",
    "pack_study",
    "view",
    "viewer_event",
]
