"""The gain of a map among random maps and opponents, on networks of which one knows what they look at."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from core.errors import NotFound
from core.explain.measure.gain import MapEvaluation
from core.explain.measure.opponents import centred_priors, edge_maps, on_token_grid, random_weights
from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.types import FloatImage, ModelInput, Target
from tests.unit.explain.constructed import as_input

SIDE, TOKEN = 64, 8
GRID = SIDE // TOKEN


class WeightedNetwork(nn.Module):
    """Three labels; the logit of the first is the sum of the pixels times a weight each, that of the others 0."""

    def __init__(self, weights: FloatImage) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights))

    def forward(self, pixel_values: Tensor, **asked: bool) -> SimpleNamespace:
        seen = (pixel_values * self.weights).sum(dim=(1, 2, 3))
        logits = torch.stack([seen, 0 * seen, 0 * seen], dim=1)
        return SimpleNamespace(logits=logits, token_logits=None, head_logits=None, embedding=logits)


def place_map(seed: int = 0) -> FloatImage:
    """What the network looks at: some blobs of tokens away from the middle."""
    field = gaussian_filter(np.random.default_rng(seed).standard_normal((GRID, GRID)), 1.0)
    field[2:6, 2:6] = field.min()
    marks = (field >= np.sort(field.ravel())[-10]).astype(np.float32)
    return marks.repeat(TOKEN, axis=0).repeat(TOKEN, axis=1)


def weighted(like: Engine, seed: int = 0) -> Engine:
    network = WeightedNetwork(place_map(seed) * np.float32(0.01))
    return Engine(like.model.with_network(network, patch=(TOKEN, TOKEN)), Runtime("cpu", "fp32", "cpu"))


def bright() -> ModelInput:
    values = np.ones((1, SIDE, SIDE), dtype=np.float32)
    values[:, :, SIDE // 2 - 1 : SIDE // 2 + 1] = 1.5  # an edge to be found
    return as_input(values)


def evaluation(engine: Engine, maps: int = 100, seed: int = 0) -> MapEvaluation:
    given = bright()
    return MapEvaluation(engine, given, Target.of_label("normal"), np.zeros_like(given.values), 8, maps, seed)


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


def noise(seed: int, sigma: float = 0.0) -> FloatImage:
    field = np.random.default_rng(seed).standard_normal((GRID, GRID))
    field = gaussian_filter(field, sigma) if sigma else field
    return field.astype(np.float32).repeat(TOKEN, axis=0).repeat(TOKEN, axis=1)


def test_the_true_map_is_supported_and_its_inverse_is_not(engine: Engine) -> None:
    measured = evaluation(weighted(engine)).measure(place_map(), noise(1), quiet)
    assert measured.gain.is_supported and measured.gain.p == 1 / 101
    assert measured.gain.value == pytest.approx(measured.insertion.value - measured.deletion.value)
    assert measured.deletion.is_better and measured.insertion.is_better
    inverse = evaluation(weighted(engine)).measure(-place_map(), noise(1), quiet)
    assert inverse.gain.p > 0.9 and not inverse.gain.is_supported


@pytest.mark.slow
def test_of_random_maps_of_any_smoothness_at_most_one_in_twenty_is_supported(engine: Engine) -> None:
    constructed, drawn = weighted(engine), range(30)
    ranks = [
        evaluation(constructed, maps=39, seed=seed).measure(noise(1000 + seed, sigma), noise(seed), quiet).gain
        for sigma in (0.0, 0.6, 1.2, 2.4)
        for seed in drawn
    ]
    error = np.sqrt(0.05 * 0.95 / len(ranks))
    assert np.mean([gain.is_supported for gain in ranks]) <= 0.05 + 2 * error
    assert 0.4 < np.mean([gain.p for gain in ranks]) < 0.6


def test_a_centred_blob_and_the_edges_of_an_image_are_never_supported(engine: Engine) -> None:
    for seed in range(5):
        measure = evaluation(weighted(engine, seed))
        for blob in (*centred_priors((GRID, GRID)), *edge_maps(bright().values, (TOKEN, TOKEN))):
            pixels = blob.repeat(TOKEN, axis=0).repeat(TOKEN, axis=1)
            assert not measure.measure(pixels, noise(1), quiet).gain.is_supported


def test_a_blob_in_the_middle_is_not_supported_for_the_luck_of_its_ties(engine: Engine) -> None:
    """Even where the network looks at the middle: the blob is the prior, with equally distant tokens in another order."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    network = WeightedNetwork((np.exp(-(y**2 + x**2) / 200) * 0.02).astype(np.float32))
    looking = Engine(engine.model.with_network(network, patch=(TOKEN, TOKEN)), Runtime("cpu", "fp32", "cpu"))
    found = []
    for seed in range(12):
        blob = np.exp(-(y**2 + x**2) / 300) + np.random.default_rng(seed).normal(0.0, 1e-9, (SIDE, SIDE))
        found.append(evaluation(looking, maps=20, seed=seed).measure(blob.astype(np.float64), noise(1), quiet).gain)
    assert all(gain.p <= 0.05 for gain in found), "it is better than random maps"
    assert np.mean([gain.is_supported for gain in found]) <= 0.25


def test_a_map_that_random_weights_give_too_is_not_supported_and_without_one_none_is(engine: Engine) -> None:
    measure = evaluation(weighted(engine))
    assert measure.measure(place_map(), place_map(), quiet).gain.better_opponents == ("random_weights",)
    alone = measure.measure(place_map(), None, quiet).gain
    assert alone.missing_opponents == ("random_weights",) and not alone.is_supported


def test_a_flat_map_is_one_of_the_random_ones(engine: Engine) -> None:
    ranks = [
        evaluation(weighted(engine), seed=seed).measure(np.ones((SIDE, SIDE), np.float32), noise(1), quiet).gain.p for seed in range(8)
    ]
    assert 0.1 < np.mean(ranks) < 0.9


def test_methods_that_explain_one_input_share_its_random_maps(engine: Engine) -> None:
    constructed, passes = weighted(engine), []
    constructed.model.network.register_forward_pre_hook(lambda *_, **__: passes.append(1))
    first = evaluation(constructed).measure(noise(7), noise(1), quiet)
    needed, passes[:] = len(passes), []
    second = evaluation(constructed).measure(noise(7), noise(1), quiet)
    assert len(passes) < needed / 3
    assert first.gain == second.gain


def test_random_weights_are_other_weights_of_the_same_size_and_the_same_for_a_seed(engine: Engine) -> None:
    own = torch.cat([each.detach().flatten() for each in engine.model.network.parameters()])
    found = []
    for seed in (0, 0, 1):
        with random_weights(engine, seed) as other:
            found.append(torch.cat([each.detach().flatten() for each in other.model.network.parameters()]))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    assert abs(float(np.corrcoef(own, found[0])[0, 1])) < 0.05
    assert float(found[0].std()) == pytest.approx(float(own.std()), rel=0.1)


def test_a_token_has_the_mean_of_its_pixels() -> None:
    pixels = np.arange(16, dtype=np.float32).reshape(4, 4)
    np.testing.assert_array_equal(on_token_grid(pixels, (2, 2)), [[2.5, 4.5], [10.5, 12.5]])


def test_a_label_that_is_not_there_is_named_with_the_known_ones(engine: Engine) -> None:
    with pytest.raises(NotFound, match=r"lung.*normal, bacterial-pneumonia, viral-pneumonia"):
        replace(evaluation(engine), target=Target.of_label("lung")).check()
