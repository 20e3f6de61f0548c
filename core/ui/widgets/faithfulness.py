"""How far a map of where the model looked can be believed: measurements beside every map, and what they mean."""

from __future__ import annotations

import streamlit as st

from core.types import Explanation, RemovalScore
from core.ui.widgets.bars import quiet, removal_bars
from core.ui.widgets.words import label_words

HEATMAP = "A heatmap is not a lesion outline."
HEATMAP_OF_A_SCENE = "A heatmap is not a boundary on the ground."
COMPLETENESS_SMALL = 0.05
"""Relative error up to which attributions add up to the change of the output."""


def belief(explanation: Explanation, caution: str = HEATMAP) -> None:
    """The measurements of one map: bars against random, completeness, and a sentence of what they mean here. caution: what a map is not."""
    removal_bars(explanation.deletion, explanation.insertion)
    st.text(verdict_words(explanation))
    if explanation.completeness_error is not None:
        quiet(completeness_words(explanation.completeness_error))
    if not explanation.class_specific:
        quiet(f"This method draws the same map for every label; its measurements are for {label_words(explanation.target.name).lower()}.")
    maps = explanation.deletion.random_maps
    quiet(f"The pale bands are what {maps} random maps score. Lower deletion and higher insertion are better. {caution}")


def verdict_words(explanation: Explanation) -> str:
    """One sentence on whether the map beats random maps."""
    is_better = [explanation.deletion.verdict == "below", explanation.insertion.verdict == "above"]
    if all(is_better):
        return "Both measures beat random maps: removing what is marked changes the answer more than removing at random."
    if any(is_better):
        which, other = ("Deletion", "insertion") if is_better[0] else ("Insertion", "deletion")
        return f"{which} beats random maps, {other} does not: believe this map with caution."
    return "Neither measure beats random maps: this map says little about what decided the answer."


def completeness_words(error: float) -> str:
    """What a relative completeness error means."""
    held = "they add up" if error <= COMPLETENESS_SMALL else "they do not add up well; more steps would help"
    return f"Completeness: the attributions miss the change of the logit by {100 * error:.1f} %: {held}."


def score_words(name: str, score: RemovalScore) -> str:
    """ "Deletion 0.42; random maps 0.55 (0.47 to 0.63)": for readers who do not see bars."""
    return f"{name} {score.value:.2f}; random maps {score.random_mean:.2f} ({score.random_low:.2f} to {score.random_high:.2f})"


def made_by(explanation: Explanation) -> str:
    """Method and parameters in small print."""
    parameters = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in explanation.parameters.items())
    return f"{explanation.model}, weights {explanation.weights}. {parameters}."
