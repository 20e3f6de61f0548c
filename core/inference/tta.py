"""An answer that is the same however a window is turned: the mean over its quarter turns and mirror images.

What has no upright of its own, as a window of CT, says as much in each of these eight views. A small network does not know that fully, and
the mean of what it says of them is better than any one (test-time augmentation, Krizhevsky et al. 2012).
"""

from __future__ import annotations

import numpy as np

from core.inference.engine import Engine, Forward
from core.types import FloatImage

TURNS, MIRRORS = 4, 2
TTA_COUNT = TURNS * MIRRORS


def augmented_inputs(values: FloatImage) -> FloatImage:
    """float32 [N, channels, side, side] -> [views * N, channels, side, side]: all inputs upright first, then all turned, then mirrored."""
    turned = [np.rot90(values, turn, axes=(2, 3)) for turn in range(TURNS)]
    return np.concatenate([*turned, *(view[..., ::-1] for view in turned)])


def answered(engine: Engine, values: FloatImage) -> Forward:
    """What the model answers to inputs: the network's own forward pass, or the mean over the views where its preprocessing says so.

    Of the mean, tokens and embeddings are those of the upright view. values, raises: as of Engine.forward.
    """
    if not engine.model.preprocess.test_time_augmentation:
        return engine.forward(values)
    forward, count = engine.forward(augmented_inputs(values)), len(values)
    tokens = set(engine.model.config.token_heads or {})
    return Forward(
        logits=mean_over_inputs(forward.logits),
        token_logits=None if forward.token_logits is None else forward.token_logits[:count],
        embeddings=forward.embeddings[:count],
        seconds=forward.seconds,
        heads={name: found[:count] if name in tokens else mean_over_inputs(found) for name, found in forward.heads.items()},
    )


def mean_over_inputs(logits: FloatImage) -> FloatImage:
    """float32 [views * N, labels], as of `views` -> [N, labels]."""
    return np.asarray(logits.reshape(TTA_COUNT, -1, logits.shape[1]).mean(axis=0), dtype=np.float32)
