"""From an image and its answer to objects of DICOM that go back into the study of the source."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import scipy
from pydicom import Dataset

from core.deidentify.pseudonyms import Pseudonyms
from core.errors import InputError, OutOfRange
from core.explain.catalogue import ranked_methods
from core.export import pdf
from core.export.dicom.content import ExportContent, Region
from core.export.dicom.encapsulated_pdf import encapsulated_pdf
from core.export.dicom.objects import finish
from core.export.dicom.pm import parametric_map
from core.export.dicom.pr import presentation_state
from core.export.dicom.sc import secondary_capture
from core.export.dicom.seg import segmentation
from core.export.dicom.source import source_images
from core.export.dicom.sr import structured_report
from core.inference.engine import engine_for
from core.prepare.ct import AIR
from core.prepare.nodule_outline import solid_in
from core.prepare.windowing import PRESETS, modality_values
from core.render.report_pictures import image_pictures
from core.report.language import language_of
from core.types import Box, Candidate, Explanation, FloatImage, Image, Mark, Mask, ModelInput, Prediction, Progress, Report, Study, Window
from core.workflows.ct_search import is_searched_by, search_ct
from core.workflows.image import compose, explain_input, explained_input, predict

PLACE_MM = 8.0
"""Side of the square that stands for a candidate whose extent was not measured; it marks a place, no extent."""
STRONGEST = 0.9
"""Quantile of a map's values from which its region is drawn: the strongest tenth."""
_LUNG = "lung"
OF_THE_MAP = ("pm", "pdf")
"""Kinds that show where the model looked in CT; the others show its candidates."""

OBJECT_KINDS: Mapping[str, tuple[str, Callable[[ExportContent], tuple[Dataset, ...]]]] = {
    "sr": ("Sightline findings (SR)", structured_report),
    "seg": ("Sightline regions (SEG)", segmentation),
    "pm": ("Sightline attribution (PM)", parametric_map),
    "pr": ("Sightline outlines (PR)", presentation_state),
    "sc": ("Sightline pictures (SC)", secondary_capture),
    "pdf": ("Sightline report (PDF)", encapsulated_pdf),
}
"""Description of the series, and what makes the objects."""


@dataclass(frozen=True)
class AnsweredImage:
    """A study, what was said of it, and the report. window: the input that was explained, None where there was none."""

    study: Study
    prediction: Prediction
    report: Report
    explanation: Explanation | None = None
    window: ModelInput | None = None


def answered_image(image: Image, model: str, kind: str = "pdf", progress: Progress | None = None) -> AnsweredImage:
    """Ask the model, explain its answer by the method that was found best where the kind of object shows a map, compose the report.

    Raises InputError for what is no DICOM.
    """
    if not isinstance(image, Study):
        raise InputError(f"{image.name} is no DICOM image.", "Objects of DICOM belong to the study of their source: give a DICOM file.")
    engine, needs_map = engine_for(model), True
    if is_searched_by(image, engine.model.preprocess):
        searched = search_ct(image, engine, watch=progress)
        prediction, given, needs_map = searched.prediction, searched.window, kind in OF_THE_MAP
    else:
        prediction, given = predict(image, model, watch=progress), explained_input(image, engine)
    explanation = None
    if needs_map and prediction.probabilities is not None and not prediction.outside.is_outside and not given.is_empty:
        target = prediction.named.likeliest
        method = ranked_methods(engine.model, target)[0]
        explanation = explain_input(image, engine, given, method, target, reported=prediction, progress=progress)
    return AnsweredImage(image, prediction, compose(image, prediction, explanation, model), explanation, given)


def export_objects(told: AnsweredImage, kind: str, pseudonyms: Pseudonyms | None = None) -> tuple[Dataset, ...]:
    """The objects of one kind, ready to be written. kind: of OBJECT_KINDS. pseudonyms: for research, in place of the source's identifiers.

    Raises OutOfRange for another kind, InputError where the image cannot carry such an object, UnreadableFile.
    """
    if kind not in OBJECT_KINDS:
        raise OutOfRange("format", kind, f"one of {', '.join(OBJECT_KINDS)}")
    description, make = OBJECT_KINDS[kind]
    content = content_of(told, with_pdf=kind == "pdf")
    return tuple(finish(made, content, description, pseudonyms) for made in make(content))


def content_of(told: AnsweredImage, *, with_pdf: bool = False) -> ExportContent:
    """What the makers of objects need of an answer."""
    study, explanation = told.study, told.explanation
    drawn = None if explanation is None else on_source(explanation.saliency, explanation.box, study.shape[1:])
    frame = 0 if explanation is None else explanation.frame
    return ExportContent(
        study=study,
        source=source_images(study),
        prediction=told.prediction,
        report=told.report,
        regions=regions_of(told, drawn, frame),
        explanation=explanation,
        map=drawn,
        map_frame=frame,
        window=_window(told),
        pdf=_pdf(told) if with_pdf else b"",
    )


def regions_of(told: AnsweredImage, drawn: FloatImage | None, frame: int) -> tuple[Region, ...]:
    """Of CT the candidates; of an image that was read whole where its map is strongest; none of an image that is outside."""
    prediction = told.prediction
    if prediction.outside.is_outside:
        return ()
    if prediction.candidates is not None:
        label = prediction.searched_for or prediction.labels[-1]
        return tuple(_candidate(told.study, one, number, label) for number, one in enumerate(prediction.candidates, start=1))
    if drawn is None or not drawn.any():
        return ()
    return (Region(1, "attribution", {frame: _strongest(drawn)}, frame, is_measured=False),)


def on_source(saliency: FloatImage, box: Box, shape: tuple[int, int]) -> FloatImage:
    """A map on the network's grid laid on the pixels of the source, float32 [rows, columns]; 0 outside what was read.

    box: (left, top, width, height) of what was read, in source pixels.
    """
    left, top, width, height = box
    high, wide = saliency.shape
    rows, columns = np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5
    down, across = (rows - top) * high / height - 0.5, (columns - left) * wide / width - 0.5
    inside = ((rows >= top) & (rows < top + height))[:, None] & ((columns >= left) & (columns < left + width))[None, :]
    grid = np.meshgrid(down, across, indexing="ij")
    return np.where(inside, scipy.ndimage.map_coordinates(saliency, grid, order=1, mode="nearest"), 0.0).astype(np.float32)


def _strongest(drawn: FloatImage) -> Mask:
    """The connected piece about the strongest value, of what is among the strongest tenth."""
    marked = (drawn > 0.0) & (drawn >= float(np.quantile(drawn[drawn > 0.0], STRONGEST)))
    pieces, _ = scipy.ndimage.label(marked)
    return np.asarray(pieces == pieces[np.unravel_index(int(drawn.argmax()), drawn.shape)], dtype=np.bool_)


def _candidate(study: Study, one: Candidate, number: int, label: str) -> Region:
    marks = one.marks or (Mark(one.column, one.row, one.frame),)
    masks = {mark.frame: _mask(study, mark) for mark in marks}
    return Region(
        number,
        label,
        masks,
        one.frame if one.frame in masks else marks[0].frame,
        score=one.score,
        size_mm=one.size_mm,
        is_measured=all(mark.box is not None for mark in marks),
        side=one.side,
        ratings=tuple(one.ratings.items()),
    )


def _mask(study: Study, mark: Mark) -> Mask:
    rows, columns = study.shape[1:]
    if mark.box is not None:
        return solid_in(np.maximum(modality_values(study, mark.frame), np.float32(AIR)), mark.box)
    down, across = study.spacing_mm or (1.0, 1.0)
    high, wide = max(1, round(PLACE_MM / down)), max(1, round(PLACE_MM / across))
    mask = np.zeros((rows, columns), dtype=np.bool_)
    top, left = max(0, round(mark.row) - high // 2), max(0, round(mark.column) - wide // 2)
    mask[top : top + high, left : left + wide] = True
    return mask


def _window(told: AnsweredImage) -> Window | None:
    """Candidates of CT lie in the lung, which its own window shows."""
    if told.study.modality != "CT" or told.prediction.candidates is None:
        return None
    lung = next(preset for preset in PRESETS if preset.name == _LUNG)
    return Window(lung.centre, lung.width)


def _pdf(told: AnsweredImage) -> bytes:
    pictures = [] if told.window is None else image_pictures(told.study, told.window, told.explanation, language_of(told.report.language))
    with TemporaryDirectory() as folder:
        pdf.write(told.report, Path(folder) / "report.pdf", pictures)
        return (Path(folder) / "report.pdf").read_bytes()


def as_bytes_of(objects: Sequence[Dataset]) -> list[bytes]:
    """Each object as the bytes of its file."""
    written = []
    for made in objects:
        held = io.BytesIO()
        made.save_as(held, enforce_file_format=True)
        written.append(held.getvalue())
    return written


def signed_as(told: AnsweredImage, report: Report) -> AnsweredImage:
    """The same answer under the report as a person left it."""
    return replace(told, report=report)
