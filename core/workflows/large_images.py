"""Images that are larger than a model's input: scenes, whose tiles are averaged, and CT, which is searched window by window."""

from __future__ import annotations

from core.inference.engine import Engine
from core.prepare.domains import ReadingMode, image_domain
from core.types import Image, Prediction, Preprocess, Progress, Scene
from core.workflows.ct_search import search_ct
from core.workflows.scene_prediction import predict_scene


def is_large(image: Image, preprocess: Preprocess) -> bool:
    """Whether one input of the model does not hold the image."""
    return image_domain(preprocess.domain).reading(image, preprocess) is not ReadingMode.WHOLE


def predict_large(image: Image, engine: Engine, frame: int | None = None, watch: Progress | None = None) -> Prediction:
    """The answer for such an image. frame: of a CT series, from 0; all of them by default. watch: told (done, total) in tiles or slices.

    Raises as predict_scene and search_ct.
    """
    if isinstance(image, Scene):
        return predict_scene(image, engine, watch)
    return search_ct(image, engine, frame, watch).prediction
