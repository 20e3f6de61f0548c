"""Models: what the models here know and do not know, and a model of your own."""

from __future__ import annotations

import streamlit as st

from core.errors import SightlineError
from core.ui.models.own import WANTED, known_models, own_model_form
from core.ui.models.page import model_page
from core.ui.state.errors import guarded, show_error
from core.ui.state.session import session
from core.ui.widgets.bars import quiet
from core.ui.widgets.choices import apart
from models.registry import ModelSummary

HERE = session()


def choose(models: dict[str, ModelSummary]) -> ModelSummary:
    """The model that is shown."""
    first = next(iter(models))
    wanted = st.session_state.pop(WANTED, st.session_state.get("models.chosen"))
    st.session_state["models.chosen"] = wanted if wanted in models else first
    chosen = st.segmented_control(
        "Model", list(models), key="models.chosen", required=True, label_visibility="collapsed",
        format_func=apart(list(models), lambda name: models[name].title),
    )  # fmt: skip
    return models[chosen or first]


try:
    found = {model.id: model for model in known_models()}
except SightlineError as error:
    found = {}
    show_error(error)
if found:
    with guarded():
        model_page(choose(found))
else:
    quiet("There are none yet. A model is a folder in models/zoo, or wherever SIGHTLINE_ZOO points; `sightline train` writes one.")
st.divider()
st.markdown("#### Use your own")
own_model_form(HERE)
