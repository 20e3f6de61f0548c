"""From an image to the network's input: the Tensor stop.

What a model was not made for still becomes an input, with its refusal, so that the answer can be "outside, and why". What cannot become
an input at all (a segmentation, a scene without the bands) becomes an empty one with its reason. How an image becomes one is decided by
the model's domain (core/prepare/domains).
"""

from __future__ import annotations

from dataclasses import replace

from core.prepare.domains import image_domain
from core.types import Image, ModelInput, Preprocess, Study


def to_input(image: Image, preprocess: Preprocess, frame: int | None = None) -> ModelInput:
    """The input of a model for one image.

    frame: of a study of several frames, from 0; the middle one by default. Of a scene, the window at its centre is taken; so it is of a
    slice of CT that is larger than the window, which core/inference/ct_search.py searches whole.
    Raises OutOfRange for a frame that is not there, UnreadableFile for pixels that cannot be decoded.
    """
    given = image_domain(preprocess.domain).to_input(image, preprocess, frame)
    return replace(given, source=image.sha256)


def frame_answered(image: Image, given: ModelInput) -> int | None:
    """The frame that an input was made from, from 0; None where the image has only one."""
    return given.frame if isinstance(image, Study) and image.shape[0] > 1 else None
