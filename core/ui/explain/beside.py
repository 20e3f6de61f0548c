"""Two images or two models side by side: the same methods and the same settings on either, each with its own target and its own ruler."""

from __future__ import annotations

import streamlit as st

from core.report.notices import say
from core.ui.explain.maps import maps
from core.ui.explain.page_state import ExplainState, Ready
from core.ui.explain.subject import choose_target, image_as_it_is, image_as_it_is_read, what_is_known
from core.ui.explain.work import chosen_methods, input_task, models_by_fit
from core.ui.state.progress import result_of
from core.ui.state.session import Session
from core.ui.widgets.bars import note, quiet
from core.ui.widgets.choices import apart

ALONE, OTHER_MODEL, OTHER_IMAGE = "", "model", "image"
_BESIDE = {ALONE: "Alone", OTHER_MODEL: "Beside another model", OTHER_IMAGE: "Beside another image"}


def choose_beside(session: Session, here: ExplainState) -> ExplainState | None:
    """What stands at the right; None where the image stands alone. Choices that there are not are not offered."""
    models = {name: each for name, each in models_by_fit(here.image).items() if name != here.model}
    images = [place for place in range(len(here.images)) if place != here.chosen]
    offered = [ALONE, *([OTHER_MODEL] if models else []), *([OTHER_IMAGE] if images else [])]
    if len(offered) == 1:
        return None
    how, what = st.columns([3, 4], vertical_alignment="bottom")
    taken = how.segmented_control(
        "Side by side", offered, default=here.beside if here.beside in offered else ALONE, required=True,
        format_func=apart(offered, _BESIDE.__getitem__), key=f"explain.beside.{here.name}.{here.chosen}.{here.model}",
        help="Open several files at once to set two images side by side.", label_visibility="collapsed",
    )  # fmt: skip
    here.beside = str(taken)
    if here.beside == ALONE:
        _let_go(session, here)
        return None
    if here.beside == OTHER_MODEL:
        names = list(models)
        model = what.selectbox(
            "The other model", names, format_func=apart(names, lambda name: models[name].title), label_visibility="collapsed",
            key=f"explain.beside.model.{here.name}.{here.chosen}.{here.model}",
        )  # fmt: skip
        return _second(session, here, here.chosen, model)
    chosen = what.selectbox(
        "The other image", images, format_func=apart(images, lambda place: here.images[place].name), label_visibility="collapsed",
        key=f"explain.beside.image.{here.name}.{here.chosen}",
    )  # fmt: skip
    return _second(session, here, chosen, here.model)


def two(session: Session, here: ExplainState, other: ExplainState) -> None:
    """Both panes. What was chosen for the first holds for the second: methods, settings, opacity, side of the evidence."""
    other.knobs, other.opacity, other.side = here.knobs, here.opacity, here.side
    for pane, column in zip((here, other), st.columns(2, gap="large"), strict=True):
        with column:
            made = _ready(session, pane)
            if made is None:
                continue
            if pane is other:
                _share_methods(session, here, other, made)
            image_as_it_is_read(pane, made)
            choose_target(pane, made)
            what_is_known(made)
            if pane.target:
                maps(session, pane, made)
            else:
                quiet("Choose a target: the model has no answer of its own for this image.")


def _ready(session: Session, pane: ExplainState) -> Ready | None:
    known = models_by_fit(pane.image)
    st.html(f'<h5 class="card-title">{known[pane.model].title if pane.model in known else pane.model}</h5>')
    quiet(pane.image.name)
    task = input_task(session, pane)
    made = result_of(task, f"explain.ready.{pane.name}")
    if made is not None and made.given.is_empty:
        image_as_it_is(pane)
        note("This model cannot read this image", say(made.given.refusal))
        return None
    return made


def _share_methods(session: Session, here: ExplainState, other: ExplainState, made: Ready) -> None:
    first = input_task(session, here).value
    if first is not None:
        other.methods = tuple(method for method in chosen_methods(here, first) if method in made.methods)


def _second(session: Session, here: ExplainState, chosen: int, model: str) -> ExplainState:
    """The state of the right pane; a new one where another image or model is wanted."""
    other = here.other
    if other is None or (other.chosen, other.model) != (chosen, model):
        _let_go(session, here)
        other = here.other = ExplainState(here.images, (), chosen=chosen, model=model, turns=here.turns)
        if chosen == here.chosen:
            other.at = here.at
    return other


def _let_go(session: Session, here: ExplainState) -> None:
    if here.other is not None:
        session.forget(here.other.tasks())
        here.other = None
