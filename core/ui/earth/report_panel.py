"""The Report and Export tabs of the Earth page: one report a result, and the files that were made of it."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from core.export import json as report_json
from core.export import markdown, pdf
from core.inference.engine import change_engine_for, engine_for
from core.render.change_details import change_details
from core.render.report_pictures import Captioned
from core.render.report_scenes import change_pictures, map_pictures
from core.report.language import language_of
from core.report.model_facts import model_facts
from core.report.scene_change import change_report
from core.report.scene_map import map_report
from core.types import ChangeMap, LandCoverMap, Report
from core.ui.earth.comparison import BY_MODEL
from core.ui.earth.page_state import EarthState, date_words
from core.ui.earth.work import change_task, land_cover
from core.ui.state.session import Session
from core.ui.widgets.bars import quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.file_button import file_button
from core.ui.widgets.report_panel import report_panel
from core.ui.widgets.words import file_size
from core.workflows.accuracy.assess import Assessed
from core.workflows.report_files import pictured_by, write_report
from models.change_registry import LoadedChangeModel
from models.registry import LoadedModel

WHAT = {
    "landcover.tif": "Classes, cloud-optimised GeoTIFF with its colours",
    "confidence.tif": "Confidence, cloud-optimised GeoTIFF",
    "outside.tif": "Distance from what the model knows, cloud-optimised GeoTIFF",
    "unstable.tif": "Where another cut may name another class, cloud-optimised GeoTIFF",
    "change.tif": "Changed or not, cloud-optimised GeoTIFF",
    "change_score.tif": "Score of change, cloud-optimised GeoTIFF",
    "change_probability.tif": "Probability of change, cloud-optimised GeoTIFF",
    "severity.tif": "Burn severity by dNBR, cloud-optimised GeoTIFF with its colours",
    "severity.csv": "Areas of burn severity",
    "severity.gpkg": "Burn severity as polygons, GeoPackage",
    "landcover_before.tif": "Classes of the first date",
    "landcover_after.tif": "Classes of the second date",
    "areas.csv": "Areas by class",
    "project.qgz": "Project of QGIS: opens all layers, styled",
    "item.json": "STAC item, with the model and its hash",
    "map.png": "Map to be printed, PNG",
    "uncertainty.tif": "Entropy, margin, outside and unstable as bands of one cloud-optimised GeoTIFF",
    "zones.csv": "What lies in each zone",
    "zones.gpkg": "Zones with what lies in them, GeoPackage",
    "plots.geojson": "Plots with their cut-off date, GeoJSON",
    "transitions.csv": "What became what, in hectares",
    "classes.gpkg": "Classes as polygons, GeoPackage",
    "changes.gpkg": "Polygons of change, GeoPackage",
    "accuracy.json": "Accuracy and areas with their intervals",
    "error_matrix.csv": "Error matrix in points, rows as mapped",
    "labelled_points.csv": "Every point with its stratum, class, labels, image and time",
}
BEGINNINGS = {
    "sample-points-": "Points of the sample to be labelled elsewhere, without strata and classes",
    "sample-": "Strata and classes of the sample, which a rater should not see",
    "labels-": "Labels of a rater",
}
"""What files are whose names hold the key of a sample."""
MOST_DOWNLOADED = 1_000_000_000
"""Bytes: Streamlit holds what it sends in memory."""
BESIDE = frozenset({".qml", ".xml"})
"""Styles and names that lie beside a raster: nobody wants them alone."""


Made = LandCoverMap | ChangeMap | Assessed


@dataclass(frozen=True)
class Result:
    """One thing that was made: a map of one date, the change between two, or the accuracy of either.

    key: the name of its folder, which nothing else has.
    """

    key: str
    title: str
    folder: Path
    made: Made


def results(session: Session, here: EarthState) -> list[Result]:
    """What is there of the dates shown."""
    found = []
    changed = change_task(session, here).value if here.after else None
    if changed is not None:
        title = f"Change, {date_words(here.before)} to {date_words(changed.after)}"
        found.append(Result(changed.change.parent.name, title, changed.change.parent, changed))
    for number in dict.fromkeys(here.pair):
        mapped = land_cover(session, here, number).value
        if mapped is not None:
            title = f"Land cover, {date_words(mapped.scene)}"
            found.append(Result(mapped.landcover.parent.name, title, mapped.landcover.parent, mapped))
    return found


def assessments(session: Session, here: EarthState) -> list[Result]:
    """What is there of the dates shown, and what samples say of it."""
    found = results(session, here)
    for result in tuple(found):
        task = here.samples.get(result.key)
        assessed = task.value.assessed if task is not None and task.value is not None else None
        if assessed is not None and assessed.files:
            folder = assessed.files[0].parent
            found.append(Result(f"{result.key}.{folder.name}", f"Accuracy: {result.title}", folder, assessed))
    return found


def chosen_result(found: Sequence[Result], key: str) -> Result | None:
    """One of several results, chosen where there are more than one."""
    there = {result.key: result for result in found}
    if not there:
        quiet("Nothing is mapped yet.")
        return None
    if len(there) == 1:
        return next(iter(there.values()))
    name = st.selectbox(
        "Result", list(there), format_func=apart(list(there), lambda name: there[name].title), key=key, label_visibility="collapsed"
    )
    return there[name]


def report_tab(session: Session, here: EarthState) -> None:
    """The report of one result, to be read, edited and signed."""
    result = chosen_result(assessments(session, here), "earth.report.of")
    if result is not None:
        keep = partial(here.reports.__setitem__, result.key)
        report_panel(report_of(here, result), keep, here.drafts, f"earth.report.{result.key}")


def report_of(here: EarthState, result: Result) -> Report:
    """As the user left it, else as it is composed."""
    if isinstance(result.made, Assessed):
        return here.reports.get(result.key) or result.made.report
    known: Report | None = here.reports.get(result.key)
    if known is None:
        made, model = result.made, _model_of(result.made)
        facts = model_facts(model) if model is not None else None
        known = change_report(made, facts) if isinstance(made, ChangeMap) else map_report(made, facts)
        here.reports[result.key] = known
    return known


def _model_of(made: Made) -> LoadedModel | LoadedChangeModel | None:
    """The model that made a result, of either kind; None for a method without one."""
    if isinstance(made, Assessed) or not made.model:
        return None
    is_by_model = isinstance(made, ChangeMap) and made.method == BY_MODEL
    return change_engine_for(made.model).model if is_by_model else engine_for(made.model).model


def pictures_of(made: Made, report: Report) -> list[Captioned]:
    """The pictures of its report, in the report's language, as the command line makes them."""
    if isinstance(made, Assessed):
        return []
    language, preprocess = language_of(report.language), pictured_by(made, _model_of(made))
    return change_pictures(made, preprocess, language) if isinstance(made, ChangeMap) else map_pictures(made, preprocess, language)


def details_of(made: Made, report: Report) -> list[Captioned]:
    """The pictures of the largest changes, as the command line makes them."""
    if not isinstance(made, ChangeMap) or report.withheld is not None:
        return []
    return change_details(made, pictured_by(made, _model_of(made)), language_of(report.language))


def export_tab(session: Session, here: EarthState) -> None:
    """Each file of one result, and all of them at once."""
    result = chosen_result(assessments(session, here), "earth.export.of")
    if result is None:
        return
    report = report_of(here, result)
    st.markdown("##### Report")
    with st.container(horizontal=True):
        _download("PDF", "report.pdf", lambda: _pdf(report, result.made), result.key)
        _download("Markdown", "report.md", lambda: markdown.as_markdown(report).encode(), result.key)
        _download("JSON", "report.json", lambda: _json(report), result.key)
    st.markdown("##### Files")
    for file in _files_of(result.folder):
        if file.suffix in BESIDE:
            continue
        words, button = st.columns([4, 1.3], vertical_alignment="center")
        with words:
            st.text(file.name)
            quiet(f"{what_is(file.name)}, {file_size(file.stat().st_size)}")
        if file.stat().st_size > MOST_DOWNLOADED:
            quiet("Too large to pass through the browser: the command line writes it into a folder of yours.")
            continue
        with button:
            _download("Download", file.name, lambda file=file: file.open("rb"), result.key)  # type: ignore[misc]
    if sum(file.stat().st_size for file in _files_of(result.folder)) > MOST_DOWNLOADED:
        return
    named = "the names of the classes, and" if not isinstance(result.made, Assessed) and result.made.labels else "and"
    quiet(f"The archive holds these, their styles for QGIS, {named} the report.")
    _download("All of it, as a zip", "sightline.zip", lambda: _zip(result, report), result.key)


def what_is(name: str) -> str:
    """What a file holds, in words."""
    return WHAT.get(name) or next((words for start, words in BEGINNINGS.items() if name.startswith(start)), "Data")


def _files_of(folder: Path) -> list[Path]:
    """Files of a result, by name."""
    return sorted(file for file in folder.iterdir() if file.is_file())


def _download(label: str, name: str, make: Callable[[], bytes | BinaryIO], key: str) -> None:
    """Read or made when it is asked for; the page stays as it is."""
    file_button(label, make, name, f"earth.file.{key}.{name}", width="stretch")


def _pdf(report: Report, made: Made) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        pdf.write(report, Path(folder) / "report.pdf", pictures_of(made, report), details_of(made, report))
        return (Path(folder) / "report.pdf").read_bytes()


def _json(report: Report) -> bytes:
    return (json.dumps(report_json.as_json(report), ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def _zip(result: Result, report: Report) -> BinaryIO:
    """Everything in one archive, on disk since rasters may be large; it never has a name."""
    with tempfile.TemporaryFile(dir=result.folder.parent) as packed:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in _files_of(result.folder):
                archive.write(file, file.name, zipfile.ZIP_STORED if file.suffix == ".tif" else None)
            with tempfile.TemporaryDirectory() as folder:
                write_report(report, Path(folder), pictures_of(result.made, report), details_of(result.made, report))
                for file in _files_of(Path(folder)):
                    archive.write(file, file.name)
        packed.seek(0)
        return os.fdopen(os.dup(packed.fileno()), "rb")  # Streamlit takes what can only be read
