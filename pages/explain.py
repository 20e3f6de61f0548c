"""Explain: one image, several methods beside each other, what a patch attends to, and how far the methods agree."""

from __future__ import annotations

import streamlit as st

from core.report.notices import say
from core.types import Prediction, Scene
from core.ui.explain import page_state as explain
from core.ui.explain.agreement import agreement, on_tokens
from core.ui.explain.beside import choose_beside, two
from core.ui.explain.cheater import game, game_of
from core.ui.explain.exports import notebook_export
from core.ui.explain.intake import empty_state, locator
from core.ui.explain.knobs import knobs
from core.ui.explain.maps import maps
from core.ui.explain.masking import choose_hand, masked_answer
from core.ui.explain.page_state import ExplainState, Ready
from core.ui.explain.patch import choose_token, patch_view
from core.ui.explain.subject import choose_drawing, choose_target, image_as_it_is, image_as_it_is_read, what_is_known
from core.ui.explain.work import chosen_methods, input_task, measured_maps, models_by_fit
from core.ui.state.errors import guarded
from core.ui.state.progress import is_under_way, result_of
from core.ui.state.session import session
from core.ui.widgets.bars import note, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.close import close_button
from core.ui.widgets.faithfulness import HEATMAP, HEATMAP_OF_A_SCENE
from core.ui.widgets.refusals import refused
from core.ui.widgets.words import method_words

HERE = session()
PARTS = {False: [1, 2], True: [1, 1, 1]}
"""Widths of image and maps, and of the rail that a token opens."""


def choose_image_and_model(state: ExplainState) -> bool:
    """The first two choices, and the button that lets go of all. Whether there is a model."""
    image, model, close = st.columns([3, 3, 1], vertical_alignment="bottom")
    names = [each.name for each in state.images]
    chosen = image.selectbox(
        "Image", range(len(names)), state.chosen, format_func=apart(range(len(names)), names.__getitem__), key=f"explain.image.{state.name}"
    )
    if chosen != state.chosen:
        state.chosen, state.model, state.at = chosen, "", None
        state.forget_choices()
    close_button(close, HERE, explain.PAGE, state, "Close this image; uploads are deleted from this machine.")
    known = models_by_fit(state.image)
    if not known:
        note("No model", "There is no model on this machine. `sightline train` makes one.")
        return False
    ids = list(known)
    taken = model.selectbox(
        "Model", ids, ids.index(state.model) if state.model in known else 0, key=f"explain.model.{state.name}.{state.chosen}",
        format_func=apart(ids, lambda name: known[name].title),
    )  # fmt: skip
    if taken != state.model:
        state.model = taken
        state.forget_choices()
    return True


def choose_methods(state: ExplainState, made: Ready) -> None:
    """By which methods; those that win in the model's benchmark stand first."""
    chosen = chosen_methods(state, made)
    taken = st.pills(
        "Methods", made.methods, selection_mode="multi", default=list(chosen), format_func=apart(made.methods, method_words),
        key=f"explain.methods.{state.name}.{state.model}",
        help="First the methods whose maps were supported most often when this model gave this answer.",
    )  # fmt: skip
    state.methods = tuple(method for method in made.methods if method in taken) if set(taken) != set(chosen) else state.methods


def assumptions(prediction: Prediction) -> None:
    """What was taken for granted of the input, before anything was explained."""
    if prediction.assumptions:
        st.markdown("##### Assumptions")
    for assumption in prediction.assumptions:
        quiet(say(assumption))


def explained(state: ExplainState, made: Ready) -> None:
    """The maps, and how far they agree."""
    what_is_known(made)
    choose_methods(state, made)
    knobs(state, made, chosen_methods(state, made))
    choose_token(state, made)
    if not (state.target and chosen_methods(state, made)):
        quiet("Choose a method." if state.target else "Choose a target: the model has no answer of its own for this image.")
        return
    found = maps(HERE, state, made)
    agreement({method: on_tokens(result.saliency, made.grid) for method, result in found.items()})
    notebook_export(state, found)
    assumptions(made.prediction)
    quiet(HEATMAP_OF_A_SCENE if isinstance(state.image, Scene) else HEATMAP)


def opened_page(state: ExplainState) -> None:
    """Everything on one image, or on two."""
    refused(state.refused)
    if not choose_image_and_model(state):
        return None
    other = choose_beside(HERE, state)
    if other is not None:
        return two(HERE, state, other)
    return alone(state)


def alone(state: ExplainState) -> None:
    """The image at the left, its maps, and the rail that a token opens."""
    parts = st.columns(PARTS[state.has_token], gap="large")
    subject, middle = parts[0].container(key="explain-subject"), parts[1].container()
    task = input_task(HERE, state)
    task.wait(explain.IMAGE_FIRST_SECONDS)
    made = task.value
    if made is None:
        with subject, guarded():
            image_as_it_is(state)
        with middle, guarded():
            if result_of(task, "explain.ready") is not None:  # it was done meanwhile
                st.rerun()
        return
    if made.given.is_empty:
        with subject, guarded():
            image_as_it_is(state)
        with middle:
            note("This model cannot read this image", say(made.given.refusal))
        return
    with subject, guarded():
        image_as_it_is_read(state, made)
        choose_hand(state)
        masked_answer(HERE, state, made, measured_maps(state, made))
        choose_target(state, made)
        choose_drawing(state)
        if isinstance(state.image, Scene) and made.given.box[2:] != (state.image.width, state.image.height):
            locator(state, state.image, made.given)
    with middle, guarded():
        twins = None if made.prediction.outside.is_outside else game_of(state)
        if twins is None:
            explained(state, made)
        else:
            game(HERE, state, twins)
    if state.has_token:
        with parts[2].container(key="explain-patch"), guarded():
            patch_view(HERE, state, made)


is_arriving = is_under_way(explain.PAGE.arrival(HERE), "explain.arrival")
opened = explain.PAGE.state(HERE)
if opened:
    opened_page(opened)
elif not is_arriving:
    wanted = empty_state(HERE)
    if wanted:
        explain.open_in(HERE, wanted)
        st.rerun()
