"""AttnLRP and LibraGrad against relevance that is passed back by hand, and against a network in which all that is held is held."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.errors import NoAttention
from core.explain.backward import SharedOut, shared_out
from core.explain.likeness import likeness_of
from core.explain.registry import explain
from core.explain.targets import read_logits, scores
from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.types import Target
from models.bert_image import BertImageForImageClassification
from tests.tiny import HEADS, tiny_network
from tests.tiny_encoders import FAMILIES, tiny_encoder
from tests.unit.explain.constructed import random_input
from tests.unit.explain.test_variants import engine_of

TOLERANCE, QUICK = 1e-5, {"removal_steps": 2}
LABEL = 1


def double(pooling: str = "mean", is_bare: bool = False, seed: int = 0) -> BertImageForImageClassification:
    """In float64, with a linear stem. is_bare: without biases and positions, so that nothing but the image adds to the answer."""
    network = tiny_network(stem="linear", pooling=pooling, seed=seed).double()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if is_bare and (name.endswith("bias") or "positions" in name):
                value.zero_()
            elif name.endswith("bias"):
                value.normal_(0.0, 0.1, generator=torch.Generator().manual_seed(len(name)))
    return network


def engine_with(network: nn.Module, like: Engine) -> Engine:
    return Engine(like.model.with_network(network, config=network.config), Runtime("cpu", "fp32", "cpu"))


def stem_of(network: BertImageForImageClassification, pixels: Tensor) -> Tensor:
    """[tokens, width] with their places, before the first layer norm."""
    inner = network.bert.embeddings
    return (inner.stem(pixels) + inner.positions).flatten(2).transpose(1, 2)[0]


def through(x: Tensor, out: Tensor, relevance: Tensor, matrix: Tensor) -> Tensor:
    """The epsilon rule with an epsilon of 0 of out = x @ matrix + bias: [tokens, in]."""
    return x * ((relevance / out) @ matrix.T)


def norm_matrix(x: Tensor, norm: nn.LayerNorm) -> tuple[Tensor, list[Tensor]]:
    """What a layer norm gives, and of each token the matrix that it is when its deviation is held."""
    width = x.shape[1]
    centre = torch.eye(width, dtype=x.dtype) - 1.0 / width
    spread = ((x - x.mean(1, keepdim=True)).square().mean(1) + norm.eps).sqrt()
    return norm(x), [centre @ torch.diag(norm.weight) / each for each in spread]


def through_norm(x: Tensor, norm: nn.LayerNorm, relevance: Tensor) -> Tensor:
    out, matrices = norm_matrix(x, norm)
    return torch.stack([through(x[i : i + 1], out[i : i + 1], relevance[i : i + 1], m)[0] for i, m in enumerate(matrices)])


def attn_lrp_by_hand(network: BertImageForImageClassification, pixels: Tensor, label: int) -> Tensor:
    """Relevance of the tokens after the stem's layer norm, [tokens, width], passed back rule by rule as the paper writes them."""
    first = network.bert.embeddings.LayerNorm(stem_of(network, pixels))
    states = [first]
    for layer in network.bert.encoder.layer:
        states.append(layer(states[-1][None])[0])
    logits = network.classifier(states[-1])
    relevance = through(states[-1], logits, torch.zeros_like(logits).index_fill(1, torch.tensor([label]), 1.0) * logits / len(logits),
                        network.classifier.weight.T)  # fmt: skip
    for layer, x in reversed(list(zip(network.bert.encoder.layer, states, strict=False))):
        relevance = layer_by_hand(layer, x, relevance)
    return relevance


def layer_by_hand(layer: nn.Module, x: Tensor, relevance: Tensor) -> Tensor:
    own, size = layer.attention.self, layer.attention.self.attention_head_size
    parts = {name: getattr(own, name)(x) for name in ("query", "key", "value")}
    q, k, v = (parts[name].unflatten(1, (HEADS, size)).transpose(0, 1) for name in ("query", "key", "value"))  # [heads, tokens, size]
    raw = q @ k.transpose(1, 2)
    scores = raw * own.scaling
    p = scores.softmax(dim=-1)
    o = p @ v
    joined = o.transpose(0, 1).flatten(1)
    dense = layer.attention.output.dense(joined)
    h = layer.attention.output.LayerNorm(dense + x)
    wide = layer.intermediate.dense(h)
    active = nn.functional.gelu(wide)
    back = layer.output.dense(active)
    # backwards
    r = through_norm(back + h, layer.output.LayerNorm, relevance)
    r_back, r_h = back * r / (back + h), h * r / (back + h)
    r_active = through(active, back, r_back, layer.output.dense.weight.T)
    r_h = r_h + through(h, wide, r_active, layer.intermediate.dense.weight.T)  # the activation passes all of it on
    r = through_norm(dense + x, layer.attention.output.LayerNorm, r_h)
    r_dense, r_x = dense * r / (dense + x), x * r / (dense + x)
    r_o = through(joined, dense, r_dense, layer.attention.output.dense.weight.T).unflatten(1, (HEADS, size)).transpose(0, 1)
    r_p = 0.5 * p * ((r_o / o) @ v.transpose(1, 2))
    r_v = 0.5 * v * (p.transpose(1, 2) @ (r_o / o))
    r_scores = scores * (r_p - p * r_p.sum(dim=-1, keepdim=True))
    r_q = 0.5 * q * ((r_scores / raw) @ k)
    r_k = 0.5 * k * ((r_scores / raw).transpose(1, 2) @ q)
    for name, each in (("query", r_q), ("key", r_k), ("value", r_v)):
        r_x = r_x + through(x, parts[name], each.transpose(0, 1).flatten(1), getattr(own, name).weight.T)
    return r_x


def test_attn_lrp_is_the_same_as_relevance_passed_back_by_hand(engine: Engine) -> None:
    network, image = double(), random_input()
    expected = attn_lrp_by_hand(network, torch.from_numpy(image.values)[None].double(), LABEL).sum(dim=1).detach().numpy()
    target = Target.of_label(engine.model.labels[LABEL])
    found = engine_with(network, engine).run(lambda model: shared_out(model, image, target, 0, attention_is_held=False))
    assert found.tokens is not None and np.abs(found.tokens.ravel() - expected).max() < TOLERANCE
    assert np.ptp(expected) > 100 * TOLERANCE
    logit = float(network(torch.from_numpy(image.values)[None].double()).logits[0, LABEL].detach())
    assert found.conservation_error == pytest.approx(abs(expected.sum() - logit) / abs(logit), rel=1e-5)


def held_network(network: BertImageForImageClassification, pixels: Tensor, label: int) -> Callable[[Tensor], Tensor]:
    """The logit as a function of the pixels when attention, deviations and gates stay what they are at `pixels`: a straight line."""
    held: list[Tensor] = []
    kept = iter(())

    def hold(value: Tensor) -> Tensor:
        if recording:
            held.append(value.detach())
            return value.detach()
        return next(kept)  # type: ignore[call-overload, no-any-return]

    def norm(x: Tensor, module: nn.LayerNorm) -> Tensor:
        centred = x - x.mean(1, keepdim=True)
        return centred / hold((centred.square().mean(1, keepdim=True) + module.eps).sqrt()) * module.weight + module.bias

    def run(values: Tensor) -> Tensor:
        x = norm(stem_of(network, values), network.bert.embeddings.LayerNorm)
        for layer in network.bert.encoder.layer:
            own, size = layer.attention.self, layer.attention.self.attention_head_size
            q, k, v = (f(x).unflatten(1, (HEADS, size)).transpose(0, 1) for f in (own.query, own.key, own.value))
            p = hold((q @ k.transpose(1, 2) * own.scaling).softmax(dim=-1))
            h = norm(layer.attention.output.dense((p @ v).transpose(0, 1).flatten(1)) + x, layer.attention.output.LayerNorm)
            wide = layer.intermediate.dense(h)
            active = wide * hold(nn.functional.gelu(wide) / wide)
            x = norm(layer.output.dense(active) + h, layer.output.LayerNorm)
        return network.classifier(x).mean(dim=0)[label]  # type: ignore[no-any-return]

    recording = True
    run(pixels)
    recording = False

    def line(values: Tensor) -> Tensor:
        nonlocal kept
        kept = iter(held)
        return run(values).detach()

    return line


def test_libra_grad_is_the_slope_of_a_network_in_which_what_it_holds_is_held(engine: Engine) -> None:
    network, image = double(), random_input()
    pixels = torch.from_numpy(image.values)[None].double()
    line, target = held_network(network, pixels, LABEL), Target.of_label(engine.model.labels[LABEL])
    assert float(line(pixels)) == pytest.approx(float(network(pixels).logits[0, LABEL].detach()), abs=1e-9)
    found = engine_with(network, engine).run(lambda model: shared_out(model, image, target, None, attention_is_held=True)).attribution
    assert found is not None and found.std() > 100 * TOLERANCE
    for row, column in ((0, 0), (5, 17), (31, 31), (16, 3)):
        more = pixels.clone()
        more[0, 0, row, column] += 1.0  # exact, whatever the step: it is a straight line
        assert found[0, row, column] == pytest.approx(float(pixels[0, 0, row, column] * (line(more) - line(pixels))), abs=TOLERANCE)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_without_biases_and_positions_libra_grad_gives_the_whole_answer_back(engine: Engine, pooling: str) -> None:
    network = double(pooling, is_bare=True)
    if network.bert.embeddings.cls_token is not None:
        with torch.no_grad():
            network.bert.embeddings.cls_token.zero_()
    target = Target.of_label(engine.model.labels[LABEL])
    of_bare = engine_with(network, engine)
    found = of_bare.run(lambda model: shared_out(model, random_input(), target, None, attention_is_held=True))
    assert found.conservation_error < 1e-5
    lost = of_bare.run(lambda model: shared_out(model, random_input(), target, None, attention_is_held=False))
    assert lost.conservation_error > found.conservation_error, "the softmax takes something of AttnLRP's"


def test_a_likeness_is_given_back_whole_too(engine: Engine) -> None:
    network, image = double(is_bare=True), random_input()
    of_bare = engine_with(network, engine)
    target = likeness_of(of_bare, image, random_input(seed=8), "another")
    cosine = scores(of_bare.model, read_logits(of_bare, image.values[None], target), target)[0]
    found = of_bare.run(lambda model: shared_out(model, image, target, None, attention_is_held=True))
    assert abs(cosine) > 0.01 and found.attribution is not None
    assert found.attribution.sum(dtype=np.float64) == pytest.approx(cosine, abs=TOLERANCE)
    assert found.conservation_error < 1e-4


def test_of_several_labels_the_entropy_is_given_back_to_nobody(engine: Engine) -> None:
    network, image = double(is_bare=True), random_input()
    both = Target("pneumonia", engine.model.labels[:2])
    found = engine_with(network, engine).run(lambda model: shared_out(model, image, both, None, attention_is_held=True)).attribution
    logits = network(torch.from_numpy(image.values)[None].double()).logits[0, :2].detach()
    assert found is not None
    assert found.sum(dtype=np.float64) == pytest.approx(float((logits.softmax(dim=0) * logits).sum()), abs=TOLERANCE)


@pytest.mark.parametrize("is_held", [True, False])
def test_what_a_token_without_a_place_took_is_missed_by_the_map(engine: Engine, is_held: bool) -> None:
    network, image, target = double("cls"), random_input(), Target.of_label(engine.model.labels[LABEL])
    of_cls = engine_with(network, engine)
    found = of_cls.run(lambda model: shared_out(model, image, target, 0, attention_is_held=is_held))
    logit = float(network(torch.from_numpy(image.values)[None].double()).logits[0, LABEL].detach())
    assert found.tokens is not None and network.config.prefix_tokens == 1
    assert found.conservation_error == pytest.approx(abs(found.tokens.sum(dtype=np.float64) - logit) / abs(logit), rel=1e-4)


@pytest.mark.parametrize("family", [*FAMILIES, "convolution", "linear attention"])
def test_the_answer_stays_the_same_to_the_bit(family: str) -> None:
    if family in FAMILIES:
        network, image = tiny_encoder(family), random_input(channels=3)
    else:
        stem = {"stem": "convolution", "stem_channels": [8, 8, 16], "stem_blocks": [1, 1, 1]}
        network = tiny_network(**(stem if family == "convolution" else {"attention": "linear", "random_features": 16}))
        image = random_input()
    values = torch.from_numpy(image.values)[None]
    before = network(pixel_values=values.clone().requires_grad_()).logits.detach()
    with SharedOut():
        after = network(pixel_values=values.clone().requires_grad_() + 0.0).logits.detach()
    assert torch.equal(before, after)


@pytest.mark.parametrize("method", ["attn-lrp", "libra-grad"])
@pytest.mark.parametrize("layer", [None, 0, 2])
def test_what_it_gives_is_of_pixels_or_of_tokens(engine: Engine, method: str, layer: int | None) -> None:
    found = explain(engine, random_input(), method, "normal", random_maps=20, parameters={**QUICK, "layer": layer})
    assert (found.attribution is None, found.tokens is None) == ((True, False) if layer is not None else (False, True))
    assert found.conservation_error is not None and np.isfinite(found.conservation_error) and found.is_signed
    assert engine.model.network.config._attn_implementation == "sdpa", "as it was"


def test_attn_lrp_has_no_rule_for_linear_attention(tmp_path) -> None:  # type: ignore[no-untyped-def]
    other = engine_of(tmp_path, attention="linear", random_features=16)
    with pytest.raises(NoAttention, match="linear attention"):
        explain(other, random_input(), "attn-lrp", "normal", random_maps=20, parameters=QUICK)
    explain(other, random_input(), "libra-grad", "normal", random_maps=20, parameters=QUICK)
