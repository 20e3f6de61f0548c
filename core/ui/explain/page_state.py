"""What the Explain page holds and starts: an image, the input that a model makes of it, a map a method, attention between patches."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from core.errors import OutOfRange, SightlineError, UnreadableFile
from core.explain.attention import token_attention
from core.explain.catalogue import OFFERED, ranked_methods
from core.explain.overlay import EvidenceSide
from core.explain.registry import sanity_of
from core.inference.calibration import probabilities
from core.inference.engine import engine_for
from core.inference.prediction import predict_input
from core.jobs import JobProgress
from core.prepare.domains import image_domain
from core.readers import with_recent_frames
from core.sources.scenes import group_scenes
from core.types import Explanation, FloatImage, Image, ModelInput, Prediction, Sanity, Scene
from core.ui.models.own import known_models
from core.ui.state.errors import Words, words_of
from core.ui.state.open_page import OpenPage, PageState
from core.ui.state.session import Session, Task
from core.ui.state.uploads import OpenFolder
from core.ui.widgets.intake import Wanted
from core.ui.widgets.words import method_words
from core.workflows.image import explain_input, explained_input, lane_of, open_images
from models.registry import ModelSummary

_PLACE = "explain"
MOST_ATTENTION_BYTES = 512_000_000
"""Attention of all layers and heads that is held for the patch view; it grows with the fourth power of the image's side."""

WAIT_SECONDS = 0.1

_Place = tuple[int, int]
Cell = tuple[int, int]


@dataclass(frozen=True)
class Ready:
    """What a model makes of an image.

    grid: (rows, columns) of its patches. before: names of the tokens before them ([CLS], registers). token_scores: float32 [rows, columns,
    labels] or None.
    """

    given: ModelInput
    prediction: Prediction
    grid: tuple[int, int]
    before: tuple[str, ...]
    methods: tuple[str, ...]
    token_scores: FloatImage | None
    is_calibrated: bool

    @property
    def usual(self) -> tuple[str, ...]:
        """The methods whose maps are made where nobody chose."""
        return tuple(method for method in self.methods if OFFERED[method].is_usual)


class Turns:
    """Work that goes one after another: the first map is there in a third of the time that three at once would take."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._waiting: list[int] = []
        self._is_busy = False

    @contextmanager
    def turn(self, rank: int, progress: JobProgress) -> Iterator[None]:
        """Inside, nobody else works. rank: of those who wait the lowest comes next. Raises Cancelled where the user stopped it."""
        with self._free:
            self._waiting.append(rank)
            try:
                while self._is_busy or rank > min(self._waiting):
                    self._free.wait(WAIT_SECONDS)
                    progress.update(0)
                self._is_busy = True
            finally:
                self._waiting.remove(rank)
        try:
            yield
        finally:
            with self._free:
                self._is_busy = False
                self._free.notify_all()


@dataclass
class ExplainState(PageState):
    """Everything that is open on the page.

    name: unlike that of any other; widgets of this state carry it. at: (column, row) of the window of a scene, None for its centre.
    clicked: (row, column) of a patch on the grid of tokens, else before: the number of a token before the patches.
    side: which evidence of signed maps is drawn.
    cell: (layer, head) of the mosaic, None for the mean of the heads.
    Books are keyed by the number of the image, the window, the model, and what else decides.
    """

    images: tuple[Image, ...]
    refused: tuple[tuple[str, Words], ...]
    name: str = field(default_factory=lambda: secrets.token_hex(4))
    chosen: int = 0
    model: str = ""
    target: str = ""
    methods: tuple[str, ...] = ()
    opacity: int = 60
    side: EvidenceSide = EvidenceSide.BOTH
    at: _Place | None = None
    clicked: Cell | None = None
    before: int | None = None
    layer: int = -1
    cell: Cell | None = None
    is_source: bool = True
    inputs: dict[Any, Task[Ready]] = field(default_factory=dict)
    explained: dict[Any, Task[Explanation]] = field(default_factory=dict)
    checked: dict[Any, Task[Sanity]] = field(default_factory=dict)
    attention: dict[Any, Task[FloatImage]] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)
    drawn: dict[Any, bytes] = field(default_factory=dict)

    @property
    def image(self) -> Image:
        """The image that is explained."""
        return self.images[self.chosen]

    @property
    def key(self) -> tuple[Any, ...]:
        """What decides on the input."""
        return (self.chosen, self.at, self.model)

    def forget_choices(self) -> None:
        """What was chosen of another image, window or model: its target, and a token and a head of it."""
        self.target, self.clicked, self.before, self.cell = "", None, None, None

    def tasks(self) -> Iterator[Task[Any]]:
        """All work of this state."""
        return chain(self.inputs.values(), self.explained.values(), self.checked.values(), self.attention.values())


# ---------------------------------------------------------------- open and close


def _read(wanted: Wanted, folder: OpenFolder, progress: JobProgress) -> ExplainState:
    """Raises the reason where nothing can be explained."""
    opened = open_images(wanted.paths, folder.path / "unpacked", progress.update)
    scenes = [image for image in opened.images if isinstance(image, Scene)]
    grouped, torn = group_scenes([file for scene in scenes for file in scene.files], folder.path / "bands", progress.update)
    images = (*(with_recent_frames(image) for image in opened.images if not isinstance(image, Scene)), *(group.scene for group in grouped))
    refused = [*opened.refused, *((each.label, each.error) for each in torn)]
    if not images:
        raise refused[0][1] if refused else UnreadableFile(f"{wanted.title} holds no image.", "Choose DICOM, GeoTIFF, PNG or JPEG files.")
    return ExplainState(images, tuple((label, words_of(error)) for label, error in refused))


def _add(session: Session, here: ExplainState | None, read: ExplainState) -> ExplainState:
    """What was read takes the place of what was open."""
    if here is not None:
        session.forget(here.tasks())
    return read


PAGE = OpenPage(_PLACE, "Opening", _read, _add)


def open_in(session: Session, wanted: Wanted) -> None:
    """Begin to read files; what was open before is closed."""
    PAGE.close(session)
    PAGE.open(session, wanted)


# ---------------------------------------------------------------- what the models say


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


def _ready(image: Image, model: str, at: _Place | None, progress: JobProgress) -> Ready:
    engine = engine_for(model).interactive
    known = engine.model
    place = at if image_domain(known.preprocess.domain).makes_maps else None
    given = explained_input(image, engine, None, place, progress.update)
    prediction = predict_input(engine, given)
    tokens = prediction.token_logits
    scores = None if tokens is None else probabilities(tokens, known.calibration)
    likely = known.labels[0 if prediction.logits is None else int(np.argmax(prediction.logits))]
    methods = ranked_methods(known, likely)
    return Ready(given, prediction, known.token_grid, known.config.prefix_names, methods, scores, known.calibration is not None)


def map_task(session: Session, here: ExplainState, made: Ready, method: str) -> Task[Explanation]:
    """The map of one method for the chosen target."""
    task: Task[Explanation] = session.task(here.explained, (*here.key, method, here.target))
    rank = made.methods.index(method)
    work = partial(_explain, here.turns, rank, here.image, made.given, here.model, method, here.target)
    task.ensure(method_words(method), work, "forward passes")
    return task


def _explain(
    turns: Turns, rank: int, image: Image, given: ModelInput, model: str, method: str, target: str, progress: JobProgress
) -> Explanation:
    with turns.turn(rank, progress):
        return explain_input(image, engine_for(model).interactive, given, method, target, progress=progress.update)


def sanity_task(session: Session, here: ExplainState, explanation: Explanation) -> Task[Sanity]:
    """The checks of one map, which nobody may have asked for."""
    task: Task[Sanity] = session.task(here.checked, (*here.key, explanation.method, here.target))
    return task


def start_sanity(session: Session, here: ExplainState, made: Ready, explanation: Explanation) -> None:
    """Begin them."""
    title = f"Checking {method_words(explanation.method)}"
    sanity_task(session, here, explanation).start(title, partial(_check, here.turns, made, here.model, explanation), "maps")


def _check(turns: Turns, made: Ready, model: str, explanation: Explanation, progress: JobProgress) -> Sanity:
    with turns.turn(len(made.methods), progress):  # after maps that are not there yet
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
