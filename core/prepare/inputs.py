"""From an image to the network's input: the Tensor stop.

A Study or a Picture is squashed to the model's size, as the models were trained; for a model of CT it is cut to a window at the model's
pixel spacing (core/prepare/ct.py), a Scene to the model's ground scale (core/prepare/scene_input.py). What a model was not made for still
becomes an input, with its refusal, so that the answer can be "outside, and why". What cannot become an input at all (a segmentation, a
scene without the bands) becomes an empty one with its reason.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.errors import OutOfRange
from core.prepare.ct import centre_window
from core.prepare.kinds import NOT_IMAGES, modality_of
from core.prepare.scene_input import centre_input, picture_scene, radiograph_scene
from core.prepare.suitability import (
    UNDECLARED,
    Suitability,
    any_study,
    is_coloured,
    land_cover_picture,
    no_input,
    pixel_refusal,
    radiograph_picture,
    radiograph_study,
)
from core.prepare.tensor import resize, standardise
from core.prepare.windowing import LUMINANCE, full_range, render
from core.types import Domain, FloatImage, Image, ModelInput, Notice, Picture, Preprocess, Scene, Study, notice

COLOURS = ("red", "green", "blue")
REPEATED = notice("input.grey-repeated")


def to_input(image: Image, preprocess: Preprocess, frame: int | None = None) -> ModelInput:
    """The input of a model for one image.

    frame: of a study of several frames, from 0; the middle one by default. Of a scene, the window at its centre is taken; so it is of a
    slice of CT that is larger than the window, which core/inference/ct_search.py searches whole.
    Raises OutOfRange for a frame that is not there, UnreadableFile for pixels that cannot be decoded.
    """
    return replace(_of_image(image, preprocess, frame), source=image.sha256)


def _of_image(image: Image, preprocess: Preprocess, frame: int | None) -> ModelInput:
    if preprocess.domain is Domain.CHEST_CT and not isinstance(image, Scene):
        given = centre_window(image, preprocess, frame)
        return replace(given, assumptions=image.assumptions + given.assumptions)
    if isinstance(image, Study):
        return _of_study(image, preprocess, frame)
    if isinstance(image, Picture):
        return _of_picture(image, preprocess)
    if preprocess.domain is Domain.PICTURE:
        return picture_scene(image, preprocess)
    return centre_input(image, preprocess) if preprocess.domain is Domain.LAND_COVER else radiograph_scene(image, preprocess)


def _of_study(study: Study, preprocess: Preprocess, frame: int | None) -> ModelInput:
    frames = study.shape[0]
    chosen = frames // 2 if frame is None else frame
    if not 0 <= chosen < frames:
        raise OutOfRange("frame", chosen, f"0 <= frame < {frames}")
    suitable = _suitability(study, preprocess)
    if modality_of(study) in NOT_IMAGES:
        return no_input(preprocess, suitable.refusal, study.assumptions, chosen)
    pixels, assumptions = _displayed(study, chosen)
    if frames > 1 and frame is None:
        assumptions += (notice("input.middle-frame", frames=frames, number=chosen + 1),)
    is_strange = preprocess.domain is not Domain.PICTURE and is_coloured(pixels)
    refusal = suitable.refusal or (notice("input.in-colour", domain=preprocess.domain.value) if is_strange else None)
    return _squashed(pixels, preprocess, Suitability(refusal, suitable.assumptions), study.assumptions + assumptions, chosen)


def _of_picture(picture: Picture, preprocess: Preprocess) -> ModelInput:
    return _squashed(picture.pixels, preprocess, _of_kind(picture, preprocess), picture.assumptions, 0)


def _of_kind(picture: Picture, preprocess: Preprocess) -> Suitability:
    if preprocess.domain is Domain.PICTURE:
        return Suitability(None, (UNDECLARED,))
    judge = radiograph_picture if preprocess.domain is Domain.RADIOGRAPH else land_cover_picture
    return judge(picture, preprocess)


def _suitability(study: Study, preprocess: Preprocess) -> Suitability:
    if preprocess.domain is Domain.RADIOGRAPH:
        return radiograph_study(study, preprocess)
    if preprocess.domain is Domain.PICTURE:
        return any_study(study)
    return Suitability(notice("input.no-satellite-image", modality=modality_of(study)))


def _displayed(study: Study, frame: int) -> tuple[NDArray[np.uint8], tuple[Notice, ...]]:
    """The frame as a screen shows it; over its full range where the file's own window leaves one grey."""
    pixels = render(study, frame)
    if np.ptp(pixels) > 0:
        return pixels, ()
    window = full_range(study, frame)
    if window is None:
        return pixels, ()
    return render(study, frame, window), (notice("input.window-shows-nothing"),)


def _squashed(
    pixels: NDArray[np.uint8], preprocess: Preprocess, suitable: Suitability, assumptions: tuple[Notice, ...], frame: int
) -> ModelInput:
    channels = _channels(pixels, preprocess)
    if channels is None:
        return no_input(preprocess, notice("picture.no-such-bands", bands=preprocess.channels), assumptions, frame)
    rows, columns = pixels.shape[:2]
    shown = resize(channels, preprocess.size)  # [channels, rows, columns] of the model
    return ModelInput(
        values=standardise(shown, preprocess),
        shown=shown,
        box=(0.0, 0.0, float(columns), float(rows)),
        frame=frame,
        refusal=suitable.refusal or pixel_refusal(pixels),
        assumptions=assumptions + suitable.assumptions + _repeated(pixels, preprocess),
    )


def _repeated(pixels: NDArray[np.uint8], preprocess: Preprocess) -> tuple[Notice, ...]:
    """What is said where a grey image goes into a model of colours that may read such images."""
    is_repeated = pixels.ndim == 2 and preprocess.channels == COLOURS and preprocess.domain is not Domain.LAND_COVER
    return (REPEATED,) if is_repeated else ()


def _channels(pixels: NDArray[np.uint8], preprocess: Preprocess) -> FloatImage | None:
    """float32 [channels, rows, columns] in [0, 1]: one of brightness, or red, green and blue; None for other bands."""
    values = pixels.astype(np.float32) / np.float32(255.0)
    if len(preprocess.channels) == 1:
        return np.asarray(values if values.ndim == 2 else values @ LUMINANCE, dtype=np.float32)[np.newaxis]
    if preprocess.channels != COLOURS:
        return None
    stacked = np.stack([values] * 3) if values.ndim == 2 else np.moveaxis(values, 2, 0)
    return np.ascontiguousarray(stacked, dtype=np.float32)
