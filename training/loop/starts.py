"""What a training begins with: nothing, ImageNet's weights of a stem, a text BERT's layers, another model of ours, or a checkpoint of ViT,
DeiT, BEiT, Swin or DINOv2.

The recipe's key `start` names a stem (training/loop/imagenet.py), a model of the zoo, a folder or a hub id. Of a stem, [network] says the
sizes; else they come from the start: of a text BERT and of our own models what [network] leaves out, of the other families all of them, so
that [network] has no place. Of our own models [network] may ask for more layers and stem_blocks (training/loop/growth.py). The head is new
unless the labels are the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import BadRecipe, BrokenModel
from core.prepare.domains import COLOURS
from core.types import Preprocess
from models.bert_image import BertImageConfig, BertImageForImageClassification, BertImageForMaskedImageModelling, from_text_bert
from models.classifiers import Classifier
from models.encoders import encoder_facts, start_encoder
from models.folder import CONFIG, check_weights, read_json
from models.kinds import ENCODERS, NAMES, TEXT
from models.networks import quiet
from models.registry import LoadedModel, find_folder, load_model
from training.config.recipe import Recipe
from training.loop.encoder import load_encoder
from training.loop.growth import added_parts, settle
from training.loop.imagenet import IMAGENET, SPREAD, begin_with_imagenet

TEXT_SIZES = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act", "layer_norm_eps")
"""What an image BERT takes from a text BERT where [network] does not say it."""
OF_THE_TASK = ("image_size", "num_channels", "parents", "heads", "token_heads", "model_type")
"""What a model of ours does not hand on: it follows from the recipe."""
FIRST = ("embeddings.stem.0.down.weight", "embeddings.stem.first.conv.weight", "embeddings.stem.weight")
"""Weights of a stem that read the channels: convolutional, pretrained or linear."""
POSITIONS = "embeddings.positions"
ALL_TOKENS = (0.0,)


def with_start(recipe: Recipe) -> Recipe:
    """The recipe with what its start decides: sizes, and how the card tells where the weights began.

    Raises NotFound and Offline for a start that is not there, BrokenModel for one that is not whole, BadRecipe where it does not suit.
    """
    if not recipe.start:
        return recipe
    if recipe.start in IMAGENET:
        return _on_imagenet(recipe)
    folder = find_folder(recipe.start)
    check_weights(folder)
    config = read_json(folder / CONFIG)
    kind, name = config.get("model_type"), shown(recipe.start)
    if kind in ENCODERS:
        return _on_encoder(recipe, folder, name)
    if kind == TEXT:
        given = {key: config[key] for key in TEXT_SIZES if key in config}
        return _checked(replace(recipe, network={**given, **recipe.network}, begun=f"whose layers began as those of the text BERT {name}"))
    if kind == BertImageConfig.model_type:
        own = [key for key in vars(BertImageConfig)["__annotations__"] if key not in OF_THE_TASK]
        given = {key: config[key] for key in own if key in config}
        return _checked(replace(recipe, network={**given, **recipe.network}, begun=f"whose stem and layers began as those of {name}"))
    hint = f"It must be a text BERT, a model of ours, or one of {NAMES}."
    raise BadRecipe(f"{recipe.id}: start is {recipe.start}, a model of the type {kind!r}.", hint)


def started(recipe: Recipe) -> Classifier:
    """The network that a training begins with; random weights are torch's own. recipe: as with_start gives it.

    Raises BrokenModel where the weights of the start do not fit.
    """
    if recipe.encoder is not None:
        return start_encoder(find_folder(recipe.start), recipe.labels, recipe.preprocess.size, recipe.parents or None)
    return _image_bert(recipe).to(memory_format=torch.channels_last)  # type: ignore[no-any-return]


def encoder_weights(other: LoadedModel, preprocess: Preprocess, grid: tuple[int, int]) -> dict[str, Tensor]:
    """Stem and layers of a model of ours, for other channels and another grid (rows, columns) of tokens.

    Channels that it knows by name keep their first weights, the others begin with the mean of these; positions are interpolated. Where
    inputs were standardised by fixed numbers and now are by their own, the first weights are made for the wider spread.
    Raises BrokenModel for a network of another family.
    """
    network, channels = _known(other), preprocess.channels
    weights: dict[str, Tensor] = {name: value.clone() for name, value in network.bert.state_dict().items()}
    names = other.preprocess.channels  # its channels lie along axis 1
    for first in FIRST:
        if first in weights and tuple(channels) != tuple(names):
            known = weights[first]
            columns = [known[:, names.index(name)] if name in names else known.mean(dim=1) for name in channels]
            weights[first] = torch.stack(columns, dim=1) * (len(names) / len(channels))
        if first in weights and other.preprocess.standardise == "fixed" and preprocess.standardise != "fixed":
            weights[first] = weights[first] * SPREAD
    weights[POSITIONS] = network.bert.embeddings.positions_at(grid).detach()
    return weights


def shown(start: str) -> str:
    """A start as a card may name it: of a folder of this machine, absolute or beginning with a dot, the last name alone."""
    return Path(start).name if Path(start).is_absolute() or start.startswith(".") else start


def _known(other: LoadedModel) -> BertImageForImageClassification:
    if not isinstance(other.network, BertImageForImageClassification):
        raise BrokenModel(f"{other.id} has no stem and layers of an image BERT.", "Name a model that was trained here.")
    return other.network


def _image_bert(recipe: Recipe) -> BertImageForImageClassification:
    config = recipe.config()
    assert isinstance(config, BertImageConfig)
    if not recipe.start:
        return BertImageForImageClassification(config)
    if recipe.start in IMAGENET:
        return begin_with_imagenet(BertImageForImageClassification(config), recipe.start, recipe.preprocess)
    folder = find_folder(recipe.start)
    declared = read_json(folder / CONFIG)
    if declared.get("architectures") == [BertImageForMaskedImageModelling.__name__]:
        network = BertImageForImageClassification(config)
        load_encoder(network, folder)
        return network
    if declared.get("model_type") != TEXT:
        return _on_image_bert(load_model(recipe.start), recipe, config)
    with quiet():
        return from_text_bert(str(folder), config)


def _on_image_bert(other: LoadedModel, recipe: Recipe, config: BertImageConfig) -> BertImageForImageClassification:
    """Layers beyond those of the recipe are left out, layers and residual blocks beyond those of the start begin nearly silent.

    Raises BrokenModel.
    """
    network = BertImageForImageClassification(config)
    names = set(network.bert.state_dict())
    weights = {name: value for name, value in encoder_weights(other, recipe.preprocess, config.grid).items() if name in names}
    added = tuple(f"{part}." for part in added_parts(network.bert, weights))
    try:
        missing, _ = network.bert.load_state_dict(weights, strict=False)
    except RuntimeError:
        raise _misfit(recipe) from None
    if not all(name.startswith(added) for name in missing):
        raise _misfit(recipe)
    settle(network.bert, weights)
    _take_heads(network, _known(other))
    return network


def _take_heads(network: BertImageForImageClassification, other: BertImageForImageClassification) -> None:
    """Of the labels and of each further question that both ask in the same words."""
    if _asked(network) == _asked(other):
        network.classifier.load_state_dict(other.classifier.state_dict())
    theirs = other.config.auxiliary_heads
    for name, labels in network.config.auxiliary_heads.items():
        if theirs.get(name) == labels:
            network.heads[name].load_state_dict(other.heads[name].state_dict())


def _asked(network: BertImageForImageClassification) -> list[str]:
    return [network.config.id2label[index] for index in range(network.config.num_labels)]


def _misfit(recipe: Recipe) -> BrokenModel:
    reason = f"The stem and layers of {recipe.start} have other sizes than the recipe {recipe.id}."
    return BrokenModel(reason, "Leave the sizes out of [network]; layers and stem_blocks alone may be more.")


def _on_encoder(recipe: Recipe, folder: Path, name: str) -> Recipe:
    facts = encoder_facts(folder, recipe.preprocess.size, recipe.parents or None)
    channels, allowed = recipe.preprocess.channels, COLOURS if facts.num_channels == len(COLOURS) else facts.num_channels

    def demand(holds: bool, key: str, value: object, wanted: str) -> None:
        if not holds:
            reason = f"{recipe.id}: {key} is {value!r}, and the training starts from the {facts.family} {name}."
            raise BadRecipe(reason, f"It must be {wanted}.")

    dropped, layout, size = recipe.augmentation.dropped, recipe.data.layout, recipe.preprocess.size
    demand(not recipe.network, "network", recipe.network, "left out: the checkpoint has its own sizes")
    demand(dropped == ALL_TOKENS, "augmentation.dropped", dropped, "[0.0]: such a network reads every token")
    demand(recipe.masking is None, "masking", recipe.masking, "left out: such a network reads every token")
    demand(layout == "labels", "data.layout", layout, "labels: such a network has no head for single tokens")
    demand(channels == allowed or len(channels) == allowed, "preprocess.channels", channels, f"{allowed}, as the checkpoint has them")
    demand(not any(side % facts.patch_size for side in size), "preprocess.size", size, f"multiples of {facts.patch_size}")
    has_head = (read_json(folder / CONFIG).get("id2label") or {}) == {str(index): label for index, label in enumerate(recipe.labels)}
    return replace(recipe, encoder=facts, begun=f"that began with the weights of {name}, {'with' if has_head else 'without'} its head")


def _on_imagenet(recipe: Recipe) -> Recipe:
    """Raises BadRecipe for a network whose stem is another."""
    stem, depth = recipe.network.get("stem"), recipe.network.get("stem_depth")
    if stem != recipe.start:
        raise BadRecipe(f"{recipe.id}: start is {recipe.start} and network.stem {stem!r}.", f'network.stem must be "{recipe.start}".')
    begun = f"whose stem began as the first {depth} blocks of {IMAGENET[recipe.start].words}, the rest at random"
    return _checked(replace(recipe, network={"stem_norm_kept": True, **recipe.network}, begun=begun))


def _checked(recipe: Recipe) -> Recipe:
    try:
        recipe.config()
    except (ValueError, TypeError) as error:
        reason = f"{recipe.id}: network, with the sizes of {recipe.start}: {error}."
        raise BadRecipe(reason, "Change [network], or name another start.") from None
    return recipe


def network_words(recipe: Recipe) -> str:
    """For the card: what the network is, and where its weights began."""
    config: Any = recipe.config()
    rows, columns = config.grid
    of_tokens = f"{rows} x {columns} tokens of {config.patch_size} px"
    sizes = f"{config.num_hidden_layers} layers, width {config.hidden_size}, {config.num_attention_heads} heads"
    licence = " What the licence of those weights asks for holds for these too." if recipe.start else ""
    if recipe.encoder is not None:
        unknown = "It reads every token: what it would say without some of them was not measured."
        return f"A {config.family} {recipe.begun}: {of_tokens}, {sizes}. {unknown}{licence}"
    pooling = f"{config.pooling} pooling{config.attention_words}"
    return f"An image BERT {recipe.begun}: {config.stem_words}, {of_tokens}, {sizes}, {pooling}.{licence}"
