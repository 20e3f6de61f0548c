"""A copy of the images that names nobody: what is kept, what may stand in the pixels, and regions that are masked once a person says so."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.deidentify.profile import ProfileOptions
from core.deidentify.pseudonyms import site_pseudonyms
from core.errors import OutOfRange
from core.report.notices import say
from core.types import Box, Study
from core.ui.state.errors import guarded
from core.ui.widgets.bars import note, quiet
from core.ui.widgets.file_button import file_button
from core.workflows.dicom.deidentify import deidentified_archive, study_warnings

LOOKED = "I looked at every frame. Mask these regions in all of them."


def deidentified_copy(study: Study, key: str) -> None:
    """Folded: options of the profile, warnings, regions, and the button."""
    with st.expander("De-identified images", key=f"{key}.fold"), guarded():
        quiet("By the Basic Profile of DICOM PS3.15, edition 2026c. UIDs are replaced by the key of this site; private attributes go.")
        options = ProfileOptions(
            dates=st.checkbox("Keep dates, all moved by one number of days a patient", value=True, key=f"{key}.dates"),
            descriptors=st.checkbox("Keep the words of the field in descriptions", value=True, key=f"{key}.descriptors"),
            patient=st.checkbox("A pseudonym in place of ID and name", value=True, key=f"{key}.patient"),
        )
        for warning in study_warnings(study):
            note("Names may stand in the pixels", say(warning))
        regions = _regions(study, key)
        if regions is not None:
            make = partial(_archive, study, options, regions)
            file_button("Images, zip", make, "sightline-deidentified.zip", f"{key}.zip.{len(regions)}", "application/zip")


def _regions(study: Study, key: str) -> tuple[Box, ...] | None:
    """What is to be masked; None while nobody has confirmed it."""
    text = st.text_area(
        "Regions to mask, one a line: left, top, width, height in pixels", key=f"{key}.regions", placeholder="0, 0, 200, 40", height=70
    )
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return ()
    regions = tuple(_region(line, study) for line in lines)
    if st.checkbox(LOOKED, key=f"{key}.looked"):
        return regions
    quiet("Nothing is masked before you confirm it.")
    return None


def _region(line: str, study: Study) -> Box:
    _, rows, columns = study.shape
    try:
        left, top, width, height = (float(part) for part in line.replace(";", ",").split(","))
    except ValueError:
        raise OutOfRange("region", line.strip(), "four numbers with commas between them, for example 0, 0, 200, 40") from None
    if left < 0 or top < 0 or width <= 0 or height <= 0 or left + width > columns or top + height > rows:
        raise OutOfRange("region", line.strip(), f"inside {columns} x {rows} pixels")
    return left, top, width, height


def _archive(study: Study, options: ProfileOptions, regions: tuple[Box, ...]) -> bytes:
    return deidentified_archive(study, site_pseudonyms(), options, regions)
