"""What the Radiology page starts: images packed for the viewer, thumbnails, answers, explanations, reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from core.explain.catalogue import ranked_methods
from core.inference.engine import engine_for
from core.jobs import JobProgress
from core.report.text import section_text
from core.types import Explanation, Picture, Prediction, Report
from core.ui.radiology.candidates import candidate_list
from core.ui.radiology.exports import Taken
from core.ui.radiology.models import models_for
from core.ui.radiology.page_state import ImageAnswer, MethodAndLabel, Opening, RadiologyState, Shown, SignedOff, Slices
from core.ui.radiology.study_facts import title_of
from core.ui.radiology.study_show import first_viewport, lung_window
from core.ui.radiology.study_viewer import viewport_in_view
from core.ui.radiology.thumbnail import study_thumbnail
from core.ui.state.session import Session, Task
from core.ui.viewer import pack_picture, pack_study
from core.workflows.ct_search import Ranking, Searched, is_searched_by, search_ct
from core.workflows.image import compose, explain_image, explain_input, lane_of, predict

ALL = "all"
"""The key of an image's slices."""
EXPLAINED_IN = ("Why", "Report", "Export")
"""Tabs in which somebody looks at an explanation: it begins there, and not with every image that is opened."""


@dataclass(frozen=True)
class ModelReading:
    """What a model says of the image in view, as far as it is there. answer, explanation: None while they are made, or were not asked for.

    target: method and label that are explained, None before there is an answer and where there is nothing to explain.
    """

    model: str
    answer: ImageAnswer | None = None
    target: MethodAndLabel | None = None
    explanation: Explanation | None = None


def reading(session: Session, state: RadiologyState) -> ModelReading | None:
    """Begin what the open tab needs, and take what is there: nothing is waited for. None where no model reads such images."""
    opening, tab = state.opening, state.tab
    models = models_for(opening.image)
    if not models:
        return None
    opening.model = st.session_state.get(model_key(opening)) or opening.model or models[0]
    model = opening.model
    told = answer(session, opening, model)
    told.settle()
    if told.value is None:
        return ModelReading(model)
    if told.value.prediction.probabilities is None or told.value.prediction.outside.is_outside:
        return ModelReading(model, told.value)
    target = chosen_target(opening, told.value)
    if tab == "Why" or (tab in EXPLAINED_IN and opening.signed is None):
        explanation_task(session, opening, model, target, told.value.searched)
    session.stop_others(opening.explained, {(model, target)})
    task = opening.explained.get((model, target))
    if task is not None:
        task.settle()
    return ModelReading(model, told.value, target, task.value if task else None)


def stop_unseen(session: Session, state: RadiologyState) -> None:
    """Models and explanations run on the image in view alone; what was begun on another begins anew when it comes into view."""
    for opening in state.openings:
        if opening is not state.opening:
            session.stop_others(opening.explained, ())
            session.stop_others(opening.answers, ())


def chosen_target(opening: Opening, answer: ImageAnswer) -> MethodAndLabel:
    """Method and label as they are chosen in the tab Why, before its widgets are drawn."""
    method, label = opening.target or (answer.methods[0], label_of_interest(answer))
    method = st.session_state.get(method_key(opening)) or method
    label = st.session_state.get(label_key(opening)) or label
    opening.target = (method if method in answer.methods else answer.methods[0], label)
    return opening.target


def model_key(opening: Opening) -> str:
    """Streamlit's key of the choice of a model, where there are several."""
    return f"radiology.model.{opening.name}"


def method_key(opening: Opening) -> str:
    """Streamlit's key of the choice of a method."""
    return f"radiology.method.{opening.name}"


def label_key(opening: Opening) -> str:
    """Streamlit's key of the choice of a label."""
    return f"radiology.target.{opening.name}"


def label_of_interest(answer: ImageAnswer) -> str:
    """The most probable label that may be named, also where the model abstains."""
    return answer.prediction.named.likeliest


def slices(session: Session, opening: Opening) -> Task[Slices]:
    """The slices of an image, made ready for the browser."""
    task: Task[Slices] = session.task(opening.slices, ALL)
    task.ensure(f"Preparing {title_of(opening.image)}", partial(_pack, opening.image), "slices")
    return task


def _pack(image: Shown, progress: JobProgress) -> Slices:
    if isinstance(image, Picture):
        return Slices(pack_picture(image))
    packed = pack_study(image)
    return Slices(packed, first_viewport(image, packed, image.shape[0] // 2))


def thumbnails(session: Session, state: RadiologyState) -> Task[None]:
    """The small pictures of the list of images; drawn one after another, each is there as soon as it is done."""
    task: Task[None] = session.task(state.thumbnails, len(state.openings))
    task.ensure("Drawing thumbnails", partial(_thumbnails, state.openings), "images")
    return task


def _thumbnails(openings: tuple[Opening, ...], progress: JobProgress) -> None:
    for done, opening in enumerate(openings, start=1):
        if opening.thumbnail is None:
            opening.thumbnail = study_thumbnail(opening.image)
        progress.update(done, len(openings))


def answer(session: Session, opening: Opening, model: str) -> Task[ImageAnswer]:
    """What a model says of an image."""
    task: Task[ImageAnswer] = session.task(opening.answers, model)
    rank = partial(opening.rankings.__setitem__, model)
    task.ensure(f"Reading {title_of(opening.image)}", partial(_answer, opening.image, model, rank), "slices", lane_of(opening.image))
    return task


def _answer(image: Shown, model: str, rank: Callable[[Ranking], None], progress: JobProgress) -> ImageAnswer:
    progress.update(0)
    engine = engine_for(model)
    loaded = engine.model
    searched = search_ct(image, engine, watch=progress.update, rank=rank) if is_searched_by(image, loaded.preprocess) else None
    prediction = searched.prediction if searched else predict(image, model)
    methods, domain = ranked_methods(loaded, prediction.named.likeliest), loaded.preprocess.domain
    return ImageAnswer(prediction, loaded.calibration, loaded.token_grid, methods, domain, searched, loaded.card.knows)


def go_to_candidate(opening: Opening, answer: ImageAnswer) -> bool:
    """The list of what was found in CT; whether one was clicked, to which the viewer then goes."""
    if answer.searched is None or answer.prediction.outside.is_outside:
        return False
    visit = candidate_list(answer.searched, f"radiology.candidate.{opening.name}", opening.visit)
    if visit is None:
        return False
    shown = opening.slices[ALL].value if ALL in opening.slices else None
    opening.visit = visit
    opening.viewport = viewport_in_view(opening, shown).at_slice(visit.frame, lung_window(opening.image))
    return True


def explanation_task(
    session: Session, opening: Opening, model: str, target: MethodAndLabel, searched: Searched | None = None
) -> Task[Explanation]:
    """The map of one method for one label."""
    task: Task[Explanation] = session.task(opening.explained, (model, target))
    task.ensure(f"Explaining {title_of(opening.image)}", partial(_explain, opening.image, model, target, searched), "passes")
    return task


def _explain(image: Shown, model: str, target: MethodAndLabel, searched: Searched | None, progress: JobProgress) -> Explanation:
    method, label = target
    if searched:  # its window is known, and need not be searched for again
        return explain_input(image, engine_for(model).interactive, searched.window, method, label, progress=progress.update)
    return explain_image(image, model, method, label, progress=progress.update)


def report(opening: Opening, model: str, prediction: Prediction, shown: Explanation | None) -> Report:
    """The report of what is on the page, with what the user wrote into sections whose composed text is still the same.

    A signed report stays what it was when it was signed, whatever is on the page.
    """
    if opening.report is not None and opening.report.signed_by:
        return opening.report
    made_of = (model, opening.target if shown else None)
    if opening.report is None or opening.report_of != made_of:
        opening.report = _with_edits(compose(opening.image, prediction, shown, model), opening.report)
        opening.report_of = made_of
    return opening.report


def keep_report(opening: Opening, reading: ModelReading, report: Report) -> None:
    """Remember the report as the user left it; where it was just signed, what stood behind it too."""
    opening.report = report
    if report.signed_by and opening.signed is None:
        searched = reading.answer.searched if reading.answer else None
        prediction = reading.answer.prediction if reading.answer else None
        opening.signed = SignedOff(reading.model, reading.explanation, searched.window if searched else None, prediction)


def to_take(opening: Opening, reading: ModelReading, report: Report) -> Taken:
    """What can be exported: of what is on the page, or of what was signed."""
    searched, prediction = (reading.answer.searched, reading.answer.prediction) if reading.answer else (None, None)
    window = searched.window if searched else None
    signed = opening.signed or SignedOff(reading.model, reading.explanation, window, prediction)
    return Taken(opening.image, signed.model, report, signed.explanation, signed.window, signed.prediction)


def _with_edits(fresh: Report, last: Report | None) -> Report:
    if last is None or not last.edited:
        return fresh
    composed = replace(last, edited={})
    kept = {name: text for name, text in last.edited.items() if section_text(composed, name) == section_text(fresh, name)}
    return replace(fresh, edited=kept)
