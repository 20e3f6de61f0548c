"""What a domain of images decides: which images suit a model of it, how one becomes an input, how it is read, and how its places are named.

Nobody else asks which domain a model is of. What is common to images that are read whole stands here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.errors import OutOfRange
from core.prepare.kinds import NOT_IMAGES, modality_of
from core.prepare.suitability import Suitability, is_coloured, no_input, pixel_refusal
from core.prepare.tensor import resize, standardise
from core.prepare.windowing import LUMINANCE, full_range, render
from core.types import Domain, FloatImage, Image, Mask, ModelInput, Notice, Picture, Preprocess, Scene, Study, notice

COLOURS = ("red", "green", "blue")
REPEATED = notice("input.grey-repeated")


class ReadingMode(StrEnum):
    """How a model reads an image: in one input, window by window for what it finds, or tile by tile for a mean or a map."""

    WHOLE = "whole"
    SEARCHED = "searched"
    TILED = "tiled"


class Places(StrEnum):
    """What a place in an input is named after."""

    RADIOGRAPH = "radiograph"
    SCENE = "scene"
    WINDOW = "window"
    PICTURE = "picture"


class ImageDomain(ABC):
    """One kind of image that models are made for. Without state; core/prepare/domains holds one of each."""

    kind: ClassVar[Domain]
    dates: ClassVar[int] = 1
    """Images that a model compares."""
    is_searched: ClassVar[bool] = False
    """Whether its models read small windows, and find things in larger images."""
    is_medical: ClassVar[bool] = False
    """Whether its models read what a DICOM viewer opens."""
    makes_maps: ClassVar[bool] = False
    """Whether its models class the ground of whole scenes."""
    reads_colour: ClassVar[bool] = False
    """Whether pictures in colour are what its models read."""
    repeats_grey: ClassVar[bool] = True
    """Whether a grey image may stand for red, green and blue alike."""
    places: ClassVar[Places] = Places.PICTURE
    darkest: ClassVar[str] = "black"
    """What the darkest value stands for: where no light fell, or no ray was held back, or a satellite saw nothing."""
    heatmap: ClassVar[str] = "heatmap"
    """The template that says what a map over such an image is not."""

    @abstractmethod
    def study_suits(self, study: Study, preprocess: Preprocess) -> Suitability:
        """What the header of a DICOM image says for or against the model."""

    @abstractmethod
    def picture_suits(self, picture: Picture, preprocess: Preprocess) -> Suitability:
        """What is said for or against a picture, which has no header."""

    @abstractmethod
    def scene_input(self, scene: Scene, preprocess: Preprocess) -> ModelInput:
        """The input of a scene: the window at its centre, or what a model of other images would see of it, refused."""

    def is_likely(self, image: Image) -> bool:
        """Whether an image most likely shows this: what a person would choose first."""
        return False

    def reading(self, image: Image, preprocess: Preprocess) -> ReadingMode:
        """How a model reads this image."""
        return ReadingMode.WHOLE

    def parts(self, image: Image, given: ModelInput, preprocess: Preprocess) -> Mapping[str, Mask | None]:
        """Masks on the input's grid, bool [rows, columns], by the names of Inside.shares; None of what was not found, none where nothing is
        known of such an image. given: an input of the image. Raises UnreadableFile."""
        return {}

    def to_input(self, image: Image, preprocess: Preprocess, frame: int | None = None) -> ModelInput:
        """As core.prepare.inputs.to_input, but for the hash of the source."""
        if isinstance(image, Study):
            return self._of_study(image, preprocess, frame)
        if isinstance(image, Picture):
            return self._squashed(image.pixels, preprocess, self.picture_suits(image, preprocess), image.assumptions, 0)
        return self.scene_input(image, preprocess)

    def _of_study(self, study: Study, preprocess: Preprocess, frame: int | None) -> ModelInput:
        frames = study.shape[0]
        chosen = frames // 2 if frame is None else frame
        if not 0 <= chosen < frames:
            raise OutOfRange("frame", chosen, f"0 <= frame < {frames}")
        suitable = self.study_suits(study, preprocess)
        if modality_of(study) in NOT_IMAGES:
            return no_input(preprocess, suitable.refusal, study.assumptions, chosen)
        pixels, assumptions = displayed(study, chosen)
        if frames > 1 and frame is None:
            assumptions += (notice("input.middle-frame", frames=frames, number=chosen + 1),)
        is_strange = not self.reads_colour and is_coloured(pixels)
        refusal = suitable.refusal or (notice("input.in-colour", domain=preprocess.domain.value) if is_strange else None)
        return self._squashed(pixels, preprocess, replace(suitable, refusal=refusal), study.assumptions + assumptions, chosen)

    def _squashed(
        self, pixels: NDArray[np.uint8], preprocess: Preprocess, suitable: Suitability, assumptions: tuple[Notice, ...], frame: int
    ) -> ModelInput:
        channels = _channels(pixels, preprocess)
        if channels is None:
            return no_input(preprocess, notice("picture.no-such-bands", bands=preprocess.channels), assumptions, frame)
        rows, columns = pixels.shape[:2]
        shown = resize(channels, preprocess.size)  # [channels, rows, columns] of the model
        is_repeated = pixels.ndim == 2 and preprocess.channels == COLOURS and self.repeats_grey
        return ModelInput(
            values=standardise(shown, preprocess),
            shown=shown,
            box=(0.0, 0.0, float(columns), float(rows)),
            frame=frame,
            refusal=suitable.refusal or pixel_refusal(pixels),
            assumptions=assumptions + suitable.assumptions + ((REPEATED,) if is_repeated else ()),
            unnamed=suitable.unnamed,
        )


def displayed(study: Study, frame: int) -> tuple[NDArray[np.uint8], tuple[Notice, ...]]:
    """The frame as a screen shows it; over its full range where the file's own window leaves one grey."""
    pixels = render(study, frame)
    if np.ptp(pixels) > 0:
        return pixels, ()
    window = full_range(study, frame)
    if window is None:
        return pixels, ()
    return render(study, frame, window), (notice("input.window-shows-nothing"),)


def _channels(pixels: NDArray[np.uint8], preprocess: Preprocess) -> FloatImage | None:
    """float32 [channels, rows, columns] in [0, 1]: one of brightness, or red, green and blue; None for other bands."""
    values = pixels.astype(np.float32) / np.float32(255.0)
    if len(preprocess.channels) == 1:
        return np.asarray(values if values.ndim == 2 else values @ LUMINANCE, dtype=np.float32)[np.newaxis]
    if preprocess.channels != COLOURS:
        return None
    stacked = np.stack([values] * 3) if values.ndim == 2 else np.moveaxis(values, 2, 0)
    return np.ascontiguousarray(stacked, dtype=np.float32)
