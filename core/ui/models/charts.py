"""Charts of what was measured of a model: calibration, confusion, accuracy against answers withheld or tokens left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.ui.widgets.words import label_words
from models.measured import Answered, Bin, Dropped

INK, QUIET, ACCENT, PANEL = "#dfe4e6", "#8b979d", "#5fc3b4", "#14181b"
LINE, DARK = "#2a3135", "#0a0c0e"
_HEIGHT = 300
"""Pixels of a chart."""
LEAST_ON_DARK = 0.55
"""Share of a row from which a cell of the confusion matrix is light enough for dark letters."""


def reliability_chart(bins: Sequence[Bin]) -> go.Figure:
    """How often the model is right where it says p; on the diagonal it is calibrated. The size of a point grows with its images."""
    most = max(one.count for one in bins)
    figure = go.Figure(
        [
            go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": QUIET, "dash": "dot", "width": 1}, hoverinfo="skip"),
            go.Scatter(
                x=[one.confidence for one in bins],
                y=[one.accuracy for one in bins],
                mode="markers+lines",
                line={"color": ACCENT, "width": 1},
                marker={"color": ACCENT, "size": [6 + 14 * (one.count / most) ** 0.5 for one in bins]},
                customdata=[one.count for one in bins],
                hovertemplate="says %{x:.2f}, right in %{y:.2f} of %{customdata} images<extra></extra>",
            ),
        ]
    )
    return _dressed(figure, "Probability of the answer", "Share that is right", (0, 1.02), (0, 1.05))


def confusion_chart(confusion: Sequence[Sequence[int]], labels: Sequence[str]) -> go.Figure:
    """Rows are the truth, columns the answers; the colour is the share of the row, the number the count of images."""
    counts = np.array(confusion)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    names = [label_words(label) for label in labels]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=names,
            y=names,
            colorscale=[[0, PANEL], [1, ACCENT]],
            zmin=0,
            zmax=1,
            showscale=False,
            customdata=counts,
            xgap=2,
            ygap=2,
            hovertemplate="%{y} answered as %{x}: %{customdata} images (%{z:.0%})<extra></extra>",
        )
    )
    for row, column in np.ndindex(counts.shape):
        letters = {"color": DARK if shares[row, column] >= LEAST_ON_DARK else INK, "size": 12}
        figure.add_annotation(x=names[column], y=names[row], text=f"{counts[row, column]:,}", showarrow=False, font=letters)
    figure = _dressed(figure, "Answer", "Truth", None, None)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)
    return figure.update_layout(height=max(_HEIGHT, 34 * len(labels) + 120))


def answered_chart(answered: Sequence[Answered]) -> go.Figure:
    """Accuracy on the share of images of which the model is surest."""
    low = min(one.accuracy for one in answered)
    figure = _accuracies(answered, "lines", "of the images answered")
    return _dressed(figure, "Share of images answered", "Accuracy", (0, 1.02), (max(0.0, low - 0.05), 1.005))


def dropped_chart(dropped: Sequence[Dropped]) -> go.Figure:
    """Accuracy when a random share of the tokens is left out: a network that falls at once makes measurements of maps say little."""
    figure = _accuracies(dropped, "lines+markers", "of the tokens left out")
    return _dressed(figure, "Share of tokens left out", "Accuracy", (-0.03, 0.8), (0, 1.02))


def _accuracies(points: Sequence[Answered] | Sequence[Dropped], mode: str, share_of: str) -> go.Figure:
    return go.Figure(
        go.Scatter(
            x=[one.share for one in points],
            y=[one.accuracy for one in points],
            mode=mode,
            line={"color": ACCENT, "width": 2},
            hovertemplate=f"%{{x:.0%}} {share_of}: accuracy %{{y:.3f}}<extra></extra>",
        )
    )


def _dressed(
    figure: go.Figure, across: str, up: str, x_range: tuple[float, float] | None, y_range: tuple[float, float] | None
) -> go.Figure:
    axis = {"gridcolor": LINE, "zeroline": False, "linecolor": LINE, "tickfont": {"color": QUIET}}
    figure.update_xaxes(title={"text": across, "font": {"color": QUIET, "size": 13}}, range=x_range, automargin=True, **axis)
    figure.update_yaxes(title={"text": up, "font": {"color": QUIET, "size": 13}}, range=y_range, automargin=True, **axis)
    return figure.update_layout(
        height=_HEIGHT,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK},
    )
