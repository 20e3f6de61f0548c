"""The Export tab: what can be taken away of an image. Files are made when their button is pressed, and are named after nobody."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st

from core.explain.overlay import drawn_map, overlay_png
from core.export import explanation as explanation_file
from core.export.markdown import as_markdown
from core.inference.engine import engine_for
from core.render.report_pictures import image_pictures
from core.report.language import language_of
from core.types import Explanation, FloatImage, ModelInput, Picture, Prediction, Report, Study
from core.ui.radiology.deidentified_copy import deidentified_copy
from core.ui.radiology.dicom_downloads import DicomAnswer, dicom_downloads
from core.ui.widgets.bars import quiet
from core.ui.widgets.file_button import file_button
from core.workflows.image import explained_input
from core.workflows.report_files import write_report

REPORT_FILES = (
    ("PDF", "report.pdf", "application/pdf"),
    ("Markdown", "report.md", "text/markdown"),
    ("JSON", "report.json", "application/json"),
)


@dataclass(frozen=True)
class Taken:
    """What is exported, as it stood when the page was drawn. window: the input that was read, where it is known already."""

    image: Study | Picture
    model: str
    report: Report
    explanation: Explanation | None
    window: ModelInput | None = None
    prediction: Prediction | None = None

    def input(self) -> ModelInput:
        """The input that was read and explained."""
        return self.window or explained_input(self.image, engine_for(self.model))

    def file(self, name: str) -> bytes:
        """One of the report's files; the Markdown, alone, without pictures."""
        return as_markdown(self.report).encode() if name == "report.md" else self.files()[name]

    def map_file(self, name: str) -> bytes:
        """One of the map's files."""
        return self.map_files()[name]

    def files(self) -> dict[str, bytes]:
        """Name and bytes of the report's files, its pictures included."""
        pictures = image_pictures(self.image, self.input(), self.explanation, language_of(self.report.language))
        with tempfile.TemporaryDirectory() as folder:
            write_report(self.report, Path(folder), pictures)
            return {file.name: file.read_bytes() for file in sorted(Path(folder).iterdir())}

    def archive(self) -> bytes:
        """All of it in one zip."""
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in (self.files() | self.map_files()).items():
                archive.writestr(name, data)
        return held.getvalue()

    def map_files(self) -> dict[str, bytes]:
        """Name and bytes of what the explanation left: none without one."""
        shown = self.explanation
        if shown is None:
            return {}
        given = self.input()
        return {
            "overlay.png": overlay_png(given.shown, drawn_map(shown)),
            "saliency.npy": npy(shown.saliency),
            "explanation.json": explanation_file.explanation_text(given, shown).encode(),
        }


MAP_FILES = (
    ("Overlay, PNG", "overlay.png", "image/png"),
    ("Saliency, NumPy", "saliency.npy", "application/octet-stream"),
    ("Measurements, JSON", "explanation.json", "application/json"),
)


def image_downloads(taken: Taken, key: str, waits_for: str = "") -> None:
    """Buttons for the report, and for the map where there is one. waits_for: what is still being made for both."""
    if waits_for:
        quiet(f"Until {waits_for} is there, it is in none of these files.")
    st.markdown("##### Report")
    with st.container(horizontal=True):
        for label, name, kind in REPORT_FILES:
            _button(label, name, kind, partial(taken.file, name), key)
    st.markdown("##### Map")
    if taken.explanation is None:
        quiet("There is no map yet: it is made in the tab Why.")
    else:
        with st.container(horizontal=True):
            for label, name, kind in MAP_FILES:
                _button(label, name, kind, partial(taken.map_file, name), key)
    if isinstance(taken.image, Study) and taken.prediction is not None:
        dicom_downloads(DicomAnswer(taken.image, taken.prediction, taken.report, taken.explanation, taken.input), f"{key}.dicom")
    if isinstance(taken.image, Study):
        deidentified_copy(taken.image, f"{key}.deidentified")
    st.markdown("##### Everything")
    _button("Everything, zip", "sightline.zip", "application/zip", taken.archive, key)
    quiet("No file of report and map holds a name, a number or a date of the patient. The Markdown alone shows no pictures; the zip does.")


def npy(values: FloatImage) -> bytes:
    """An array as a .npy file, float32."""
    held = io.BytesIO()
    np.save(held, np.ascontiguousarray(values, dtype=np.float32))
    return held.getvalue()


def _button(label: str, name: str, kind: str, make: Callable[[], bytes], key: str) -> None:
    file_button(label, make, name, f"{key}.{name}", kind)
