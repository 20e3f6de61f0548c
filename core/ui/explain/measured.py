"""How a map was measured: what it was made with, and whether it depends on what it claims to show, which is checked when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.report.inside import inside_notices
from core.report.map_words import correlation_words
from core.report.notices import say
from core.types import Correlation, Explanation, Sanity
from core.ui.explain.page_state import ExplainState, Ready
from core.ui.explain.work import sanity_task, start_sanity
from core.ui.state.progress import result_of
from core.ui.state.session import Session
from core.ui.widgets.bars import Bar, bars, quiet, removal_bars
from core.ui.widgets.faithfulness import completeness_words
from core.ui.widgets.words import label_words

SILENT = frozenset({"seed", "internal_batch_size", "perturbations_per_eval", "removal_steps", "random_maps"})
"""Parameters that change the cost of a map, or are said once for all."""


def how_measured(session: Session, here: ExplainState, made: Ready, result: Explanation) -> None:
    """What stands folded under a map."""
    with st.expander("How measured"):
        removal_bars(result.deletion, result.insertion)
        quiet(f"Pale bands: {result.gain.random_maps} random maps as smooth. Lower deletion and higher insertion are better.")
        if result.completeness_error is not None:
            quiet(completeness_words(result.completeness_error, result.target.number_name))
        if not result.class_specific:
            quiet("The same map for every target: it follows attention, not evidence.")
        for one in (*inside_notices(result.inside), *(each for each in result.assumptions if each.code.startswith("explanation."))):
            quiet(say(one))
        quiet(say(result.worth))
        quiet(f"{result.seconds:.1f} s, {parameter_words(result.parameters)}.")
        task = sanity_task(session, here, result)
        if task.is_empty and not task.was_stopped:
            quiet("Sanity: not measured.")
            key = f"explain.sanity.{here.name}.{here.key}.{result.method}"
            if st.button("Check sanity", key=key, help="The map is made again with weights made random, under noise, for another label."):
                start_sanity(session, here, made, result)
                st.rerun()
            return
        found = result_of(task, f"explain.sanity.{here.name}.{result.method}")
        if found is not None:
            sanity(found, result)


def sanity(found: Sanity, result: Explanation) -> None:
    """The checks as bars, each with what it means."""
    st.markdown("###### Sanity")
    if found.randomised is None:
        quiet("Random weights: not checked, since a map of this method takes dozens of passes or more, and the check some thousands.")
    else:
        quiet("Rank correlation with this map when weights are made random, from the head down; a map that shows what was learnt loses it.")
        bars(_bar(part.capitalize(), each) for part, each in zip(found.parts, found.randomised, strict=True))
    quiet("Under noise of 1 % of the range, and for the next likeliest label:")
    other = label_words(found.other) if found.other else "Another label"
    bars((_bar("Slight noise", found.stability), _bar(other, found.target)))
    if not result.class_specific:
        quiet("1 by construction: the map is the same for every label.")


def _bar(label: str, correlation: Correlation) -> Bar:
    return Bar(label, max(0.0, correlation) if isinstance(correlation, float) else 0.0, correlation_words(correlation))


def parameter_words(parameters: Mapping[str, Any]) -> str:
    """ "steps 32, baseline mean, window 8 x 8": what decides on the map."""
    shown = {name: value for name, value in parameters.items() if name not in SILENT and value is not None}
    return ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in shown.items())


def _plain(value: object) -> str:
    return " x ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
