"""Raw attention, rollout with its knobs, gradient-weighted rollout, Eigen-CAM: against dense products written out in float64."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForImageClassification

from core.errors import NotFound, OutOfRange
from core.explain.registry import explain
from core.inference.engine import Engine, engine_for
from core.types import Domain, FloatImage, ModelInput
from tests.tiny import HEADS, LAYERS, write_tiny_model
from tests.unit.explain.constructed import random_input
from tests.unit.explain.test_variants import VARIANTS, engine_of

TOLERANCE, QUICK = 1e-5, {"removal_steps": 2}
FUSED = {"mean": np.mean, "max": np.max, "min": np.min}


@pytest.fixture(scope="module", params=["cls", "mean"])
def pooling(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, pooling: str) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("more") / pooling, Domain.LAND_COVER, pooling=pooling)


@pytest.fixture(scope="module")
def given() -> ModelInput:
    return random_input(24, 40, channels=3)


def formed(folder: Path, image: ModelInput, label: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(attention, its gradients: [layers, heads, tokens, tokens]; what enters the last layer: [tokens, width]) as transformers has them."""
    network = AutoModelForImageClassification.from_pretrained(folder, attn_implementation="eager").eval().double()
    values = torch.from_numpy(image.values)[None].double()
    output = network(pixel_values=values, output_attentions=True, output_hidden_states=True)
    slopes = torch.autograd.grad(output.logits[0, label], output.attentions)
    attention, gradients = (np.stack([each[0].detach().numpy() for each in some]) for some in (output.attentions, slopes))
    return attention, gradients, output.hidden_states[LAYERS - 1][0].detach().numpy()


def read(joint: NDArray[np.float64], pooling: str) -> NDArray[np.float64]:
    return joint[0, 1:] if pooling == "cls" else joint.mean(axis=0)


def tokens(folder: Path, image: ModelInput, method: str, **parameters: object) -> FloatImage:
    found = explain(engine_for(str(folder)), image, method, "Forest", random_maps=20, parameters={**QUICK, **parameters}).tokens
    assert found is not None and found.values.shape == (3, 5)
    return found.values.ravel()


@pytest.mark.parametrize(("layer", "head"), [(None, None), (0, None), (0, 3), (1, 0)])
def test_raw_attention_is_the_row_that_is_read(written: Path, given: ModelInput, pooling: str, layer: int | None, head: int | None) -> None:
    attention, *_ = formed(written, given, 1)
    chosen = attention[LAYERS - 1 if layer is None else layer]
    expected = read(chosen.mean(axis=0) if head is None else chosen[head], pooling)
    assert np.abs(tokens(written, given, "raw-attention", layer=layer, head=head) - expected).max() < TOLERANCE
    assert np.ptp(expected) > 10 * TOLERANCE


def residual(heads: NDArray[np.float64], fusion: str, discard: float) -> NDArray[np.float64]:
    """The identity added to each head, heads fused, the smallest share of what is between tokens set to 0."""
    own = np.eye(heads.shape[1])
    flow = FUSED[fusion](heads + own, axis=0)
    count = int(discard * flow.size)
    between = [(flow[row, column], row, column) for row in range(len(flow)) for column in range(len(flow)) if row != column]
    for _, row, column in sorted(between)[:count]:
        flow[row, column] = 0.0
    return np.asarray(flow)


@pytest.mark.parametrize("discard", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("fusion", sorted(FUSED))
def test_rollout_fuses_discards_and_then_normalises(written: Path, given: ModelInput, pooling: str, fusion: str, discard: float) -> None:
    attention, *_ = formed(written, given, 1)
    joint = np.eye(attention.shape[-1])
    for heads in attention:
        flow = residual(heads, fusion, discard)
        joint = (flow / flow.sum(axis=1, keepdims=True)) @ joint
    assert np.abs(tokens(written, given, "rollout", fusion=fusion, discard=discard) - read(joint, pooling)).max() < TOLERANCE


@pytest.mark.parametrize(("fusion", "discard"), [("mean", 0.0), ("max", 0.3)])
def test_gradient_rollout_is_the_product_of_what_raises_the_logit(
    written: Path, given: ModelInput, pooling: str, fusion: str, discard: float
) -> None:
    attention, gradients, _ = formed(written, given, 1)
    joint = own = np.eye(attention.shape[-1])
    for heads, slopes in zip(attention, gradients, strict=True):
        flow = residual(np.maximum(0.0, heads * slopes), fusion, discard)
        sums = flow.sum(axis=1, keepdims=True)
        joint, own = (flow / sums) @ joint, own / sums
    found = tokens(written, given, "gradient-rollout", fusion=fusion, discard=discard)
    expected = read(joint - own, pooling)
    assert np.abs(found - expected).max() < TOLERANCE and np.ptp(expected) > 10 * TOLERANCE


def test_eigen_cam_is_the_projection_on_the_strongest_pattern(written: Path, given: ModelInput, pooling: str) -> None:
    states = formed(written, given, 1)[2][1 if pooling == "cls" else 0 :]
    strongest = np.linalg.eigh(states.T @ states)[1][:, -1]
    expected = states @ strongest * np.sign((states @ strongest).sum())
    assert np.abs(tokens(written, given, "eigen-cam") - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("method", ["rollout", "raw-attention", "gradient-rollout", "relevance", "attn-lrp", "libra-grad"])
def test_the_order_of_heads_does_not_matter(tmp_path: Path, method: str) -> None:
    engine, image = engine_for(str(write_tiny_model(tmp_path / "heads"))), random_input()
    before = explain(engine, image, method, "normal", random_maps=20, parameters=QUICK).tokens
    size, order = 32 // HEADS, torch.tensor([2, 0, 3, 1])
    places = (order[:, None] * size + torch.arange(size)).flatten()

    def permute(model) -> None:  # type: ignore[no-untyped-def]
        with torch.no_grad():
            for layer in model.network.bert.encoder.layer:
                for part in (layer.attention.self.query, layer.attention.self.key, layer.attention.self.value):
                    part.weight.copy_(part.weight[places].clone())
                    part.bias.copy_(part.bias[places].clone())
                dense = layer.attention.output.dense
                dense.weight.copy_(dense.weight[:, places].clone())

    engine.run(permute)
    after = explain(engine, image, method, "normal", random_maps=20, parameters=QUICK).tokens
    assert before is not None and after is not None
    np.testing.assert_allclose(after.values, before.values, atol=TOLERANCE)


@pytest.mark.parametrize("method", ["raw-attention", "gradient-rollout", "eigen-cam", "libra-grad"])
@pytest.mark.parametrize("name", VARIANTS)
def test_maps_lie_on_the_grid_of_the_stem_whatever_the_layers_are(tmp_path: Path, name: str, method: str) -> None:
    found = explain(engine_of(tmp_path, **VARIANTS[name]), random_input(24, 40), method, "normal", random_maps=20, parameters=QUICK).tokens
    assert found is not None and found.values.shape == (3, 5) and np.ptp(found.values) > 0.0


def test_knobs_that_make_no_sense_are_refused_with_what_does(engine: Engine, image: ModelInput) -> None:
    for method, parameters, kind, words in (
        ("rollout", {"fusion": "median"}, NotFound, "mean, max, min"),
        ("rollout", {"discard": 1.0}, OutOfRange, "discard < 0.95"),
        ("gradient-rollout", {"discard": -0.1}, OutOfRange, "0 <= discard"),
        ("raw-attention", {"layer": 2}, OutOfRange, "from 0 to 1"),
        ("raw-attention", {"head": 4}, OutOfRange, "from 0 to 3"),
        ("eigen-cam", {"layer": 3}, OutOfRange, "from 0 to 2"),
    ):
        with pytest.raises(kind, match=words):
            explain(engine, image, method, "normal", random_maps=20, parameters={**QUICK, **parameters})
