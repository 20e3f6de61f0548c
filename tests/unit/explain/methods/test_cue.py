"""Each method on networks that were taught to see a cue, wherever it lies: the map is strongest there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.explain.evidence import no_progress
from core.explain.measure.opponents import on_token_grid
from core.explain.registry import COMMON, METHODS
from core.inference.engine import Engine
from core.types import Target
from tests.tiny import PATCH
from tests.unit.explain.cue import WITH, cue_engine, cue_inputs, cued

FINDING = ("relevance", "grad-cam", "integrated-gradients", "occlusion", "libra-grad", "attn-lrp", "gradient-rollout", "rise")
"""Methods that find what decided; the others are controls, or depend on no target."""


@pytest.fixture(scope="module", params=["mean", "cls"])
def pooling(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def knowing(pooling: str, engine: Engine) -> Engine:
    return cue_engine(engine, pooling)


@pytest.mark.slow
def test_the_networks_know_the_cue(knowing: Engine) -> None:
    images, labels, _ = cued(200, seed=20_000)
    with torch.no_grad():
        answers = knowing.model.network(torch.from_numpy(images)).logits.argmax(dim=1).numpy()
    assert (answers == labels).mean() > 0.97


@pytest.mark.slow
@pytest.mark.parametrize("method", FINDING)
def test_a_map_is_strongest_at_the_cue(knowing: Engine, method: str, pooling: str) -> None:
    least = 0.5 if (method, pooling) == ("grad-cam", "cls") else 0.9  # where [CLS] gathers in the first layer, little of the cue is left
    assert hits(knowing, method) >= least  # by chance one in sixteen


@pytest.mark.slow
def test_what_leaves_the_last_layer_may_say_the_same_everywhere(knowing: Engine, pooling: str) -> None:
    layers = knowing.model.network.config.num_hidden_layers
    assert hits(knowing, "grad-cam", layer=layers) < hits(knowing, "grad-cam", layer=layers - 1)


def hits(engine: Engine, method: str, **parameters: object) -> float:
    """Share of images whose strongest token is the cue's."""
    chosen, target, found = METHODS[method], Target.of_label(engine.model.labels[WITH]), []
    for given, place in cue_inputs(20):
        made = chosen.run(engine, given, target, {**chosen.defaults, **COMMON, **parameters}, no_progress).pixels
        found.append(int(np.argmax(on_token_grid(made, (PATCH, PATCH)))) == place)
    return float(np.mean(found))
