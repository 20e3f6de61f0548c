"""What the models on this machine are and know, from their cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from core.errors import SightlineError
from core.explain.catalogue import methods_for
from core.report.model_facts import card_limits
from core.ui.state.errors import show_error
from core.ui.widgets.bars import quiet
from core.ui.widgets.words import label_words, method_words
from models.registry import ModelSummary, list_models

_FIGURES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "auroc": "AUROC",
    "coverage": "Coverage of the 90 % prediction sets",
    "ece": "Calibration error",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
}
PARENT_KINDS = ("accuracy", "auroc")
"""Figures that a card also gives for labels taken together, such as pneumonia of either kind."""
SHARE = 1.0
"""Figures up to this are shares and get three decimals, as in the card: two would make some of them 1.00."""
MOST_LIMITS = 3
"""Limits that a card on the Home page names; the model's own card names all."""


_MOST_LABELS = 30
"""Labels that are listed; a classifier of everyday pictures has a thousand."""


def label_list(labels: Sequence[str]) -> str:
    """The labels as a list of HTML, the first of them where there are many."""
    named = [label_words(label) for label in labels[:_MOST_LABELS]]
    more = len(labels) - len(named)
    items = "".join(f"<li>{escape(words)}</li>" for words in [*named, *([f"and {more:,} more"] if more else [])])
    return f'<ul class="labels">{items}</ul>'


def model_cards() -> None:
    """A card for each model of the zoo, or where models come from."""
    try:
        models = list_models()
    except SightlineError as error:
        show_error(error)
        return
    if not models:
        quiet("There are none yet. A model is a folder in models/zoo, or wherever SIGHTLINE_ZOO points; `sightline train` writes one.")
        return
    st.html(f'<div class="cards">{"".join(_card(model) for model in models)}</div>')
    quiet("Figures are of images that were held back from the training, with 95 % intervals. Images of other places or devices are harder.")


def _card(model: ModelSummary) -> str:
    card = model.card
    facts = [
        ("Task", card.task),
        ("Reads", card.modality),
        *figures(card.metrics),
        ("Measured", measured_words(model)),
        ("Explained by", ", ".join(method_words(method) for method in methods_for(model))),
        ("Licence", card.licence),
    ]
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)
    limits = "".join(f"<p>{escape(limit)}</p>" for limit in card_limits(card)[:MOST_LIMITS])
    return (
        f'<article><h5>{escape(model.title)}</h5><p class="quiet">{escape(model.id)}</p>'
        f'{label_list(model.labels)}<dl class="facts">{rows}</dl>'
        + (f'<div class="limits"><b>What it does not know</b>{limits}</div>' if limits else "")
        + "</article>"
    )


def measured_words(model: ModelSummary) -> str:
    """What is said beside the figures of a network that was trained on after they were taken; "" of any other."""
    return "before the network went on with every image, those of the figures included" if model.is_final_fit else ""


def figures(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The figures that tell how good a model is, with intervals: ("Accuracy", "0.934 (0.910 to 0.951)"). The card itself has them all."""
    named = [(_figure_name(name), figure_words(value)) for name, value in metrics.items()]
    return [(name, words) for name, words in named if name and words]


def _figure_name(key: str) -> str:
    """ "AUROC, pneumonia" for pneumonia_auroc; "" for what is not told here."""
    if key in _FIGURES:
        return _FIGURES[key]
    parent, _, kind = key.rpartition("_")
    return f"{_FIGURES[kind]}, {label_words(parent).lower()}" if parent and kind in PARENT_KINDS else ""


def figure_words(value: Any) -> str:
    """A number, [value, low, high], or {"value", "low", "high"}; "" for anything else, which a card may keep for programs."""
    if isinstance(value, Mapping):
        value = [value.get(name) for name in ("value", "low", "high")]
    if not isinstance(value, Sequence) or isinstance(value, str):
        value = [value]
    numbers = [float(part) for part in value if isinstance(part, (int, float)) and not isinstance(part, bool)]
    if len(numbers) == 3:
        return f"{_number(numbers[0])} ({_number(numbers[1])} to {_number(numbers[2])})"
    return _number(numbers[0]) if len(numbers) == 1 else ""


def _number(value: float) -> str:
    if abs(value) <= SHARE:
        return f"{value:.3f}"
    return f"{value:,.0f}" if value == round(value) else f"{value:.3g}"
