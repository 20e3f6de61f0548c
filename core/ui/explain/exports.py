"""Ways out: each map as a picture, arrays, JSON or a raster on its scene's grid, and a notebook that makes all of them again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from core.types import Explanation, Scene
from core.ui.explain.page_state import ExplainState, Ready
from core.ui.widgets.bars import quiet
from core.ui.widgets.file_button import file_button
from core.workflows.explaining.map_files import MapFile, map_file, map_notebook

_FORMATS = {
    MapFile.PNG: ("PNG", "image/png"),
    MapFile.NUMPY: ("NumPy", "application/zip"),
    MapFile.JSON: ("JSON", "application/json"),
    MapFile.GEOTIFF: ("GeoTIFF", "image/tiff"),
}
_NOTEBOOK_MIME = "application/x-ipynb+json"


def map_exports(here: ExplainState, made: Ready, result: Explanation) -> None:
    """One map."""
    with st.popover("Export", width="content"), st.container(horizontal=True):
        for kind, (label, mime) in _FORMATS.items():
            if kind is MapFile.GEOTIFF and not isinstance(here.image, Scene):
                continue
            make = partial(map_file, kind, here.image, made.given, result)
            file_button(label, make, f"{result.method}.{kind.value}", f"explain.export.{here.name}.{result.method}.{kind.value}", mime)


def notebook_export(here: ExplainState, done: Mapping[str, Explanation]) -> None:
    """All maps whose measurement is done."""
    if not done:
        return
    results, image, model, at = tuple(done.values()), here.image, here.model, here.at

    def make() -> bytes:
        return map_notebook(image, results, model, at).encode()

    file_button("Export notebook", make, "explanation.ipynb", f"explain.notebook.{here.name}", _NOTEBOOK_MIME)
    quiet(f"A Jupyter notebook that makes these maps again from the weights {results[0].weights}, and compares every number.")
