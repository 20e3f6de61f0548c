"""One model on the Models page: what it knows, how good it is, where it stops, and its whole card."""

from __future__ import annotations

import re
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from core.explain.catalogue import methods_for
from core.report.model_facts import card_limits, card_section
from core.ui.models.cards import figures, label_list, measured_words
from core.ui.models.charts import answered_chart, confusion_chart, dropped_chart, reliability_chart
from core.ui.models.own import lacks
from core.ui.widgets.bars import facts, note, quiet
from core.ui.widgets.words import label_words, method_words
from models.measured import Measurement, OperatingPoint, read_measured
from models.registry import ModelSummary

TABLES = ("faithfulness", "out-of-distribution detector")
"""Sections of the card that are shown as they are."""
USUAL_PREVALENCE = 10
"""In 100; where the reader's slider begins."""
EXAMINED = 100
"""Images that false alarms are counted in."""


def model_page(model: ModelSummary) -> None:
    """Everything that is known of a model."""
    measured = read_measured(model.folder)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _knows(model)
    with right:
        _curves(measured)
        _operating_points(measured, model.id)
        if not measured:
            _table(model, "figures")
    for heading in TABLES:
        _table(model, heading)
    if model.card.text:
        with st.expander("The whole card"):
            st.markdown(without_pictures(model.card.text))


def positive_predictive_value(point: OperatingPoint, prevalence: float) -> float:
    """Share of the images that are found which truly are so (Altman and Bland 1994). prevalence in (0, 1); NaN where nothing is found."""
    true = point.sensitivity * prevalence
    found = true + (1.0 - point.specificity) * (1.0 - prevalence)
    return true / found if found > 0.0 else float("nan")


def false_alarms(point: OperatingPoint, prevalence: float) -> float:
    """Images in 100 examined that are found although they are not so."""
    return EXAMINED * (1.0 - point.specificity) * (1.0 - prevalence)


def without_pictures(markdown: str) -> str:
    """Markdown whose pictures are links: a card from elsewhere must not make the browser fetch anything."""
    return re.sub(r"!(?=\[)", "", markdown)


def _knows(model: ModelSummary) -> None:
    card = model.card
    st.markdown(f"#### {model.title}")
    st.html(f'<div class="cards">{label_list(model.labels)}</div>')
    rows, columns = model.preprocess.size
    facts(
        [
            ("Name", model.id),
            ("Task", card.task),
            ("Reads", card.modality),
            ("Input", f"{rows} x {columns} px, {', '.join(model.preprocess.channels)}"),
            *figures(card.metrics),
            ("Measured", measured_words(model)),
            ("Explained by", ", ".join(method_words(method) for method in methods_for(model))),
            ("Licence", card.licence),
        ]
    )
    if card.metrics:
        quiet("Figures are of images that were held back from the training, with 95 % intervals. Others are harder.")
    missing = lacks(model)
    if missing:
        note("What this model lacks", " ".join(missing))
    limits = card_limits(card)
    if limits:
        st.markdown("##### What it does not know")
        for limit in limits:
            quiet(limit)


def _curves(measured: Sequence[Measurement]) -> None:
    if not measured or not measured[0].confusion:
        return
    main = measured[0]
    quiet(f"On {main.count:,} validation images of {main.origin}.")
    charts: list[tuple[str, go.Figure]] = [
        ("Calibration", reliability_chart(main.reliability)),
        ("Accuracy-coverage curve", answered_chart(main.answered)),
        ("Confusion matrix", confusion_chart(main.confusion, main.labels)),
    ]
    if main.dropped:
        charts.append(("Robustness to token dropping", dropped_chart(main.dropped)))
    columns = st.columns(2, gap="medium")
    for number, (title, chart) in enumerate(charts):
        with columns[number % 2]:
            st.markdown(f"##### {title}")
            st.plotly_chart(chart, width="stretch", config={"displayModeBar": False}, key=f"models.chart.{number}")


def _operating_points(measured: Sequence[Measurement], name: str) -> None:
    points = [(one.origin, point) for one in measured for point in one.operating_points]
    if not points:
        return
    st.markdown("##### Operating points")
    given = st.slider("Prevalence, in 100 images examined", 1, 60, USUAL_PREVALENCE, key=f"models.prevalence.{name}")
    prevalence = given / EXAMINED
    rows = [
        {
            "Images": origin,
            "Found from": f"P({label_words(point.label).lower()}) >= {point.threshold:.3f}",
            "Chosen for": "one half" if point.aim is None else f"{100 * point.aim:.0f} % sensitivity",
            "Sensitivity": f"{point.sensitivity:.3f}",
            "Specificity": f"{point.specificity:.3f}",
            "Positive predictive value": f"{100 * positive_predictive_value(point, prevalence):.0f} %",
            "False alarms per 100": f"{false_alarms(point, prevalence):.1f}",
        }
        for origin, point in points
    ]
    st.dataframe(rows, hide_index=True, width="stretch")
    quiet(
        "Thresholds were chosen on the calibration part; sensitivity and specificity are of the validation part. "
        "The last two columns follow from them at the share you set."
    )


def _table(model: ModelSummary, heading: str) -> None:
    text = card_section(model.card, heading)
    if not text:
        return
    st.markdown(f"##### {heading.capitalize()}")
    st.markdown(without_pictures(text))
