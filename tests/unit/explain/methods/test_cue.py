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


@pytest.fixture(scope="module", params=["mean", "cls"])
def knowing(request: pytest.FixtureRequest, engine: Engine) -> Engine:
    return cue_engine(engine, request.param)


def test_the_networks_know_the_cue(knowing: Engine) -> None:
    images, labels, _ = cued(200, seed=20_000)
    with torch.no_grad():
        answers = knowing.model.network(torch.from_numpy(images)).logits.argmax(dim=1).numpy()
    assert (answers == labels).mean() > 0.97


@pytest.mark.parametrize("method", ["relevance", "grad-cam", "integrated-gradients", "occlusion"])
def test_a_map_is_strongest_at_the_cue(knowing: Engine, method: str) -> None:
    chosen, target = METHODS[method], Target.of_label(knowing.model.labels[WITH])
    hits = []
    for given, place in cue_inputs(20):
        found = chosen.run(knowing, given, target, {**chosen.defaults, **COMMON}, no_progress).pixels
        hits.append(int(np.argmax(on_token_grid(found, (PATCH, PATCH)))) == place)
    assert np.mean(hits) >= 0.9  # by chance one in sixteen
