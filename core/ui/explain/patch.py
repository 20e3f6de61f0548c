"""The chosen token, a patch or one before the patches: what it says, what it attends to and what attends to it, by layer and head."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.explain.probes.heads import head_statistics, heads_towards
from core.render.attention import GAP, attention_of, mosaic, scaled_attention
from core.render.heatmap import heat_layer, stops
from core.types import FloatImage
from core.ui.explain.page_state import ExplainState, Ready
from core.ui.explain.pictures import fitted_height, input_picture
from core.ui.explain.work import attention
from core.ui.state.progress import result_of
from core.ui.state.session import Session
from core.ui.viewer import Colours, Grid, Layer, Show, view
from core.ui.widgets.bars import Bar, bars, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.curves import dots_picture
from core.ui.widgets.words import label_words, share

_MOST_LABELS = 4
DIRECTIONS = {True: "Attends to", False: "Attended to by"}
BY_ATTENTION = "rollout"
"""Explains the models whose tokens all attend to each other."""
MEAN = -1
"""The layer slider's first stop: the mean of all layers."""


def choose_token(here: ExplainState, made: Ready) -> None:
    """Chips of [CLS], the distillation token and registers, which lie at no place of the image; and what else a token is for."""
    if not made.before or BY_ATTENTION not in made.methods:
        if not here.has_token:
            quiet("Click a patch of the image or of a map: what it attends to and what attends to it, in each layer and head.")
        return
    chosen = st.pills(
        "Tokens without a place", range(len(made.before)), default=here.before,
        format_func=apart(range(len(made.before)), made.before.__getitem__),
        key=f"explain.before.{here.name}.{here.key}.{here.clicked}",
        help="They attend and are attended to as patches are. Choose one, or click a patch of the image or of a map.",
    )  # fmt: skip
    if chosen != here.before:
        here.before = chosen
        if chosen is not None:
            here.clicked = None
        st.rerun()


def patch_view(session: Session, here: ExplainState, made: Ready) -> None:
    """Everything on the chosen token."""
    title, close = st.columns([2, 1], vertical_alignment="center")
    title.markdown("##### Patch" if here.before is None else f"##### Token {made.before[here.before]}")
    if close.button("Let go", key=f"explain.token.close.{here.name}", help="Let go of this token.", width="stretch"):
        here.clicked = here.before = here.cell = None
        st.rerun()
    if here.clicked is not None:
        quiet(f"{here.clicked[1] + 1} across, {here.clicked[0] + 1} down, of {made.grid[1]} x {made.grid[0]}.")
        _scores(here, made)
    if BY_ATTENTION not in made.methods:
        quiet("This network attends within windows that move from layer to layer: no patch attends to every other.")
        return
    found = result_of(attention(session, here, made), "explain.attention")
    if found is not None:
        _attention(here, made, found)


def _scores(here: ExplainState, made: Ready) -> None:
    if made.token_scores is None or here.clicked is None or made.prediction.outside.is_outside:
        return
    named = replace(made.prediction, probabilities=made.token_scores[here.clicked]).named
    labels, scores = named.labels, named.probabilities
    assert scores is not None
    order = sorted(range(len(labels)), key=lambda index: -scores[index])[:_MOST_LABELS]
    bars(
        Bar(label_words(labels[index]), float(scores[index]), f"{scores[index]:.2f}", is_chosen=labels[index] == here.target)
        for index in order
    )
    calibrated = "the model is calibrated on whole images" if made.is_calibrated else "the model is not calibrated"
    quiet(f"Scores of this token alone; {calibrated}.")


def _attention(here: ExplainState, made: Ready, found: FloatImage) -> None:
    """The chosen layer over the input, and the mosaic of all."""
    layers, heads = found.shape[:2]
    here.is_source = bool(
        st.segmented_control(
            "Direction", list(DIRECTIONS), default=here.is_source, required=True,
            format_func=apart(list(DIRECTIONS), DIRECTIONS.__getitem__), key=f"explain.direction.{here.name}", label_visibility="collapsed",
        )
    )  # fmt: skip
    maps, before = attention_of(found, made.grid, _number(here, made), here.is_source)  # [layers, heads, rows, columns], [layers, heads, B]
    _mosaic(here, maps)
    if not here.is_source:
        _heads_towards(here, made, found)
    chosen = _layer(here, layers)
    part: Any = (slice(None), slice(None)) if chosen == MEAN else (slice(chosen, chosen + 1), slice(None))
    title = f"{'All layers' if chosen == MEAN else f'Layer {chosen + 1}'}, mean of {heads} heads"
    if here.cell is not None and here.cell[0] < layers and here.cell[1] < heads:
        part, title = tuple(slice(at, at + 1) for at in here.cell), f"Layer {here.cell[0] + 1}, head {here.cell[1] + 1}"
    taken = maps[part].mean(axis=(0, 1))
    view(_over_input(here, made, taken), f"explain.attention.{here.name}")
    verb = "gets" if here.is_source else "gives"
    quiet(f"{title}. The strongest patch {verb} {share(float(taken.max()))} of {'the' if here.is_source else 'its'} attention.")
    _shares_before(made, before[part].mean(axis=(0, 1)))
    _statistics(here, made, found)


def _heads_towards(here: ExplainState, made: Ready, found: FloatImage) -> None:
    """Which head looks at this token: of use where something is known to lie there, as a marker."""
    best = heads_towards(found, _number(here, made))
    st.markdown("###### Heads that look at it most")
    bars(Bar(f"Layer {layer + 1}, head {head + 1}", value / best[0][2] if best[0][2] else 0.0, share(value)) for layer, head, value in best)
    quiet(f"Shares of what every other token gives on average; an even spread gives {share(1 / found.shape[-1])}.")


def _statistics(here: ExplainState, made: Ready, found: FloatImage) -> None:
    """Entropy and mean attention distance of every head, over all tokens of the image."""
    if here.key not in here.heads:
        here.heads[here.key] = head_statistics(found, made.grid)
    each = here.heads[here.key]
    st.markdown("###### All heads, over all tokens")
    plots = (
        ("Entropy, of an even spread", each.entropy),
        ("Mean attention distance, patches", each.distance),
    )
    st.html("".join(dots_picture(values, "layer; a dot a head", title, _told(title, values), here.cell) for title, values in plots))
    if here.cell is not None:
        layer, head = here.cell
        quiet(
            f"Layer {layer + 1}, head {head + 1}: entropy {each.entropy[layer, head]:.2f} of an even spread, "
            f"mean distance {each.distance[layer, head]:.1f} patches."
        )


def _told(title: str, values: NDArray[np.float64]) -> str:
    means = ", ".join(f"{mean:.2f}" for mean in values.mean(axis=1))
    return f"{title}, by layer: {means}"


def _number(here: ExplainState, made: Ready) -> int:
    """Of the chosen token among all, from 0."""
    if here.clicked is None:
        assert here.before is not None
        return here.before
    return len(made.before) + here.clicked[0] * made.grid[1] + here.clicked[1]


def _shares_before(made: Ready, shares: FloatImage) -> None:
    """What the map cannot show, since these tokens lie at no place. shares: [tokens before the patches]."""
    bars(Bar(name, float(value), share(float(value))) for name, value in zip(made.before, shares, strict=True))


def _layer(here: ExplainState, layers: int) -> int:
    before = here.layer
    here.layer = st.select_slider(
        "Layer", [MEAN, *range(layers)], value=here.layer if here.layer < layers else MEAN,
        format_func=apart([MEAN, *range(layers)], lambda layer: "all" if layer == MEAN else str(layer + 1)),
        key=f"explain.layer.{here.name}.{layers}",
    )  # fmt: skip
    if here.layer != before:
        here.cell = None
    return here.layer


def _over_input(here: ExplainState, made: Ready, values: FloatImage) -> Show:
    rows, columns = made.given.shown.shape[1:]
    box = (0.0, 0.0, float(columns), float(rows))
    return Show(
        key=f"{here.key}.attention",
        label="Attention of the token over the input",
        columns=columns,
        rows=rows,
        layers=(
            Layer("input", input_picture(here, made.given), box, ground=True),
            Layer("attention", heat_layer(scaled_attention(values)), box, opacity=max(0.5, here.opacity / 100), smooth=False),
        ),
        grid=Grid(*made.grid, box, here.clicked),
        colours=Colours(stops(), "0", f"{float(values.max()):.2g}"),
        is_plain=True,
        height=fitted_height(rows, columns, "46vh"),
    )


def _mosaic(here: ExplainState, maps: FloatImage) -> None:
    """Layers from top to bottom, heads from left to right; a click shows one large, another click lets go of it."""
    layers, heads = maps.shape[:2]
    picture, columns, rows = mosaic(maps)
    box = (0.0, 0.0, float(columns), float(rows))
    event = view(
        Show(
            key=f"{here.key}.mosaic",
            label=f"Attention of {layers} layers by {heads} heads",
            columns=columns,
            rows=rows,
            layers=(Layer("mosaic", picture, box, ground=True, smooth=False),),
            grid=Grid(layers, heads, (-GAP / 2, -GAP / 2, float(columns + GAP), float(rows + GAP)), here.cell),
            is_plain=True,
            height=fitted_height(rows, columns, "90vh"),
        ),
        f"explain.mosaic.{here.name}",
    )
    quiet("Layers downwards, heads across; each map over its own largest value. Click one to see it large.")
    if event.click:
        cell = (min(layers - 1, event.click.row * layers // rows), min(heads - 1, event.click.column * heads // columns))
        here.cell = None if cell == here.cell else cell
        st.rerun()
