"""The answer as objects of DICOM: back into the patient's own study, or for research with pseudonyms alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.deidentify.pseudonyms import site_pseudonyms
from core.types import Explanation, ModelInput, Prediction, Report, Study
from core.ui.widgets.bars import quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.file_button import file_button
from core.workflows.dicom.export import AnsweredImage, as_bytes_of, export_objects

BACK, RESEARCH = "Into the patient's study", "For research"
WHOSE = {
    BACK: "These files name the patient: they carry patient, study and accession number of the source, so that a PACS files them there.",
    RESEARCH: "These files carry pseudonyms alone: no name, number, date or UID of the source. Send no image of the source with them.",
}
"""What a person must know before a file leaves."""
BUTTONS = (
    ("Report, SR", "sr"),
    ("Pictures, SC", "sc"),
    ("Outlines, PR", "pr"),
    ("Regions, SEG", "seg"),
    ("PDF", "pdf"),
    ("Map, PM", "pm"),
)
DICOM_TYPE, ZIP_TYPE = "application/dicom", "application/zip"


@dataclass(frozen=True)
class DicomAnswer:
    """What is exported. prediction: of the report. window: gives the input that was read; it may have to be made."""

    study: Study
    prediction: Prediction
    report: Report
    explanation: Explanation | None
    window: Callable[[], ModelInput]

    def file(self, kind: str, is_research: bool) -> bytes:
        """The one object of a kind, or several in a zip."""
        made = self._objects(kind, is_research)
        return made[0] if len(made) == 1 else _zipped({f"{kind}-{number:03d}.dcm": data for number, data in enumerate(made, start=1)})

    def pictured(self) -> int:
        """How many pictures there are: one for each slice in which a candidate is clearest."""
        candidates = () if self.prediction.outside.is_outside else self.prediction.candidates or ()
        return max(1, len({one.frame for one in candidates}))

    def _objects(self, kind: str, is_research: bool) -> list[bytes]:
        window = self.window() if kind == "pdf" else None
        told = AnsweredImage(self.study, self.prediction, self.report, self.explanation, window)
        return as_bytes_of(export_objects(told, kind, site_pseudonyms() if is_research else None))


def dicom_downloads(answer: DicomAnswer, key: str) -> None:
    """Whose the files are to be, what that means, and a button for each kind that the image can carry."""
    st.markdown("##### DICOM")
    options = (BACK, RESEARCH)
    chosen = st.segmented_control(
        "Whose files", options, default=BACK, format_func=apart(options), key=f"{key}.whose", label_visibility="collapsed"
    )
    whose = chosen or BACK
    quiet(WHOSE[whose])
    has_map = answer.explanation is not None and answer.study.modality == "CT" and bool(answer.study.positions)
    with st.container(horizontal=True):
        for label, kind in BUTTONS:
            if kind == "pm" and not has_map:
                continue
            is_several = kind == "sc" and answer.pictured() > 1
            name = f"sightline-{kind}{'-research' if whose == RESEARCH else ''}{'.zip' if is_several else '.dcm'}"
            file_button(
                label,
                partial(answer.file, kind, whose == RESEARCH),
                name,
                f"{key}.{kind}.{options.index(whose)}",
                ZIP_TYPE if is_several else DICOM_TYPE,
            )
    state = f"signed by {answer.report.signed_by}, and verified" if answer.report.signed_by else "not signed, and stays unverified"
    quiet(f"Each is a new series, and the source stays as it is. The report is {state}.")


def _zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()
