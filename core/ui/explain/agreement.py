"""How far methods agree: Spearman's rank correlation between each two maps, over the tokens of the model.

Ranks, since the methods measure in different units; tokens, since a map of tokens has nothing to say about the pixels inside one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import product

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from scipy.stats import spearmanr

from core.render.colours import css, table
from core.types import FloatImage
from core.ui.widgets.bars import quiet
from core.ui.widgets.words import method_words

DARK_BELOW = 0.55
"""Shares of the colour scale below which white ink is read better than black."""


def on_tokens(saliency: FloatImage, grid: tuple[int, int]) -> FloatImage:
    """The mean of a map over each token, float32 [rows, columns] of the grid; the map's sides are multiples of the grid's."""
    rows, columns = grid
    cut = saliency.reshape(rows, saliency.shape[0] // rows, columns, saliency.shape[1] // columns)
    return np.asarray(cut.mean(axis=(1, 3)), dtype=np.float32)


def rank_correlations(maps: Sequence[FloatImage]) -> NDArray[np.float64]:
    """Spearman's rank correlation, float64 [maps, maps]; ties share their mean rank. NaN beside a flat map, which ranks nothing."""
    found = np.full((len(maps), len(maps)), np.nan)
    for one, other in product([place for place, each in enumerate(maps) if np.ptp(each) > 0.0], repeat=2):
        found[one, other] = spearmanr(maps[one].ravel(), maps[other].ravel()).statistic
    return found


def agreement(maps: Mapping[str, FloatImage]) -> None:
    """The matrix of the methods that are there. maps: by method, on the tokens."""
    st.markdown("##### Agreement between methods")
    if len(maps) < 2:
        return quiet("The maps of two methods or more are compared here, once they are there.")
    names = list(maps)
    values = rank_correlations(list(maps.values()))
    head = "".join(f"<th>{escape(method_words(name))}</th>" for name in names)
    rows = "".join(
        f"<tr><th>{escape(method_words(name))}</th>{''.join(_cell(value, row == column) for column, value in enumerate(values[row]))}</tr>"
        for row, name in enumerate(names)
    )
    st.html(f'<div class="wide"><table class="agreement"><tr><th></th>{head}</tr>{rows}</table></div>')
    return quiet(
        "Spearman's rank correlation over the tokens: 1, the same order; 0, none in common; below 0, the opposite order. "
        "Agreement is no proof: methods can agree and be wrong."
    )


def _cell(value: float, is_itself: bool) -> str:
    if is_itself:
        return '<td class="itself">1</td>'
    if not np.isfinite(value):
        return '<td class="itself">flat</td>'
    share = min(1.0, max(0.0, (value + 1) / 2))
    red, green, blue = (int(level) for level in table()[round(share * 255)])
    ink = "#ffffff" if share < DARK_BELOW else "#101417"
    return f'<td style="background:{css((red, green, blue))};color:{ink}">{value:z.2f}</td>'
