"""Explain: one image, several methods beside each other, what a patch attends to, and how far the methods agree."""

from __future__ import annotations

import streamlit as st

from core.explain.overlay import EvidenceSide
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
SIDES = {EvidenceSide.BOTH: "Both", EvidenceSide.FOR: "For", EvidenceSide.AGAINST: "Against"}


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
    known = explain.models_by_fit(state.image)
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


def choose_target_and_methods(state: ExplainState, made: Ready) -> None:
    """What is explained, by which methods, and how strong the maps lie over the image."""
    target, methods, strength = st.columns([2, 3, 2], vertical_alignment="bottom")
    prediction = made.prediction.named
    is_known = prediction.probabilities is not None and not prediction.outside.is_outside
    order = sorted(prediction.labels, key=lambda label: -prediction.probability(label)) if is_known else list(prediction.labels)
    first = 0 if is_known else None  # of an image that the model does not know, a target must be named
    kind = "" if made.is_calibrated else "score "
    probs = {label: f", {kind}{probability_words(prediction.probability(label))}" if is_known else "" for label in order}
    state.target = target.selectbox(
        "Target", order, order.index(state.target) if state.target in order else first, key=f"explain.target.{state.name}.{state.key}",
        format_func=apart(order, lambda label: label_words(label) + probs[label]), placeholder="Choose what to explain",
    ) or ""  # fmt: skip
    state.methods = tuple(
        methods.pills(
            "Methods", made.methods, selection_mode="multi", default=list(state.methods or made.usual),
            format_func=apart(made.methods, method_words), key=f"explain.methods.{state.name}",
        )
    )  # fmt: skip
    state.opacity = strength.slider("Opacity of all maps", 0, 100, state.opacity, format="%d %%", key=f"explain.opacity.{state.name}")
    state.side = EvidenceSide(
        strength.segmented_control(
            "Evidence", list(EvidenceSide), default=state.side, required=True, format_func=apart(list(EvidenceSide), SIDES.__getitem__),
            key=f"explain.side.{state.name}", help="Of maps with a sign, what speaks for the target, what speaks against it, or both.",
        )
    )  # fmt: skip


def assumptions(prediction: Prediction) -> None:
    """What was taken for granted of the input, before anything was explained."""
    if prediction.assumptions:
        st.markdown("##### Assumptions")
    for assumption in prediction.assumptions:
        quiet(say(assumption))


def side_by_side(state: ExplainState) -> None:
    """Everything on one image."""
    refused(state.refused)
    if not choose_image_and_model(state):
        return
    made = result_of(explain.input_task(HERE, state), "explain.ready")
    if made is None:
        return
    if made.given.is_empty:
        note("This model cannot read this image", say(made.given.refusal))
        return
    choose_target_and_methods(state, made)
    outside = made.prediction.outside
    if outside.is_outside:
        note("Outside what this model knows", f"{say(outside.reason)} The maps show how the model reacts, not a finding.")
    elif not made.is_calibrated:
        quiet("Numbers beside the targets are scores: the model is not calibrated, and they are no probabilities.")
    left, right = st.columns([2.1, 1], gap="large")
    with left, guarded():
        found = maps(HERE, state, made) if state.methods and state.target else {}
        if not found and not (state.methods and state.target):
            quiet("Choose a method." if state.target else "Choose a target: the model has no answer of its own for this image.")
        agreement({method: on_tokens(result.saliency, made.grid) for method, result in found.items()})
        assumptions(made.prediction)
    with right.container(key="explain-patch"), guarded():
        patch_view(HERE, state, made)
        if isinstance(state.image, Scene) and made.given.box[2:] != (state.image.width, state.image.height):
            locator(state, state.image, made.given)


is_arriving = is_under_way(explain.PAGE.arrival(HERE), "explain.arrival")
opened = explain.PAGE.state(HERE)
if opened:
    side_by_side(opened)
elif not is_arriving:
    wanted = empty_state(HERE)
    if wanted:
        explain.open_in(HERE, wanted)
        st.rerun()
