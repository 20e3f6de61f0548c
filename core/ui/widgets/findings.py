"""What a model says about an image: calibrated probabilities as bars, the 90 % prediction set marked, or why there is no answer."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.report.headline import candidates_words, looks_words
from core.report.notices import say
from core.types import Prediction
from core.ui.widgets.bars import Bar, bars, note, quiet
from core.ui.widgets.words import label_words, library_words

MOST_LABELS = 12
"""Labels whose bars are drawn, the most probable first; a classifier of everyday pictures has a thousand."""


def findings(prediction: Prediction, coverage: float | None, knows: str = "") -> None:
    """Bars, or the reason in place of them. coverage: what the conformal set was made for; None for scores that are not calibrated.

    knows: the sentence of the model's card on what it knows.
    """
    if prediction.outside.is_outside or prediction.probabilities is None:
        note("Outside what this model knows", say(prediction.outside.reason))
        quiet("No probabilities are shown: they would mean nothing here.")
    elif prediction.searched_for is not None:
        _search(prediction, prediction.searched_for, knows)
    else:
        _answer(prediction.named, coverage, knows)
    for assumption in prediction.assumptions:
        quiet(say(assumption))
    _provenance(prediction)


def _answer(prediction: Prediction, coverage: float | None, knows: str) -> None:
    assert prediction.probabilities is not None
    looks, seen_as = looks_words(prediction)
    if prediction.prediction is None:
        note("The model abstains", _abstention(prediction, coverage))
    elif coverage is not None:
        st.markdown(f"#### {looks or label_words(prediction.prediction)}")
        quiet(answer_words(prediction, coverage))
    for sentence in filter(None, (seen_as and f"{seen_as[:1].upper()}{seen_as[1:]}.", knows)):
        st.text(sentence)
    order = np.argsort(-prediction.probabilities, kind="stable")
    bars(
        Bar(
            label_words(prediction.labels[index]),
            float(prediction.probabilities[index]),
            probability_words(float(prediction.probabilities[index])),
            is_chosen=prediction.labels[index] == prediction.prediction,
            mark="in the set" if coverage is not None and prediction.labels[index] in prediction.conformal_set else "",
        )
        for index in order[:MOST_LABELS]
    )
    if len(order) > MOST_LABELS:
        quiet(f"And {len(order) - MOST_LABELS:,} labels that are less likely.")
    if coverage is None:
        quiet("These are scores: the model is not calibrated, and they are no probabilities.")
    else:
        quiet(f"The set holds the truth for {100 * coverage:.0f} % of images like those that the model was calibrated on.")
    for name, value in (prediction.heads or {}).items():
        if isinstance(value, (int, float)):
            quiet(f"{label_words(name)}, all kinds together: {probability_words(float(value))}.")
        else:
            label, probability = label_words(value["labels"][-1]).lower(), float(value["probabilities"][-1])
            quiet(f"{label_words(name)}, as readers of such images would rate it: {label} {probability_words(probability)}.")


def _search(prediction: Prediction, label: str, knows: str) -> None:
    """What is headlined is how many candidates there are; the highest of many windows is a score."""
    words = candidates_words(prediction)
    st.markdown(f"#### {words[:1].upper()}{words[1:]}")
    if knows:
        st.text(knows)
    quiet(f"Highest score of {label_words(label).lower()} in all windows: {prediction.probability(label):.2f}, no probability.")


def answer_words(prediction: Prediction, coverage: float) -> str:
    """ "0.83 (calibrated; 90 % prediction set: bacterial pneumonia, viral pneumonia)."."""
    labels = ", ".join(label_words(label).lower() for label in prediction.conformal_set)
    value = probability_words(prediction.probability(str(prediction.prediction)))
    return f"{value} (calibrated; {100 * coverage:.0f} % prediction set: {labels})."


def probability_words(value: float) -> str:
    """Two decimals; never 1.00 or 0.00, which nobody can know."""
    if value >= 0.995:
        return "> 0.99"
    return "< 0.01" if value < 0.005 else f"{value:.2f}"


def _abstention(prediction: Prediction, coverage: float | None) -> str:
    wanted = f"{100 * (coverage or 0.9):.0f} %"
    if prediction.conformal_set:
        return f"To be right {wanted} of the time it would have to name every label."
    return f"No label is likely enough for its {wanted} set."


def _provenance(prediction: Prediction) -> None:
    seconds = prediction.seconds.get("forward", 0.0)
    computed = f"{library_words(prediction.runtime)} {prediction.precision} on {prediction.device}"
    quiet("Not for clinical use.")
    with st.expander("How"):
        quiet(f"{prediction.model}, weights {prediction.weights}, {computed}, {seconds:.2f} s.")
