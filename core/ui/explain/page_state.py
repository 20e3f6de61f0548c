"""What the Explain page holds: an image, the input that a model makes of it, a map a method, attention between patches."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from core.errors import UnreadableFile
from core.explain.overlay import EvidenceSide
from core.explain.probes.heads import HeadStatistics
from core.explain.probes.masking import Fill
from core.jobs import JobProgress
from core.readers import with_recent_frames
from core.sources.scenes import group_scenes
from core.types import Explanation, FloatImage, FoundMap, Gain, Image, ModelInput, Prediction, Preprocess, Sanity, Scene
from core.ui.explain.turns import Turns
from core.ui.state.errors import Words, words_of
from core.ui.state.open_page import OpenPage, PageState
from core.ui.state.session import Session, Task
from core.ui.state.uploads import OpenFolder
from core.ui.widgets.intake import Wanted
from core.workflows.explaining.twins import Heard, Twins
from core.workflows.image import open_images

if TYPE_CHECKING:
    from core.explain.probes.controls import Control

_PLACE = "explain"
IMAGE_FIRST_SECONDS = 0.2
"""How long the network's input is waited for before the image is drawn as it is."""
Place = tuple[int, int]
Cell = tuple[int, int]


@dataclass(frozen=True)
class Ready:
    """What a model makes of an image.

    methods: as ranked for its answer. cheapest_first: the same, in the order in which their maps are made.
    grid: (rows, columns) of its patches. before: names of the tokens before them ([CLS], registers). token_scores: float32 [rows, columns,
    labels] or None.
    """

    given: ModelInput
    prediction: Prediction
    grid: tuple[int, int]
    before: tuple[str, ...]
    methods: tuple[str, ...]
    cheapest_first: tuple[str, ...]
    token_scores: FloatImage | None
    is_calibrated: bool
    fills: tuple[Fill, ...]
    preprocess: Preprocess


class Early:
    """What is there of an explanation while it is made (core.explain.registry.Told): written by the thread that works, read by the page."""

    def __init__(self) -> None:
        self.found: FoundMap | None = None
        self.gain: Gain | None = None
        self.is_there = threading.Event()

    def begin(self, put_off: Callable[[], None]) -> None:
        """The work begins, or begins anew. put_off: lets maps that are not there yet go before its measurement."""
        self.found, self.gain, self._put_off = None, None, put_off

    def map_found(self, found: FoundMap) -> None:
        """The map is there."""
        self.found = found
        self.is_there.set()
        self._put_off()

    def gain_so_far(self, gain: Gain) -> None:
        """It is being measured."""
        self.gain = gain


@dataclass
class ExplainState(PageState):
    """Everything that is open on the page.

    name: unlike that of any other; widgets of this state carry it. at: (column, row) of the window of a scene, None for its centre.
    target, against: labels: what is explained, and what it is set against, "" for nothing.
    methods: None until somebody chose: those that win in the model's benchmark.
    knobs: parameters of methods and measurements that differ from their defaults; "random_maps" among them.
    resets: how often all of them were put back.
    clicked: (row, column) of a patch on the grid of tokens, else before: the number of a token before the patches.
    side: which evidence of signed maps is drawn.
    is_brushing: whether a drag on the image masks tokens. painted: their numbers, row by row from 0. fill: what they become.
    told_painted: what the viewer said last: a button may have put others in their place since.
    twins: of each image, the pairs of networks that play on it. votes: by image and pair, which one the reader takes for the cheater.
    beside: whether another model or image stands at the right, whose state is `other`.
    cell: (layer, head) of the mosaic, None for the mean of the heads.
    Books are keyed by the number of the image, the window, the model, and what else decides.
    """

    images: tuple[Image, ...]
    refused: tuple[tuple[str, Words], ...]
    name: str = field(default_factory=lambda: secrets.token_hex(4))
    chosen: int = 0
    model: str = ""
    target: str = ""
    against: str = ""
    methods: tuple[str, ...] | None = None
    knobs: dict[str, Any] = field(default_factory=dict)
    resets: int = 0
    opacity: int = 60
    side: EvidenceSide = EvidenceSide.BOTH
    at: Place | None = None
    clicked: Cell | None = None
    before: int | None = None
    layer: int = -1
    cell: Cell | None = None
    is_source: bool = True
    inputs: dict[Any, Task[Ready]] = field(default_factory=dict)
    is_brushing: bool = False
    painted: tuple[int, ...] = ()
    told_painted: tuple[int, ...] | None = None
    fill: Fill = Fill.MEAN
    beside: str = ""
    other: ExplainState | None = None
    explained: dict[Any, Task[Explanation]] = field(default_factory=dict)
    early: dict[Any, Early] = field(default_factory=dict)
    controls: dict[Any, Task[tuple[Control, ...]]] = field(default_factory=dict)
    twins: dict[int, tuple[Twins, ...]] = field(default_factory=dict)
    votes: dict[Any, int] = field(default_factory=dict)
    heard: dict[Any, Task[Heard]] = field(default_factory=dict)
    masked: dict[Any, Task[FloatImage]] = field(default_factory=dict)
    checked: dict[Any, Task[Sanity]] = field(default_factory=dict)
    attention: dict[Any, Task[FloatImage]] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)
    heads: dict[Any, HeadStatistics] = field(default_factory=dict)
    drawn: dict[Any, bytes] = field(default_factory=dict)
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def image(self) -> Image:
        """The image that is explained."""
        return self.images[self.chosen]

    @property
    def key(self) -> tuple[Any, ...]:
        """What decides on the input."""
        return (self.chosen, self.at, self.model)

    @property
    def question(self) -> tuple[Any, ...]:
        """What decides on a map beside its method."""
        return (*self.key, self.target, self.against, tuple(sorted(self.knobs.items())))

    @property
    def has_token(self) -> bool:
        """Whether a token is looked at, of the grid or before it."""
        return self.clicked is not None or self.before is not None

    def forget_choices(self) -> None:
        """What was chosen of another image, window or model: its target, and a token and a head of it."""
        self.target, self.against, self.clicked, self.before, self.cell = "", "", None, None, None
        self.painted = ()

    def tasks(self) -> Iterator[Task[Any]]:
        """All work of this state."""
        books: tuple[Mapping[Any, Task[Any]], ...] = (
            self.inputs, self.explained, self.controls, self.masked, self.heard, self.checked, self.attention,
        )  # fmt: skip
        own = chain.from_iterable(book.values() for book in books)
        return chain(own, self.other.tasks() if self.other is not None else ())


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
