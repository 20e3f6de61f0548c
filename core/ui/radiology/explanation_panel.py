"""The Why tab of the Radiology page: method and label, the map with its measurements, and what a clicked patch says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from core.explain.regions import region_of
from core.inference.calibration import probabilities
from core.prepare.sides import Side, side_at_right
from core.report.notices import say
from core.types import Domain, Explanation, FloatImage
from core.ui.explain.agreement import on_tokens
from core.ui.radiology import work
from core.ui.radiology.page_state import ImageAnswer, MethodAndLabel, Opening
from core.ui.radiology.work import ModelReading
from core.ui.state.progress import result_of
from core.ui.state.session import Session
from core.ui.widgets.bars import Bar, bars, note, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.faithfulness import belief, made_by
from core.ui.widgets.findings import MOST_LABELS, probability_words
from core.ui.widgets.words import label_words, method_words


def why(session: Session, opening: Opening, reading: ModelReading) -> None:
    """Choice of method and label, the measurements of the map that is on the viewer, and what the clicked patch says."""
    answer = reading.answer
    if answer is None:
        quiet("The model reads the image first.")
        return
    if reading.target is None:
        note("There is nothing to explain", say(answer.prediction.outside.reason))
        return
    _choose(opening, answer, reading.target)
    shown = result_of(work.explanation_task(session, opening, reading.model, reading.target, answer.searched), "radiology.why")
    if answer.searched:
        quiet(f"What is explained is the best window, in slice {answer.searched.window.frame + 1}; the map lies on it there.")
    if shown is not None:
        belief(shown)
        patch(opening, answer, shown)
        quiet(made_by(shown))


def _choose(opening: Opening, answer: ImageAnswer, target: MethodAndLabel) -> None:
    """The widgets; what they say is read before anything is drawn, by `work.chosen_target`."""
    st.session_state.setdefault(work.method_key(opening), target[0])
    st.session_state.setdefault(work.label_key(opening), target[1])
    methods, labels = answer.methods, answer.prediction.named.labels
    st.segmented_control("Method", methods, key=work.method_key(opening), format_func=apart(methods, method_words), required=True)
    st.selectbox("For the label", labels, key=work.label_key(opening), format_func=apart(labels, label_words))


def patch(opening: Opening, answer: ImageAnswer, explanation: Explanation) -> None:
    """What the clicked patch says by itself, and how much of the map lies on it."""
    if opening.clicked is None:
        quiet("Click a patch of the image to read what its token says.")
        return
    st.markdown(f"##### {token_words(opening.clicked, answer.grid, answer.domain, side_at_right(opening.image))}")
    logits = answer.prediction.token_logits
    if logits is not None:
        of_token = replace(answer.prediction, probabilities=probabilities(logits[opening.clicked], answer.calibration)).named
        labels, confidences = of_token.labels, of_token.probabilities
        assert confidences is not None
        order = range(len(labels)) if len(labels) <= MOST_LABELS else np.argsort(-confidences, kind="stable")[:MOST_LABELS]
        bars(Bar(label_words(labels[index]), float(confidences[index]), probability_words(float(confidences[index]))) for index in order)
        known = "calibrated on whole images, so it is no probability" if answer.calibration else "not calibrated"
        quiet(f"Confidence of this token alone; the model is {known}.")
    st.text(rank_words(on_tokens(explanation.saliency, answer.grid), opening.clicked))


def token_words(clicked: tuple[int, int], grid: tuple[int, int], domain: Domain, at_right: Side | None = None) -> str:
    """ "Patch 5 across, 7 down: upper third of the left half of the image". clicked: (row, column) on the grid of tokens."""
    alone = np.zeros(grid, dtype=np.float32)
    alone[clicked] = 1.0
    region = say(region_of(alone, domain, at_right))
    return f"Patch {clicked[1] + 1} across, {clicked[0] + 1} down" + (f": {region}" if region else "")


def rank_words(tokens: FloatImage, clicked: tuple[int, int]) -> str:
    """ "Number 12 of 196 patches in this map, at 82 % of the strongest"."""
    rank = int((tokens > tokens[clicked]).sum()) + 1
    top = float(tokens.max())
    share = f", at {100 * float(tokens[clicked]) / top:.0f} % of the strongest" if top > 0 else ""
    return f"Number {rank} of {tokens.size} patches in this map{share}."
