"""How far a map of where the model looked can be believed: measurements beside every map, and what they mean."""

from __future__ import annotations

import streamlit as st

from core.report.inside import beside_notice, inside_notices
from core.report.notices import say
from core.types import Explanation, Gain, Verdict
from core.ui.widgets.bars import gain_bars, note, quiet, removal_bars
from core.ui.widgets.words import label_words

HEATMAP = "A heatmap is not a lesion outline."
HEATMAP_OF_A_SCENE = "A heatmap is not a boundary on the ground."
WHO = {"centre": "a centred prior", "edges": "the picture of the image's edges", "random_weights": "the same method on random weights"}
COMPLETENESS_SMALL = 0.05
"""Relative error up to which attributions add up to the change of the output."""


def belief(explanation: Explanation, caution: str = HEATMAP) -> None:
    """The measurements of one map: bars against random, completeness, and a sentence of what they mean here. caution: what a map is not."""
    where_it_looked(explanation)
    gain_bars(explanation.gain)
    st.text(verdict_words(explanation.gain))
    quiet(say(explanation.worth))
    removal_bars(explanation.deletion, explanation.insertion)
    if explanation.completeness_error is not None:
        quiet(completeness_words(explanation.completeness_error, explanation.target.number_name))
    if not explanation.class_specific:
        quiet(f"This method draws the same map for every label; its measurements are for {label_words(explanation.target.name).lower()}.")
    quiet(f"{bands_words(explanation.gain)} {caution}")


def where_it_looked(explanation: Explanation) -> None:
    """Where the weight of the map lies, what it is not of, and a warning where much lies beside what an answer should rest on."""
    beside_note(explanation)
    for one in inside_notices(explanation.inside):
        st.text(say(one))
    for one in explanation.assumptions:
        if one.code.startswith("explanation."):
            quiet(say(one))


def beside_note(explanation: Explanation | None) -> None:
    """The warning that an answer goes with where much of its map lies beside what it should rest on; nothing where little does."""
    much = beside_notice(explanation.inside) if explanation is not None else None
    if much is not None:
        note("Look twice", say(much))


def bands_words(gain: Gain) -> str:
    """What the pale bands are, and which way is better."""
    return (
        f"Gain is insertion minus deletion. The pale bands are what {gain.random_maps} random maps as smooth as this one score. "
        "Lower deletion and higher insertion are better."
    )


def verdict_words(gain: Gain) -> str:
    """One sentence on what the ranks support, with the p that it goes by."""
    rank = f"p = {gain.p:.2g} among {gain.random_maps} random maps"
    if gain.verdict is Verdict.WITHIN_RANDOM:
        return f"Not supported: not clearly better than random maps as smooth ({rank})."
    if gain.verdict is Verdict.BELOW_OPPONENT:
        better = " and ".join(WHO[name] for name in gain.better_opponents)
        return (
            f"Not supported: {better} {'do' if len(gain.better_opponents) > 1 else 'does'} as well, and never saw what the network learnt."
        )
    if gain.verdict is Verdict.WITHOUT_OPPONENT:
        return f"Not supported: there is no map of {WHO[gain.missing_opponents[0]]} to set beside it."
    return f"Supported: the map shows what this network uses ({rank}; it beats a centred prior, the image's edges, and random weights)."


def completeness_words(error: float, number: str) -> str:
    """What a relative completeness error means. number: that is attributed."""
    held = "they add up" if error <= COMPLETENESS_SMALL else "they do not add up well; more steps would help"
    return f"Completeness: the attributions miss the change of the {number} by {100 * error:.1f} %: {held}."


def made_by(explanation: Explanation) -> str:
    """Method and parameters in small print."""
    parameters = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in explanation.parameters.items())
    return f"{explanation.model}, weights {explanation.weights}. {parameters}."
