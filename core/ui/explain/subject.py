"""The left third of the page: the image, large, at once; below it what is explained, and how maps lie over images."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.explain.overlay import EvidenceSide
from core.report.notices import say
from core.types import Prediction
from core.ui.explain.maps import pick
from core.ui.explain.page_state import ExplainState, Ready
from core.ui.explain.pictures import fitted_height, input_picture, source_picture
from core.ui.viewer import Grid, Layer, Show, view
from core.ui.widgets.bars import note, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.findings import probability_words
from core.ui.widgets.words import label_words

_SIDES = {EvidenceSide.BOTH: "Both", EvidenceSide.FOR: "For", EvidenceSide.AGAINST: "Against"}
NOBODY = ""
"""Of the second label: the target stands alone."""


def image_as_it_is(here: ExplainState) -> None:
    """The image before a model has made its input of it. Raises UnreadableFile where it cannot be decoded."""
    picture, rows, columns = source_picture(here)
    box = (0.0, 0.0, float(columns), float(rows))
    layers = (Layer("image", picture, box, ground=True),)
    height = fitted_height(rows, columns)
    show = Show(
        f"{here.name}.source.{here.chosen}", "The image", columns, rows, layers=layers, is_plain=True, can_pick=False, height=height
    )
    view(show, f"explain.subject.{here.name}")


def image_as_it_is_read(here: ExplainState, made: Ready) -> None:
    """What the network reads, with its tokens; a click picks one."""
    rows, columns = made.given.shown.shape[1:]
    box = (0.0, 0.0, float(columns), float(rows))
    show = Show(
        key=f"{here.name}.{here.key}",
        label="The image as the model reads it",
        columns=columns,
        rows=rows,
        layers=(Layer("input", input_picture(here, made.given), box, ground=True),),
        grid=Grid(*made.grid, box, None if here.is_brushing else here.clicked, here.painted if here.is_brushing else ()),
        is_plain=True,
        is_brush=here.is_brushing,
        height=fitted_height(rows, columns),
    )
    event = view(show, f"explain.subject.{here.name}")
    if here.is_brushing and event.painted is not None and event.painted != here.told_painted:
        here.painted = here.told_painted = event.painted
        st.rerun()
    if event.click and not here.is_brushing:
        pick(here, made, event.click)


def choose_target(here: ExplainState, made: Ready) -> None:
    """What is explained: a label, alone or rather than another."""
    prediction = made.prediction.named
    is_known = prediction.probabilities is not None and not prediction.outside.is_outside
    order = sorted(prediction.labels, key=lambda label: -prediction.probability(label)) if is_known else list(prediction.labels)
    first = 0 if is_known else None  # of an image that the model does not know, a target must be named
    words = {label: label_words(label) + _probability_words(prediction, label, made.is_calibrated, is_known) for label in order}
    here.target = st.selectbox(
        "Target", order, order.index(here.target) if here.target in order else first, key=f"explain.target.{here.name}.{here.key}",
        format_func=apart(order, words.__getitem__), placeholder="Choose what to explain",
    ) or ""  # fmt: skip
    rest = [NOBODY, *_disjoint(made, here.target, order)]
    here.against = st.selectbox(
        "Rather than", rest, rest.index(here.against) if here.against in rest else 0,
        key=f"explain.against.{here.name}.{here.key}.{here.target}",
        format_func=apart(rest, lambda label: label_words(label) if label else "nothing: the target by itself"),
        help="Explain what speaks for the target rather than for this label: the difference of their logits.",
    )  # fmt: skip


def what_is_known(made: Ready) -> None:
    """A banner where the model does not know the image."""
    outside = made.prediction.outside
    if outside.is_outside:
        note("Outside what this model knows", f"{say(outside.reason)} The maps show how the model reacts, not a finding.")
    elif not made.is_calibrated:
        quiet("Numbers beside the targets are scores: the model is not calibrated, and they are no probabilities.")


def choose_drawing(here: ExplainState) -> None:
    """How maps lie over images."""
    here.opacity = st.slider("Opacity of all maps", 0, 100, here.opacity, format="%d %%", key=f"explain.opacity.{here.name}")
    here.side = EvidenceSide(
        st.segmented_control(
            "Evidence", list(EvidenceSide), default=here.side, required=True, format_func=apart(list(EvidenceSide), _SIDES.__getitem__),
            key=f"explain.side.{here.name}", help="Of maps with a sign, what speaks for the target, what speaks against it, or both.",
        )
    )  # fmt: skip


def _disjoint(made: Ready, target: str, labels: Sequence[str]) -> list[str]:
    """Labels that the target does not hold: a parent label is no rival of its own members."""
    parents = made.prediction.parents
    mine = set(parents.get(target, (target,)))
    return [label for label in labels if not mine & set(parents.get(label, (label,)))] if target else []


def _probability_words(prediction: Prediction, label: str, is_calibrated: bool, is_known: bool) -> str:
    if not is_known:
        return ""
    return f", {'' if is_calibrated else 'score '}{probability_words(prediction.probability(label))}"
