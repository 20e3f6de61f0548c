"""What every way to tell change offers: bands of two dates in, evidence out, strip by strip."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from core.change.evidence import Evidence
from core.change.threshold import ScoreHistogram
from core.inference.engine import ChangeEngine, Engine
from core.types import Notice, Preprocess, Progress, Scene

Shares = tuple[float, float]
"""In [0, 1], of the first date and of the second."""


@dataclass(frozen=True)
class ComparedBands:
    """In what two dates are compared. preprocess: its channels are the bands that both have. missing: notices on those they do not."""

    preprocess: Preprocess
    missing: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class ComparedStrip:
    """Rows of the common grid; they come from top to bottom, each row once.

    outside: at each date, the share of what was looked at so far that lies outside what the model knows; None where nothing tells.
    statistics: of both scenes as a whole, that the evidence rests on; {} for a method without any.
    """

    evidence: Evidence
    outside: Shares | None = None
    statistics: Mapping[str, Any] = field(default_factory=dict)


class Method(ABC):
    """One way to compare two dates. A method holds its model and its options, and nothing of the dates."""

    name: ClassVar[str]
    """As the command line and the report call it."""
    is_by_class: ClassVar[bool] = False
    """Whether a pixel has changed only where its most probable class did."""

    reach: ClassVar[tuple[float, float]] = (0.0, 1.0)
    """Lowest and highest score that there can be."""

    is_local: ClassVar[bool] = True
    """Whether the score of a pixel depends on its surroundings and, at most, on statistics that of_part takes."""

    def of_part(self, statistics: Mapping[str, Any]) -> Method:
        """The same method, for a part of the dates from which these statistics were taken (ComparedStrip)."""
        return self

    @property
    def model(self) -> str:
        """The id of its model, "" where it needs none."""
        return ""

    @property
    def weights(self) -> str:
        """The hash of the weights of its model, "" where it needs none."""
        return ""

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the land cover of both dates; () where no classes are known."""
        return ()

    @property
    def linear(self) -> tuple[str, ...]:
        """Those of them that are lines on the ground, and have no areas."""
        return ()

    @property
    def is_calibrated(self) -> bool:
        """Whether its score is a probability."""
        return False

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the device could not do so far."""
        return ()

    @property
    def sample(self) -> Path | None:
        """A vector file of changed and unchanged places, by which the threshold is found; None where `threshold` tells it."""
        return None

    @property
    def is_of_burns(self) -> bool:
        """Whether its score is dNBR, which has classes of severity."""
        return False

    @abstractmethod
    def check(self, before: Scene, after: Scene) -> None:
        """Nothing where it can compare two scenes, on whatever grids. Raises WrongTask, NoGrid, MissingBands, OutOfRange."""

    @abstractmethod
    def reading(self, before: Scene, aligned: Scene) -> ComparedBands:
        """In what the dates are compared. aligned: the second date on the grid of the first. Raises MissingBands."""

    @abstractmethod
    def tiles(self, before: Scene) -> int:
        """How many steps its progress has."""

    @abstractmethod
    def strips(self, before: Scene, aligned: Scene, scratch: Path, progress: Progress | None = None) -> Iterator[ComparedStrip]:
        """The evidence of every pixel.

        scratch: a folder for what does not fit in memory, gone afterwards. progress: told (done, all) of its tiles; what it raises ends
        the work. Raises UnreadableFile, DeviceError.
        """

    @abstractmethod
    def threshold(self, scores: ScoreHistogram) -> float:
        """From which score on a pixel has changed. scores: those of all pixels."""

    @abstractmethod
    def parameters(self, reading: ComparedBands) -> Mapping[str, Any]:
        """What the report tells of how it was done, beside the threshold."""


@dataclass(frozen=True)
class NetworkMethod(Method):
    """A way that asks a network."""

    engine: Engine | ChangeEngine

    @property
    def model(self) -> str:
        """Of the engine."""
        return self.engine.model.id

    @property
    def weights(self) -> str:
        """Of the engine."""
        return self.engine.model.weights_hash

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the device could not do so far."""
        return self.engine.notices
