"""Explain: one image, several methods beside each other, what a patch attends to, and how far the methods agree."""

from __future__ import annotations

import streamlit as st

from core.report.notices import say
from core.types import Prediction, Scene
from core.ui.explain import page_state as explain
from core.ui.explain.agreement import agreement, on_tokens
from core.ui.explain.intake import empty_state, locator
from core.ui.explain.maps import maps
from core.ui.explain.page_state import ExplainState, Ready
from core.ui.explain.patch import patch_view
from core.ui.state.errors import guarded
from core.ui.state.progress import is_under_way, result_of
from core.ui.state.session import session
from core.ui.widgets.bars import note, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.close import close_button
from core.ui.widgets.findings import probability_words
from core.ui.widgets.refusals import refused
from core.ui.widgets.words import label_words, method_words

HERE = session()


def choose_image_and_model(room: ExplainState) -> bool:
    """The first two choices, and the button that lets go of all. Whether there is a model."""
    image, model, close = st.columns([3, 3, 1], vertical_alignment="bottom")
    names = [each.name for each in room.images]
    chosen = image.selectbox(
        "Image", range(len(names)), room.chosen, format_func=apart(range(len(names)), names.__getitem__), key=f"explain.image.{room.name}"
    )
    if chosen != room.chosen:
        room.chosen, room.model, room.at = chosen, "", None
        room.forget_choices()
    close_button(close, HERE, explain.PAGE, room, "Forget this image; uploads are deleted from this machine.")
    known = explain.models_by_fit(room.image)
    if not known:
        note("No model", "There is no model on this machine. `sightline train` makes one.")
        return False
    ids = list(known)
    taken = model.selectbox(
        "Model", ids, ids.index(room.model) if room.model in known else 0, key=f"explain.model.{room.name}.{room.chosen}",
        format_func=apart(ids, lambda name: known[name].title),
    )  # fmt: skip
    if taken != room.model:
        room.model = taken
        room.forget_choices()
    return True


def choose_target_and_methods(room: ExplainState, made: Ready) -> None:
    """What is explained, by which methods, and how strong the maps lie over the image."""
    target, methods, opacity = st.columns([2, 3, 2], vertical_alignment="bottom")
    prediction = made.prediction
    order = sorted(prediction.labels, key=lambda label: -prediction.probability(label))
    is_known = prediction.probabilities is not None and not prediction.outside.is_outside
    kind = "" if made.is_calibrated else "score "
    probs = {label: f", {kind}{probability_words(prediction.probability(label))}" if is_known else "" for label in order}
    room.target = target.selectbox(
        "Target", order, order.index(room.target) if room.target in order else 0, key=f"explain.target.{room.name}.{room.key}",
        format_func=apart(order, lambda label: label_words(label) + probs[label]),
    )  # fmt: skip
    room.methods = tuple(
        methods.pills(
            "Methods", made.methods, selection_mode="multi", default=list(room.methods or made.methods),
            format_func=apart(made.methods, method_words), key=f"explain.methods.{room.name}",
        )
    )  # fmt: skip
    room.opacity = opacity.slider("Opacity of all maps", 0, 100, room.opacity, format="%d %%", key=f"explain.opacity.{room.name}")


def assumptions(prediction: Prediction) -> None:
    """What was taken for granted of the input, before anything was explained."""
    if prediction.assumptions:
        st.markdown("##### Assumptions")
    for assumption in prediction.assumptions:
        quiet(f"Assumed: {say(assumption)}")


def bench(room: ExplainState) -> None:
    """Everything on one image."""
    refused(room.refused)
    if not choose_image_and_model(room):
        return
    made = result_of(explain.input_task(HERE, room), "explain.ready")
    if made is None:
        return
    if made.given.is_empty:
        note("This model cannot read this image", say(made.given.refusal))
        return
    choose_target_and_methods(room, made)
    outside = made.prediction.outside
    if outside.is_outside:
        note("Outside what this model knows", f"{say(outside.reason)} The maps show how the model reacts, not a finding.")
    elif not made.is_calibrated:
        quiet("Numbers beside the targets are scores: the model is not calibrated, and they are no probabilities.")
    left, right = st.columns([2.1, 1], gap="large")
    with left, guarded():
        found = maps(HERE, room, made) if room.methods else {}
        if not room.methods:
            quiet("Choose a method.")
        agreement({method: on_tokens(result.saliency, made.grid) for method, result in found.items()})
        assumptions(made.prediction)
    with right.container(key="explain-patch"), guarded():
        patch_view(HERE, room, made)
        if isinstance(room.image, Scene) and made.given.box[2:] != (room.image.width, room.image.height):
            locator(room, room.image, made.given)


is_arriving = is_under_way(explain.PAGE.arrival(HERE), "explain.arrival")
open_room = explain.PAGE.state(HERE)
if open_room:
    bench(open_room)
elif not is_arriving:
    wanted = empty_state(HERE)
    if wanted:
        explain.open_in(HERE, wanted)
        st.rerun()
