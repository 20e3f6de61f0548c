"""A training begins with a text BERT, a model of ours or a checkpoint of another family, and leaves a folder that needs none of them."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageClassification, BertConfig, BertModel, ResNetConfig

from core.errors import BadRecipe, BrokenModel, NotFound
from core.types import Capability, Domain
from models.bert_image import BertImageForImageClassification
from models.registry import load_model
from tests.tiny import tiny_network, write_tiny_model
from tests.tiny_encoders import FAMILIES, PATCH, SIDE, WIDTH, tiny_encoder, write_tiny_encoder
from tests.unit.training.conftest import RECIPE, draw_images
from training.config.recipe import Recipe, read_recipe
from training.loop.starts import network_words, shown, started, with_start
from training.loop.trainer import fit
from training.stages.train import train

LARGER = {"size = [16, 16]": "size = [32, 32]", "read_size = [20, 20]": "read_size = [32, 32]"}
COLOURED = {
    '"luminance"': '"red", "green", "blue"',
    "mean = [0.5]": "mean = [0.5, 0.5, 0.5]",
    "std = [0.25]": "std = [0.25, 0.25, 0.25]",
    "dropped = [0.0, 0.25]": "",
}


def text_bert(folder: Path, **changes: int) -> Path:
    sizes = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32, **changes}
    BertModel(BertConfig(vocab_size=8, max_position_embeddings=8, **sizes), add_pooling_layer=False).save_pretrained(folder)
    return folder


def recipe_in(folder: Path, start: Path | str, *, network: str = "", changes: dict[str, str] | None = None) -> Path:
    """RECIPE of two steps at 32 x 32 px with a start. network: the lines of [network]. changes: of the text."""
    text = re.sub(r"\[network\].*?\[preprocess\]", f"{network}\n[preprocess]", RECIPE.format(split="patient", steps=2), flags=re.DOTALL)
    for old, new in {**LARGER, **(changes or {})}.items():
        text = text.replace(old, new)
    path = folder / "tiny.toml"
    path.write_text(f'start = "{start}"\n{text}')
    return path


def recipe_of(folder: Path, start: Path | str, **given: object) -> Recipe:
    return with_start(read_recipe(recipe_in(folder, start, **given)))  # type: ignore[arg-type]


def on_encoder(folder: Path, start: Path | str, **changes: str) -> Recipe:
    return recipe_of(folder, start, changes={**COLOURED, **changes})


# ---------------------------------------------------------------- other families


@pytest.mark.parametrize("family", FAMILIES)
def test_a_training_from_a_checkpoint_leaves_a_model_that_needs_it_no_more(family: str, tmp_path: Path) -> None:
    start = write_tiny_encoder(tmp_path / "start", family)
    folder = train(recipe_in(tmp_path, start, changes=COLOURED), [draw_images(tmp_path)], tmp_path / "out")
    shutil.rmtree(start)
    model = load_model(str(folder))
    assert model.labels == ("dark", "bright") and model.preprocess.domain is Domain.RADIOGRAPH
    assert model.calibration is not None and model.ood_detector is not None and model.card.metrics["accuracy"]
    assert (Capability.ATTENTION in model.capabilities) == (family != "swin")
    assert model.network.config.parents == {"light": ["bright"]}
    assert "began with the weights of start, without its head" in model.card.text
    assert "When tokens are left out" not in model.card.text
    values = torch.randn(2, 3, SIDE, SIDE)
    plain = AutoModelForImageClassification.from_pretrained(folder).eval()  # transformers opens it too, and says the same
    with torch.no_grad():
        assert torch.equal(model.network(values).logits, plain(values).logits)


def test_a_training_from_a_checkpoint_goes_on_after_a_stop_and_ends_where_it_would_have(tmp_path: Path) -> None:
    recipe = on_encoder(tmp_path, write_tiny_encoder(tmp_path / "start"), **{"steps = 2": "steps = 4", "every = 4": "every = 2"})
    images = torch.randint(0, 256, (8, 3, SIDE, SIDE), dtype=torch.uint8), np.array([0, 1] * 4)
    undisturbed = {name: value.clone() for name, value in fit(recipe, images, images, tmp_path / "work").state_dict().items()}
    shutil.rmtree(tmp_path / "work" / "checkpoint-4")
    resumed = fit(recipe, images, images, tmp_path / "work").state_dict()
    for name, value in undisturbed.items():
        torch.testing.assert_close(resumed[name], value, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_encoder_begins_with_the_weights_and_the_head_is_new(family: str, tmp_path: Path) -> None:
    recipe = on_encoder(tmp_path, write_tiny_encoder(tmp_path / "start", family))
    begun, known = started(recipe).inner.state_dict(), tiny_encoder(family).state_dict()
    heads = {name for name in known if name.startswith("classifier")}
    for name in set(known) - heads:
        assert torch.equal(begun[name], known[name]), name
    assert begun["classifier.weight"].shape[0] == 2 and not begun["classifier.bias"].any()


def test_the_head_stays_where_the_labels_are_the_same_and_only_there(tmp_path: Path) -> None:
    start = write_tiny_encoder(tmp_path / "start", id2label={0: "dark", 1: "bright"}, label2id={"dark": 0, "bright": 1})
    recipe = on_encoder(tmp_path, start)
    known = load_model(str(start)).network.inner.classifier.weight
    assert recipe.begun.endswith("with its head")
    assert torch.equal(started(recipe).inner.classifier.weight, known)
    turned = replace(recipe, labels=("bright", "dark"))
    assert not torch.allclose(started(turned).inner.classifier.weight, known)


def test_an_encoder_without_a_head_may_be_started_from(tmp_path: Path) -> None:
    inner = tiny_encoder("vit")
    inner.vit.save_pretrained(tmp_path / "start")
    begun = started(on_encoder(tmp_path, tmp_path / "start")).inner
    assert torch.equal(begun.vit.embeddings.position_embeddings, inner.vit.embeddings.position_embeddings)
    assert not begun.classifier.bias.any()


def test_the_same_seed_gives_the_same_head(tmp_path: Path) -> None:
    recipe = on_encoder(tmp_path, write_tiny_encoder(tmp_path / "start"))
    heads = []
    for _ in range(2):
        torch.manual_seed(4)
        heads.append(started(recipe).inner.classifier.weight)
    assert torch.equal(*heads)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dropped = [0.0, 0.25]": "dropped = [0.0, 0.25]"}, r"augmentation\.dropped.*must be \[0\.0\]"),
        ({'"luminance"': '"luminance"'}, r"preprocess\.channels is \('luminance',\).*'red', 'green', 'blue'"),
        ({"size = [32, 32]": "size = [36, 36]"}, r"preprocess\.size.*multiples of 8"),
        ({"[data]": '[data]\nlayout = "nodules"'}, r"data\.layout.*no head for single tokens"),
    ],
)
def test_what_such_a_network_cannot_do_is_refused_before_any_training(changes: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match=words):
        on_encoder(tmp_path, write_tiny_encoder(tmp_path / "start"), **changes)


def test_sizes_beside_a_checkpoint_are_refused_rather_than_ignored(tmp_path: Path) -> None:
    start = write_tiny_encoder(tmp_path / "start")
    with pytest.raises(BadRecipe, match=r"network is .*left out: the checkpoint has its own sizes"):
        recipe_of(tmp_path, start, network="[network]\nhidden_size = 64", changes=COLOURED)


# ---------------------------------------------------------------- a text BERT


def test_layers_of_a_text_bert_are_taken_with_their_sizes(tmp_path: Path) -> None:
    start = text_bert(tmp_path / "text")
    recipe = recipe_of(
        tmp_path, start, network=f'[network]\npatch_size = {PATCH}\nstem = "linear"\npooling = "mean"\nnum_hidden_layers = 2'
    )
    network = started(recipe)
    assert (network.config.hidden_size, network.config.num_hidden_layers, network.config.grid) == (WIDTH, 2, (4, 4))
    text = BertModel.from_pretrained(start, add_pooling_layer=False)
    for mine, theirs in zip(network.bert.encoder.layer, text.encoder.layer, strict=False):
        for name, value in theirs.state_dict().items():
            assert torch.equal(mine.state_dict()[name], value), name


def test_the_card_says_where_the_layers_began(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, text_bert(tmp_path / "text"), network=f"[network]\npatch_size = {PATCH}")
    assert network_words(recipe).startswith("An image BERT whose layers began as those of the text BERT text: linear stem, 4 x 4 tokens")


@pytest.mark.parametrize(
    ("start", "name"), [("./runs/first-stage", "first-stage"), ("/home/me/first-stage", "first-stage"), ("owner/name", "owner/name")]
)
def test_a_card_names_a_folder_by_its_last_name_and_a_hub_id_whole(start: str, name: str) -> None:
    assert shown(start) == name


def test_sizes_that_are_not_those_of_the_text_are_refused(tmp_path: Path) -> None:
    start = text_bert(tmp_path / "text")
    recipe = recipe_of(tmp_path, start, network=f"[network]\npatch_size = {PATCH}\nintermediate_size = 64")
    with pytest.raises(BrokenModel, match="has intermediate_size 32, the image network 64"):
        started(recipe)
    with pytest.raises(BadRecipe, match="network, with the sizes of"):
        recipe_of(tmp_path, start, network="[network]\npatch_size = 7")


# ---------------------------------------------------------------- a model of ours


def test_another_model_hands_on_its_sizes_stem_and_layers_but_not_its_head(tmp_path: Path) -> None:
    start = write_tiny_model(tmp_path / "chest")
    recipe = recipe_of(tmp_path, start)
    begun, known = started(recipe).state_dict(), tiny_network().state_dict()
    for name in known:
        if name.startswith("bert."):
            assert torch.equal(begun[name], known[name]), name
    assert begun["classifier.weight"].shape[0] == 2
    assert recipe.config().parents == {"light": ["bright"]}


def test_positions_are_interpolated_and_layers_beyond_those_wanted_left_out(tmp_path: Path) -> None:
    start = write_tiny_model(tmp_path / "chest")
    finer = {"size = [32, 32]": "size = [64, 64]"}
    network = started(recipe_of(tmp_path, start, network="[network]\nnum_hidden_layers = 1", changes=finer))
    assert len(network.bert.encoder.layer) == 1
    known = tiny_network().bert.embeddings.positions
    assert network.bert.embeddings.positions.shape[2:] == (8, 8)
    np.testing.assert_allclose(network.bert.embeddings.positions.mean().item(), known.mean().item(), atol=0.01)


def test_a_larger_network_begins_nearly_as_the_smaller_one(tmp_path: Path) -> None:
    torch.manual_seed(0)  # how far a network of random parts is off varies much: one draw of them is compared
    sizes = {"stem": "convolution", "stem_channels": [8, 16, 32], "stem_blocks": [0, 1, 0]}
    labels = {"id2label": {0: "dark", 1: "bright"}, "label2id": {"dark": 0, "bright": 1}}
    start = write_tiny_model(tmp_path / "chest", **sizes, **labels, token_heads={"place": ["elsewhere", "here"]})
    known = load_model(str(start)).network
    larger = 'stem_blocks = [1, 2, 0]\nnum_hidden_layers = 3\n[network.token_heads]\nplace = ["elsewhere", "here"]'
    network = started(recipe_of(tmp_path, start, network=f"[network]\n{larger}")).eval()
    assert len(network.bert.encoder.layer) == 3 and len(network.bert.embeddings.stem[1].blocks) == 2
    for name, value in known.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name
    loud = BertImageForImageClassification(network.config).eval()  # the same, its added parts as random weights have them
    loud.load_state_dict(known.state_dict(), strict=False)
    values = torch.randn(8, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        wanted, quietly, loudly = (each(values).token_logits for each in (known, network, loud))
    assert (quietly - wanted).square().mean() < 0.2 * (loudly - wanted).square().mean()


def test_a_head_that_asks_in_other_words_is_new(tmp_path: Path) -> None:
    start = write_tiny_model(tmp_path / "chest", token_heads={"place": ["elsewhere", "here"]})
    asked = '[network]\n[network.token_heads]\nplace = ["nowhere", "here"]'
    network = started(recipe_of(tmp_path, start, network=asked))
    assert not torch.equal(network.heads["place"].weight, load_model(str(start)).network.heads["place"].weight)


def test_other_channels_begin_with_the_mean_of_those_that_are_known(tmp_path: Path) -> None:
    start = write_tiny_model(tmp_path / "chest")
    begun = started(recipe_of(tmp_path, start, changes={**COLOURED})).bert.embeddings.stem.weight
    known = tiny_network().bert.embeddings.stem.weight
    for channel in range(3):  # a grey image in three channels is answered as it was in one
        torch.testing.assert_close(begun[:, channel], known[:, 0] / 3)


def test_sizes_that_the_other_model_has_not_are_refused(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, write_tiny_model(tmp_path / "chest"), network="[network]\nhidden_size = 64")
    with pytest.raises(BrokenModel, match="have other sizes than the recipe tiny"):
        started(recipe)


# ---------------------------------------------------------------- neither


def test_a_start_that_is_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    start = write_tiny_encoder(tmp_path / "start")
    ResNetConfig().save_pretrained(start)
    with pytest.raises(BadRecipe, match=r"of the type 'resnet'.*a text BERT, a model of ours, or one of ViT"):
        on_encoder(tmp_path, start)


def test_a_start_that_is_not_there_or_is_a_pickle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no model"):
        on_encoder(tmp_path, "nowhere")
    start = text_bert(tmp_path / "text")
    (start / "model.safetensors").rename(start / "pytorch_model.bin")
    with pytest.raises(BrokenModel, match="which is not opened"):
        recipe_of(tmp_path, start, network=f"[network]\npatch_size = {PATCH}")


def test_a_start_must_be_a_name(tmp_path: Path) -> None:
    path = recipe_in(tmp_path, "a")
    path.write_text(path.read_text().replace('start = "a"', "start = 3"))
    with pytest.raises(BadRecipe, match="start is missing or is not of the type str"):
        read_recipe(path)
