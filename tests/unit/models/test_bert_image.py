"""The image BERT: what goes in, what comes out, and that it is an ordinary model of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoModelForImageClassification, BertConfig, BertModel

from core.errors import BrokenModel
from core.types import Domain
from models.bert_image import (
    BertImageConfig,
    BertImageForImageClassification,
    BertImageModel,
    attention_captured,
    from_text_bert,
)
from tests.tiny import HEADS, LAYERS, WIDTH, tiny_network, write_tiny_model


def images(count: int = 2, channels: int = 1, rows: int = 32, columns: int = 32) -> Tensor:
    return torch.randn(count, channels, rows, columns, generator=torch.Generator().manual_seed(1))


def small(**changes: Any) -> BertImageConfig:
    sizes: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    return BertImageConfig(**{"image_size": 32, "patch_size": 8, **sizes, **changes})


def test_the_reference_configuration_is_the_network_of_the_article() -> None:
    config = BertImageConfig.reference(num_labels=2)
    with torch.device("meta"):
        network = BertImageForImageClassification(config)
        output = network(pixel_values=torch.zeros(1, 3, 224, 224), output_hidden_states=True)
    assert config.grid == (14, 14) and config.prefix_tokens == 1
    assert output.hidden_states[-1].shape == (1, 196 + 1, 768)
    assert len(network.bert.encoder.layer) == 6
    assert {layer.attention.self.num_attention_heads for layer in network.bert.encoder.layer} == {12}


def test_no_word_embeddings_are_carried_along() -> None:
    names = [name for name, _ in tiny_network().named_parameters()]
    assert not [name for name in names if "word" in name or "token_type" in name or "pooler" in name]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_captured_attention_leaves_the_answer_as_it_is(pooling: str) -> None:
    network = tiny_network(pooling=pooling)
    with torch.no_grad():
        plain = network(images())
        with attention_captured(network) as captured:
            watched = network(images())
    assert network.config._attn_implementation == "sdpa"
    torch.testing.assert_close(watched.logits, plain.logits, atol=1e-5, rtol=1e-5)
    tokens = 16 + (pooling == "cls")
    assert [tuple(layer.shape) for layer in captured] == [(2, HEADS, tokens, tokens)] * LAYERS
    torch.testing.assert_close(captured[0].sum(-1), torch.ones(2, HEADS, tokens))


def test_captured_attention_is_what_eager_attention_returns() -> None:
    network, eager = tiny_network(), tiny_network()
    eager.set_attn_implementation("eager")
    with torch.no_grad(), attention_captured(network) as captured:
        network(images())
        expected = eager(images(), output_attentions=True).attentions
    for mine, theirs in zip(captured, expected, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-5)


def test_gradients_reach_the_captured_attention() -> None:
    network = tiny_network()
    with attention_captured(network) as captured:
        logits = network(images()).logits
        gradients = torch.autograd.grad(logits[:, 0].sum(), captured)
    assert len(gradients) == LAYERS
    assert all(float(gradient.abs().sum()) > 0 for gradient in gradients)


def test_after_an_error_inside_the_block_the_network_is_as_it_was() -> None:
    network = tiny_network()
    with pytest.raises(RuntimeError, match="stop"), attention_captured(network):
        raise RuntimeError("stop")
    assert network.config._attn_implementation == "sdpa"
    assert not any(hasattr(module, "_sightline_attention") for module in network.modules())


def test_a_saved_network_answers_alike_through_the_auto_classes(tmp_path: Path) -> None:
    network = tiny_network(Domain.LAND_COVER)
    network.save_pretrained(tmp_path)
    again = AutoModelForImageClassification.from_pretrained(tmp_path).eval()
    assert isinstance(again, BertImageForImageClassification)
    assert isinstance(AutoConfig.from_pretrained(tmp_path), BertImageConfig)
    with torch.no_grad():
        assert torch.equal(again(images(channels=3)).logits, network(images(channels=3)).logits)


def test_the_encoder_alone_is_an_auto_model(tmp_path: Path) -> None:
    network = tiny_network()
    network.save_pretrained(tmp_path)
    encoder = AutoModel.from_pretrained(tmp_path).eval()
    assert isinstance(encoder, BertImageModel)
    with torch.no_grad():
        assert torch.equal(encoder(images()).embedding, network(images()).embedding)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_an_eager_checkpoint_of_the_zoo_gives_every_layers_attention(tmp_path: Path, pooling: str) -> None:
    write_tiny_model(tmp_path, pooling=pooling)
    network = AutoModelForImageClassification.from_pretrained(tmp_path, attn_implementation="eager")
    attentions = network(images(3), output_attentions=True).attentions
    tokens = 16 + (pooling == "cls")
    assert [tuple(layer.shape) for layer in attentions] == [(3, HEADS, tokens, tokens)] * LAYERS


def test_the_mean_of_the_token_logits_is_the_logits() -> None:
    output = tiny_network(Domain.LAND_COVER)(images(channels=3))
    assert output.token_logits.shape == (2, 16, 10)
    torch.testing.assert_close(output.token_logits.mean(dim=1), output.logits)


def test_a_cls_head_reads_the_first_token_and_speaks_for_no_other() -> None:
    network = tiny_network(pooling="cls")
    output = network(images(), output_hidden_states=True)
    assert output.token_logits is None
    torch.testing.assert_close(network.classifier(output.hidden_states[-1][:, 0]), output.logits)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_embedding_joins_the_mean_patch_of_the_stem_and_of_every_layer(pooling: str) -> None:
    output = tiny_network(pooling=pooling)(images(), output_hidden_states=True)
    skipped = 1 if pooling == "cls" else 0
    means = [state[:, skipped:].mean(dim=1) for state in output.hidden_states]
    assert output.embedding.shape == (2, (LAYERS + 1) * WIDTH)
    torch.testing.assert_close(output.embedding, torch.cat(means, dim=1))


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (32, 48), (16, 24)])
def test_positions_are_interpolated_for_other_sizes(rows: int, columns: int) -> None:
    network = tiny_network(Domain.LAND_COVER)
    output = network(images(channels=3, rows=rows, columns=columns))
    assert output.token_logits.shape[1] == (rows // 8) * (columns // 8)
    positions = network.bert.embeddings.positions_at((rows // 8, columns // 8)).detach()
    assert positions.shape[2:] == (rows // 8, columns // 8)
    learned = network.bert.embeddings.positions.detach()
    assert torch.isfinite(positions).all() and float(positions.std()) > 0.3 * float(learned.std())


def test_at_the_learned_size_positions_are_the_learned_ones() -> None:
    embeddings = tiny_network().bert.embeddings
    assert embeddings.positions_at((4, 4)) is embeddings.positions


def test_the_same_patch_at_another_place_is_another_token() -> None:
    network = tiny_network()
    states = network(torch.ones(1, 1, 32, 32), output_hidden_states=True).hidden_states[0][0]
    assert not torch.allclose(states[0], states[5], atol=1e-3)


@pytest.mark.parametrize("channels", [1, 2, 3, 13])
@pytest.mark.parametrize("stem", [{}, {"stem": "convolution", "stem_channels": [4, 8, 16]}], ids=["linear", "convolution"])
def test_any_number_of_channels_is_read(channels: int, stem: dict[str, Any]) -> None:
    network = BertImageForImageClassification(small(num_channels=channels, pooling="mean", **stem)).eval()
    assert network(images(channels=channels)).token_logits.shape == (2, 16, 2)


def test_a_shape_that_is_not_square_keeps_its_rows_and_columns_apart() -> None:
    config = small(image_size=[32, 64], num_channels=1)
    assert config.grid == (4, 8)
    network = BertImageModel(config).eval()
    assert network(images(rows=32, columns=64)).last_hidden_state.shape == (2, 4 * 8 + 1, 16)


def test_tokens_that_are_not_kept_do_not_count() -> None:
    network, x = tiny_network(), images(1)
    kept = torch.tensor([[0, 1, 2, 3, 4, 5]])
    changed = x.clone()
    changed[..., 16:, :] = 9.0  # patches 8 to 15
    assert network(x, keep_tokens=kept).token_logits.shape == (1, 6, 3)
    assert torch.equal(network(x, keep_tokens=kept).logits, network(changed, keep_tokens=kept).logits)
    assert not torch.equal(network(x).logits, network(changed).logits)


def test_every_token_kept_is_no_token_dropped() -> None:
    network = tiny_network()
    everything = torch.arange(16).expand(2, -1)
    torch.testing.assert_close(network(images(), keep_tokens=everything).logits, network(images()).logits)


def test_labels_give_the_cross_entropy() -> None:
    network, labels = tiny_network(), torch.tensor([0, 2])
    output = network(images(), labels=labels)
    torch.testing.assert_close(output.loss, torch.nn.functional.cross_entropy(output.logits, labels))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_size": 30}, "multiple of patch_size 8"),
        ({"hidden_size": 15}, "multiple of num_attention_heads 2"),
        ({"stem": "wavelet"}, "one of linear, convolution"),
        ({"pooling": "max"}, "one of cls, mean"),
        ({"stem": "convolution", "stem_channels": [4, 8]}, "2 to that power"),
        ({"stem": "convolution", "stem_channels": [4, 8, 16], "stem_blocks": [1]}, "one for each of stem_channels"),
    ],
)
def test_sizes_that_do_not_fit_together_are_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        small(**changes)


# ---------------------------------------------------------------- transfer from text


def text_bert(folder: Path, **changes: int) -> Path:
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32, "num_hidden_layers": 3, **changes}
    BertModel(BertConfig(vocab_size=11, max_position_embeddings=8, **sizes)).save_pretrained(folder)
    return folder


def test_the_layers_of_a_text_bert_become_those_of_the_image_network(tmp_path: Path) -> None:
    source = text_bert(tmp_path)
    text = BertModel.from_pretrained(source)
    network = from_text_bert(str(source), small())
    assert len(network.bert.encoder.layer) == 2
    for mine, theirs in zip(network.bert.encoder.layer, text.encoder.layer, strict=False):
        weights = theirs.state_dict()
        assert mine.state_dict().keys() == weights.keys()
        assert all(torch.equal(value, weights[name]) for name, value in mine.state_dict().items())


@pytest.mark.parametrize("field", ["hidden_size", "num_attention_heads", "intermediate_size"])
def test_a_text_bert_of_other_sizes_is_refused(tmp_path: Path, field: str) -> None:
    source = text_bert(tmp_path, **{field: 64 if field != "num_attention_heads" else 4})
    with pytest.raises(BrokenModel, match=f"has {field}"):
        from_text_bert(str(source), small())


def test_a_text_bert_with_too_few_layers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenModel, match="has 3 layers, the image network 4"):
        from_text_bert(str(text_bert(tmp_path)), small(num_hidden_layers=4))


def test_a_folder_without_a_bert_is_refused_rather_than_filled_with_chance(tmp_path: Path) -> None:
    with pytest.raises(BrokenModel, match="cannot be opened"):
        from_text_bert(str(tmp_path), small())
    tiny_network().save_pretrained(tmp_path)
    with pytest.raises(BrokenModel):
        from_text_bert(str(tmp_path), small())
