"""The target that a command line names, of one input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import Assumptions, say_aside
from core.errors import InputError, OutOfRange

if TYPE_CHECKING:
    from core.inference.engine import Engine
    from core.readers import SceneOptions
    from core.types import Image, ModelInput, Prediction, Target

CORNERS = 4


@dataclass(frozen=True)
class AskedTarget:
    """What was asked for: a label (None: the most probable), against another, of a token, of a region (a file, or four numbers as text), or
    being like another image, or like the patch at a pixel of one."""

    label: str | None = None
    against: str | None = None
    token: tuple[int, int] | None = None
    region: str | None = None
    like: Path | None = None
    like_token: tuple[int, int] | None = None

    def check(self) -> None:
        """Raises InputError for what does not go together."""
        if self.is_likeness and (self.label, self.against, self.token, self.region) != (None, None, None, None):
            raise InputError("A label or a place was given beside --like.", "A likeness is a target of its own: leave the others out.")

    @property
    def is_likeness(self) -> bool:
        """Whether no label is meant."""
        return self.like is not None or self.like_token is not None

    def of(self, engine: Engine, image: Image, given: ModelInput, prediction: Prediction, options: SceneOptions) -> Target:
        """The target. options: what the user says of scenes, of that of --like as well. What was assumed of that image, and whether the
        model refuses it, is said aside. Raises what core.explain.targets.target_of raises, and for files that cannot be read."""
        if self.is_likeness:
            return self._likeness(engine, given, options)
        is_plain = (self.against, self.token, self.region) == (None, None, None)
        meant = self._label(engine, image, given, self.label or (prediction.named.likeliest if is_plain else None))
        parent = next((name for name, members in prediction.parents.items() if meant.name in members), None)
        if self.label is None and parent is not None and meant.name in prediction.unnamed:
            return self._label(engine, image, given, parent)
        return meant

    def _label(self, engine: Engine, image: Image, given: ModelInput, label: str | None) -> Target:
        from core.explain.targets import target_of
        from core.workflows.drawn_region import drawn_polygon

        corners = _corners(self.region) if self.region is not None else None
        polygon = drawn_polygon(Path(self.region), image) if self.region is not None and corners is None else None
        return target_of(engine, given, label, self.against, self.token, corners, polygon)

    def _likeness(self, engine: Engine, given: ModelInput, options: SceneOptions) -> Target:
        from core.explain.likeness import likeness_of
        from core.readers import read_image
        from core.workflows.image import check_explainable, explained_input

        if self.like is None:
            assert self.like_token is not None
            column, row = self.like_token
            return likeness_of(engine, given, given, f"the patch at {column} {row}", self.like_token)
        other = explained_input(read_image(self.like, options=options), engine)
        check_explainable(other)
        _tell_of(self.like.name, engine, other)
        place = "" if self.like_token is None else f" at {self.like_token[0]} {self.like_token[1]}"
        return likeness_of(engine, given, other, f"{self.like.name}{place}", self.like_token)


def _tell_of(label: str, engine: Engine, other: ModelInput) -> None:
    """What was assumed of an image that another is compared with, and whether it is outside what the model knows."""
    from core.inference.prediction import predict_input
    from core.report.notices import say, say_all

    Assumptions().tell(label, say_all([*other.assumptions, *([other.refusal] if other.refusal else [])]))
    outside = predict_input(engine, other).outside
    if outside.is_outside:
        say_aside(f"{label} is outside what the model knows. {say(outside.reason)}".strip())


def _corners(text: str) -> tuple[float, float, float, float] | None:
    """Four numbers; None where it is the name of a file."""
    parts = text.split()
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    if len(numbers) != CORNERS:
        raise OutOfRange("region", text, "a file, or four numbers: X0 Y0 X1 Y1")
    return numbers[0], numbers[1], numbers[2], numbers[3]
