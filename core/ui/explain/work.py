"""What the Explain page starts: the input of a model, a map a method, controls, checks, attention between tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.errors import OutOfRange, SightlineError
from core.explain.attention import token_attention
from core.explain.catalogue import ranked_methods
from core.explain.knobs import turned
from core.explain.probes.controls import CONTROLS, Control, control_maps
from core.explain.probes.masking import Fill, fills_for, masked_probabilities
from core.explain.registry import COMMON, method_of, sanity_of
from core.explain.targets import target_of
from core.inference.calibration import probabilities
from core.inference.engine import engine_for
from core.inference.prediction import predict_input
from core.jobs import JobProgress
from core.prepare.domains import image_domain
from core.types import Explanation, FloatImage, Image, Mask, ModelInput, Sanity
from core.ui.explain.page_state import Early, ExplainState, Place, Ready
from core.ui.explain.turns import Turns
from core.ui.models.own import known_models
from core.ui.state.session import Session, Task
from core.ui.widgets.words import method_words
from core.workflows.image import explain_input, explained_input, lane_of
from models.registry import LoadedModel, ModelSummary

MOST_AT_FIRST = 4
"""Maps that are drawn where nobody chose: those that win in the model's benchmark. Each costs passes, and a reader compares few."""
MOST_ATTENTION_BYTES = 512_000_000
"""Attention of all layers and heads that is held for the patch view; it grows with the fourth power of the image's side."""


def models_by_fit(image: Image) -> dict[str, ModelSummary]:
    """All models of this machine that answer for one image, by id, those made for such an image first."""
    try:
        known = [model for model in known_models() if image_domain(model.preprocess.domain).dates == 1]
    except SightlineError:
        return {}
    return {model.id: model for model in sorted(known, key=lambda model: not image_domain(model.preprocess.domain).is_likely(image))}


def input_task(session: Session, here: ExplainState) -> Task[Ready]:
    """The input and the prediction of the chosen image, window and model."""
    task: Task[Ready] = session.task(here.inputs, here.key)
    task.ensure("Preparing", partial(_ready, here.image, here.model, here.at), "slices", lane_of(here.image))
    return task


def _ready(image: Image, model: str, at: Place | None, progress: JobProgress) -> Ready:
    engine = engine_for(model).interactive
    known = engine.model
    place = at if image_domain(known.preprocess.domain).makes_maps else None
    given = explained_input(image, engine, None, place, progress.update)
    prediction = predict_input(engine, given)
    tokens = prediction.token_logits
    scores = None if tokens is None else probabilities(tokens, known.calibration)
    is_told = prediction.probabilities is not None and not prediction.outside.is_outside
    methods = ranked_methods(known, prediction.named.likeliest if is_told else None)
    return Ready(
        given=given,
        prediction=prediction,
        grid=known.token_grid,
        before=known.config.prefix_names,
        methods=methods,
        cheapest_first=tuple(sorted(methods, key=partial(_passes, known, given))),
        token_scores=scores,
        is_calibrated=known.calibration is not None,
        fills=fills_for(known),
        preprocess=known.preprocess,
    )


def _passes(model: LoadedModel, given: ModelInput, method: str) -> int:
    """What the map of a method costs, with what it is made where nothing is turned."""
    if given.is_empty:
        return 0
    known = method_of(method)
    return known.cost_of(model, given, {**known.defaults, **COMMON}).forwards


def chosen_methods(here: ExplainState, made: Ready) -> tuple[str, ...]:
    """The methods whose maps are drawn."""
    return made.methods[:MOST_AT_FIRST] if here.methods is None else here.methods


def early_of(here: ExplainState, method: str) -> Early:
    """What is there of a map before its measurement is done."""
    return here.early.setdefault((*here.question, method), Early())


def map_task(session: Session, here: ExplainState, made: Ready, method: str) -> Task[Explanation]:
    """The map of one method for the chosen target."""
    task: Task[Explanation] = session.task(here.explained, (*here.question, method))
    asked = Asked(here.image, made.given, here.model, method, here.target, here.against, dict(here.knobs))
    work = partial(_explain, here.turns, made.cheapest_first.index(method), len(made.methods), early_of(here, method), asked)
    task.ensure(method_words(method), work, "forward passes")
    return task


@dataclass(frozen=True)
class Asked:
    """One map that is asked for. knobs: of all methods."""

    image: Image
    given: ModelInput
    model: str
    method: str
    target: str
    against: str
    knobs: Mapping[str, Any]


def _explain(turns: Turns, rank: int, ranks: int, early: Early, asked: Asked, progress: JobProgress) -> Explanation:
    parameters, maps = turned(asked.method, asked.knobs)
    with turns.turn(rank, progress) as put_off:
        early.begin(partial(put_off, ranks + rank))
        engine = engine_for(asked.model).interactive
        target = target_of(engine, asked.given, asked.target, asked.against or None)
        return explain_input(
            asked.image, engine, asked.given, asked.method, target,
            parameters=parameters, random_maps=maps, progress=progress.update, told=early,
        )  # fmt: skip


def measured_maps(here: ExplainState, made: Ready) -> dict[str, Explanation]:
    """By method, those of the maps that are drawn whose measurement is done."""
    found = {}
    for method in chosen_methods(here, made):
        task = here.explained.get((*here.question, method))
        if task is not None:
            task.settle()
            found[method] = task.value
    return {method: value for method, value in found.items() if value is not None}


def controls_task(session: Session, here: ExplainState, made: Ready, explanation: Explanation) -> Task[tuple[Control, ...]]:
    """The controls that stand beside the maps; random weights are shown by the method of one of them."""
    task: Task[tuple[Control, ...]] = session.task(here.controls, (*here.question, explanation.method))
    work = partial(_controls, here.turns, 2 * len(made.methods), made.given, here.model, explanation)
    task.ensure("Controls", work, "maps")
    return task


def _controls(
    turns: Turns, rank: int, given: ModelInput, model: str, explanation: Explanation, progress: JobProgress
) -> tuple[Control, ...]:
    found: list[Control] = []
    with turns.turn(rank, progress):
        for control in control_maps(engine_for(model).interactive, given, explanation):
            found.append(control)
            progress.update(len(found), len(CONTROLS))
    return tuple(found)


def masked_task(session: Session, here: ExplainState, made: Ready, mask: Mask) -> Task[FloatImage]:
    """What the model says without the painted tokens: float32 [2, labels], before and after."""
    task: Task[FloatImage] = session.task(here.masked, (*here.key, here.fill, mask.tobytes()))
    task.ensure("Masking", partial(_masked, made, here.model, mask, here.fill), "passes")
    return task


def _masked(made: Ready, model: str, mask: Mask, fill: Fill, progress: JobProgress) -> FloatImage:
    found = masked_probabilities(engine_for(model).interactive, made.given, mask, fill)
    progress.update(1, 1)
    return found


def sanity_task(session: Session, here: ExplainState, explanation: Explanation) -> Task[Sanity]:
    """The checks of one map, which nobody may have asked for."""
    task: Task[Sanity] = session.task(here.checked, (*here.question, explanation.method))
    return task


def start_sanity(session: Session, here: ExplainState, made: Ready, explanation: Explanation) -> None:
    """Begin them."""
    title = f"Checking {method_words(explanation.method)}"
    sanity_task(session, here, explanation).start(title, partial(_check, here.turns, made, here.model, explanation), "maps")


def _check(turns: Turns, made: Ready, model: str, explanation: Explanation, progress: JobProgress) -> Sanity:
    with turns.turn(2 * len(made.methods), progress):  # after maps that are not there yet
        return sanity_of(engine_for(model).interactive, made.given, explanation, progress=progress.update)


def attention(session: Session, here: ExplainState, made: Ready) -> Task[FloatImage]:
    """The attention between the tokens, float32 [layers, heads, tokens, tokens]."""
    task: Task[FloatImage] = session.task(here.attention, here.key)
    task.ensure("Reading attention", partial(_attention, made, here.model), "passes")
    return task


def _attention(made: Ready, model: str, progress: JobProgress) -> FloatImage:
    engine = engine_for(model).interactive
    config = engine.model.config
    tokens = len(made.before) + made.grid[0] * made.grid[1]
    size = 4 * config.num_hidden_layers * config.num_attention_heads * tokens**2
    if size > MOST_ATTENTION_BYTES:
        raise OutOfRange("size of the attention, in MB", size // 1_000_000, f"at most {MOST_ATTENTION_BYTES // 1_000_000}")
    found = token_attention(engine, made.given)
    progress.update(1, 1)
    return found
