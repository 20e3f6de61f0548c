"""Whether what is explained is what was answered: an answer may be a mean over views or windows, and a map is of one."""

from __future__ import annotations

import numpy as np

from core.explain.targets import read_logits, target_probabilities
from core.inference.engine import Engine
from core.inference.prediction import predict_input
from core.inference.tta import TTA_COUNT
from core.types import ModelInput, Notice, Prediction, Target, notice

MEAN_OF_TILES = "scene.mean-of-tiles"
"""The notice of a prediction that is the mean over the tiles of a scene."""


def what_differs(engine: Engine, given: ModelInput, target: Target, reported: Prediction | None = None) -> tuple[Notice, ...]:
    """What the reported answer is a mean of where the explained input is one of it, and how far apart they are; () where they are one.

    reported: what people are told of the image; of this input by default. A target of tokens, or against another, is reported nowhere.
    """
    if not target.is_plain:
        return ()
    is_of_tiles = reported is not None and any(one.code == MEAN_OF_TILES for one in reported.assumptions)
    if not is_of_tiles and not engine.model.preprocess.test_time_augmentation:
        return ()
    answer = reported if is_of_tiles and reported is not None else predict_input(engine, given)
    explained = float(target_probabilities(engine.model, read_logits(engine, given.values[np.newaxis], target), target)[0])
    told = float(sum(answer.probability(label) for label in target.labels))
    if is_of_tiles:
        return (notice("explanation.one-tile", target=target.name, explained=explained, told=told),)
    return (notice("explanation.one-view", target=target.name, views=TTA_COUNT, explained=explained, told=told),)
