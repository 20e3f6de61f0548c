"""The family: windows, linear attention and the pyramid, each an ordinary image BERT, and none of them what a model of the zoo uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForImageClassification

from core.types import Domain
from models.bert_image import BertImageChangeConfig, BertImageConfig, BertImageForChangeDetection, attention_captured
from models.bert_image.blocks import blocks_of
from models.bert_image.configuration import ATTENTIONS
from models.bert_image.merging import merges_of
from models.bert_image.windows import windows_of
from tests.tiny import HEADS, LAYERS, WIDTH, tiny_network

ZOO = Path(__file__).resolve().parents[3] / "models" / "zoo"
VARIANTS: dict[str, dict[str, Any]] = {
    "full": {},
    "linear": {"attention": "linear", "random_features": 16},
    "windows": {"window_size": 2, "windowed_layers": 2},
    "uneven-windows": {"window_size": 3, "windowed_layers": 1},
    "pyramid": {"merges": [1]},
    "all": {"attention": "linear", "random_features": 16, "window_size": 3, "windowed_layers": 2, "merges": [1]},
}
MERGING = ("pyramid", "all")
every_variant = pytest.mark.parametrize("name", VARIANTS)
every_one_that_drops = pytest.mark.parametrize("name", [name for name in VARIANTS if name not in MERGING])


def images(rows: int = 32, columns: int = 32, count: int = 2) -> Tensor:
    return torch.randn(count, 1, rows, columns, generator=torch.Generator().manual_seed(1))


@every_variant
@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (24, 40)])
def test_every_token_of_the_stem_is_spoken_for_and_their_mean_is_the_answer(name: str, rows: int, columns: int) -> None:
    output = tiny_network(**VARIANTS[name])(images(rows, columns))
    assert output.token_logits.shape == (2, rows * columns // 64, 3)
    assert output.embedding.shape == (2, (LAYERS + 1) * WIDTH)
    torch.testing.assert_close(output.token_logits.mean(dim=1), output.logits)


def test_heads_of_tokens_speak_for_every_token_of_the_stem_where_tokens_are_merged() -> None:
    network = tiny_network(Domain.CHEST_CT, **VARIANTS["pyramid"])
    place = network(images()).head_logits["place"]
    assert place.shape == (2, 16, 2)
    assert torch.equal(place[:, 0], place[:, 5]) and not torch.equal(place[:, 0], place[:, 2])


@every_variant
def test_it_is_saved_and_loaded_whole(tmp_path: Path, name: str) -> None:
    network = tiny_network(**VARIANTS[name])
    network.save_pretrained(tmp_path)
    again = AutoModelForImageClassification.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        assert torch.equal(again(images()).logits, network(images()).logits)


@every_variant
@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (24, 40)])
def test_captured_attention_is_whole_and_leaves_the_answer_as_it_is(name: str, rows: int, columns: int) -> None:
    network = tiny_network(**VARIANTS[name])
    before, tokens = network.config._attn_implementation, rows * columns // 64
    with torch.no_grad():
        plain = network(images(rows, columns)).logits
        with attention_captured(network) as captured:
            torch.testing.assert_close(network(images(rows, columns)).logits, plain, atol=1e-4, rtol=1e-4)
    assert network.config._attn_implementation == before
    later = -(-rows // 16) * -(-columns // 16) if name in MERGING else tokens
    assert [tuple(layer.shape) for layer in captured] == [(2, HEADS, tokens, tokens), (2, HEADS, later, later)]
    for layer in captured:
        torch.testing.assert_close(layer.sum(dim=-1), torch.ones(layer.shape[:3]), atol=1e-5, rtol=0.0)


@every_variant
def test_every_weight_is_learnt(name: str) -> None:
    network = tiny_network(**VARIANTS[name])
    network(images(), labels=torch.tensor([0, 2])).loss.backward()
    silent = [key for key, weight in network.named_parameters() if weight.grad is None or not float(weight.grad.abs().sum())]
    assert not [key for key in silent if "key.bias" not in key], "a key's bias is the same for all keys, and softmax takes it off"


@every_one_that_drops
def test_tokens_that_are_not_kept_do_not_count(name: str) -> None:
    network, x = tiny_network(**VARIANTS[name]), images()
    kept = torch.tensor([[5, 0, 1, 2, 3, 7], [1, 4, 6, 7, 2, 0]])
    changed = x.clone()
    changed[..., 16:, :] = 9.0  # patches 8 to 15
    assert network(x, keep_tokens=kept).token_logits.shape == (2, 6, 3)
    torch.testing.assert_close(network(x, keep_tokens=kept).logits, network(changed, keep_tokens=kept).logits)
    assert not torch.allclose(network(x).logits, network(changed).logits)
    with torch.no_grad(), attention_captured(network) as captured:
        network(x, keep_tokens=kept)
    assert [tuple(layer.shape) for layer in captured] == [(2, HEADS, 6, 6)] * LAYERS


@every_one_that_drops
def test_every_token_kept_is_no_token_dropped(name: str) -> None:
    network = tiny_network(**VARIANTS[name])
    torch.testing.assert_close(network(images(), keep_tokens=torch.arange(16).expand(2, -1)).logits, network(images()).logits)


@pytest.mark.parametrize("name", MERGING)
def test_a_network_that_merges_tokens_drops_none(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be dropped"):
        tiny_network(**VARIANTS[name])(images(), keep_tokens=torch.tensor([[0, 1], [2, 3]]))


@every_variant
def test_4096_tokens_are_read(name: str) -> None:
    with torch.inference_mode():
        output = tiny_network(**VARIANTS[name])(images(512, 512, count=1))
    assert output.token_logits.shape == (1, 4096, 3)
    assert torch.isfinite(output.logits).all()


# ---------------------------------------------------------------- windows


def test_windows_of_an_uneven_grid_begin_at_its_corner_and_shifted_ones_before_it() -> None:
    device = torch.device("cpu")
    plain, shifted = windows_of((2, 3), 2, layer=0, device=device), windows_of((2, 3), 2, layer=1, device=device)
    none = 6
    assert plain.grid == (1, 2) and plain.members.tolist() == [[0, 1, 3, 4], [2, none, 5, none]]
    assert shifted.grid == (2, 2)
    assert shifted.members.tolist() == [[none, none, none, 0], [none, none, 1, 2], [none, 3, none, none], [4, 5, none, none]]
    assert shifted.block_of.tolist() == [0, 1, 1, 2, 3, 3] and shifted.sizes.tolist() == [1, 2, 1, 2]


@pytest.mark.parametrize(("side", "shift"), [(2, 0), (3, 0), (3, 1), (4, 2), (7, 3)])
def test_cut_and_joined_again_tokens_are_where_they_were(side: int, shift: int) -> None:
    blocks, x = blocks_of((5, 7), side, shift), torch.randn(2, 35, 4)
    assert torch.equal(blocks.joined(blocks.split(x).flatten(1, 2)), x)
    assert blocks.is_full == (blocks.members.numel() == 35)


def test_attention_never_leaves_a_window() -> None:
    network = tiny_network(window_size=2, windowed_layers=2)
    with torch.no_grad(), attention_captured(network) as captured:
        network(images())
    for index, matrix in enumerate(captured):
        window = windows_of((4, 4), 2, index, torch.device("cpu")).block_of
        outside = window[:, None] != window[None, :]
        assert float(matrix[:, :, outside].abs().max()) == 0.0
        assert float(matrix[:, :, ~outside].min()) > 0.0


def test_a_window_over_the_whole_grid_is_full_attention() -> None:
    plain, windows = tiny_network(), tiny_network(window_size=4, windowed_layers=2)
    torch.testing.assert_close(windows(images()).logits, plain(images()).logits)


def test_what_changes_in_one_window_stays_there_until_windows_are_shifted() -> None:
    network, x = tiny_network(window_size=2, windowed_layers=2), images(count=1)
    changed = x.clone()
    changed[..., :16, :16] += 1.0  # the first window: tokens 0, 1, 4, 5
    with torch.no_grad():
        before, after = (network.bert(one, output_hidden_states=True).hidden_states for one in (x, changed))
    moved = [(a - b).abs().amax(dim=(0, 2)) > 0 for a, b in zip(before, after, strict=True)]
    assert moved[1].nonzero().flatten().tolist() == [0, 1, 4, 5]
    assert moved[2].nonzero().flatten().tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10], "half a window further"


# ---------------------------------------------------------------- linear attention


def test_linear_attention_comes_close_to_full_attention_with_the_same_weights() -> None:
    full = tiny_network(initializer_range=0.1)
    distances = []
    for features in (8, 1024):
        linear = tiny_network(initializer_range=0.1, attention="linear", random_features=features)
        missing = linear.load_state_dict(full.state_dict(), strict=False).missing_keys
        assert missing == ["bert.projections"]
        with torch.no_grad():
            distances.append(float((linear(images()).logits - full(images()).logits).abs().max()))
    assert distances[1] < 0.2 * distances[0]


@pytest.mark.parametrize(("attention", "asked"), [("linear", "sdpa"), ("linear", "eager"), ("full", "linear")])
def test_no_attention_function_of_the_other_kind_is_taken(attention: str, asked: str) -> None:
    network = tiny_network(attention=attention)
    before = network.config._attn_implementation
    with pytest.raises(ValueError, match=f"attn_implementation is '{asked}' and the network's attention '{attention}'"):
        network.set_attn_implementation(asked)
    assert network.config._attn_implementation == before


def test_the_projections_are_saved_with_the_weights_and_not_learnt() -> None:
    network = tiny_network(attention="linear", random_features=16)
    assert network.state_dict()["bert.projections"].shape == (LAYERS, 16, WIDTH // HEADS)
    assert "bert.projections" not in dict(network.named_parameters())


# ---------------------------------------------------------------- the pyramid


def test_a_merge_joins_the_four_tokens_of_a_block() -> None:
    network = tiny_network(merges=[1])
    states = network.bert(images(), output_hidden_states=True)
    blocks = merges_of(network.config, (4, 4))[1]
    assert blocks.members.tolist()[:2] == [[0, 1, 4, 5], [2, 3, 6, 7]]
    merge = network.bert.merging["1"]
    joined = torch.cat([states.hidden_states[1][:, place] for place in (2, 3, 6, 7)], dim=-1)
    expected = merge.reduction(torch.nn.functional.layer_norm(joined, joined.shape[-1:], eps=1e-12))
    torch.testing.assert_close(merge(states.hidden_states[1], blocks)[:, 1], expected)
    assert [state.shape[1] for state in states.hidden_states] == [16, 16, 4]
    assert torch.equal(states.last_hidden_state[:, 6], states.hidden_states[2][:, 1])


def test_merges_follow_each_other_and_an_uneven_edge_makes_a_block_of_its_own() -> None:
    config = tiny_network(num_hidden_layers=3, merges=[1, 2]).config
    first, second = merges_of(config, (3, 5)).values()
    assert first.grid == (2, 3) and first.sizes.tolist() == [4, 4, 2, 2, 2, 1]
    assert second.grid == (1, 2) and second.tokens == 6


# ---------------------------------------------------------------- configuration, and the other networks


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attention": "sparse"}, f"attention is 'sparse'; it must be one of {', '.join(ATTENTIONS)}"),
        ({"attention": "linear", "random_features": 0}, "random_features is 0; it must be at least 1"),
        ({"windowed_layers": 3, "window_size": 2}, "windowed_layers is 3; it must be from 0 to num_hidden_layers 2"),
        ({"windowed_layers": 1}, "window_size is 0 and windowed_layers 1"),
        ({"window_size": 4}, "window_size is 4 and windowed_layers 0"),
        ({"windowed_layers": 1, "window_size": 2, "pooling": "cls"}, "windowed_layers needs the pooling mean"),
        ({"merges": [2]}, "from 1 to the last but one"),
        ({"merges": [0]}, "from 1 to the last but one"),
        ({"merges": [2, 1], "num_hidden_layers": 4}, "in rising order"),
        ({"merges": [1, 1], "num_hidden_layers": 4}, "in rising order"),
        ({"merges": [1], "pooling": "cls"}, "merges needs the pooling mean"),
        ({"merges": [1, 2, 3], "num_hidden_layers": 4}, "a grid of 4 x 4 tokens cannot be halved so often"),
    ],
)
def test_what_does_not_fit_together_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    sizes = {"image_size": 32, "patch_size": 8, "num_hidden_layers": 2, "pooling": "mean"}
    with pytest.raises(ValueError, match=words):
        BertImageConfig(**{**sizes, **changes})


@pytest.mark.parametrize("folder", sorted(ZOO.glob("*/config.json")), ids=lambda path: path.parent.name)
def test_models_of_the_zoo_have_full_attention_and_one_token_count(folder: Path) -> None:
    values = json.loads(folder.read_text(encoding="utf-8"))
    kind = BertImageChangeConfig if values["model_type"] == BertImageChangeConfig.model_type else BertImageConfig
    config = kind.from_pretrained(folder.parent)
    assert (config.attention, config.windowed_layers, config.merges, config.attention_words) == ("full", 0, [], "")


def test_a_card_names_what_is_not_full_attention() -> None:
    changes = {"attention": "linear", "window_size": 4, "windowed_layers": 2, "merges": [2, 4]}
    words = BertImageConfig(image_size=64, patch_size=8, pooling="mean", **changes).attention_words
    assert words.split(", ") == [
        "",
        "linear attention with 128 random features",
        "windows of 4 x 4 tokens in the first 2 layers",
        "2 x 2 tokens merged after layer 2 and 4",
    ]


@every_variant
def test_the_encoder_of_a_change_network_can_be_each_of_them(name: str) -> None:
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 32, "stem_channels": [4, 8, 16]}
    config = BertImageChangeConfig(image_size=32, **sizes, **VARIANTS[name])
    network = BertImageForChangeDetection(config).eval()
    before, after = torch.randn(2, 1, 3, 32, 32).unbind()
    with torch.no_grad():
        logits = network(before, after).logits
        assert logits.shape == (1, 32, 32)
        torch.testing.assert_close(network(after, before).logits, logits)
