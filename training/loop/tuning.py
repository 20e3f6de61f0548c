"""How a pretrained stem is trained on: which of its parts stay, and how fast the others move beside the rest of the network."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from torch import nn

from models.bert_image.efficientnet import EfficientNetStem
from training.config.recipe_parts import TuningPart


def freeze(network: nn.Module, how: TuningPart) -> None:
    """What the recipe leaves as it is gets no gradient. Networks without a pretrained stem are left alone."""
    for stem in stems_of(network):
        if how.frozen_blocks > 0:
            stem.first.requires_grad_(False)
        for index, block in enumerate(stem.blocks):
            if index < how.frozen_blocks:
                block.requires_grad_(False)
            elif not how.depthwise:
                block.depthwise.requires_grad_(False)


def parameter_groups(network: nn.Module, decaying: Collection[str], rate: float, decay: float, how: TuningPart) -> list[dict[str, Any]]:
    """For an optimiser: stem and rest, each with and without weight decay; of the stem the learning rate is how.stem_rate of the others'.

    decaying: names of the parameters that decay. What has no gradient is left out.
    """
    of_stem = {id(parameter) for stem in stems_of(network) for parameter in stem.blocks.parameters()}
    groups: list[dict[str, Any]] = []
    for is_stem in (True, False):
        for decays in (True, False):
            chosen = [
                parameter
                for name, parameter in network.named_parameters()
                if parameter.requires_grad and (id(parameter) in of_stem) == is_stem and (name in decaying) == decays
            ]
            own_rate = rate * how.stem_rate if is_stem else rate
            groups.append({"params": chosen, "lr": own_rate, "weight_decay": decay if decays else 0.0})
    return [group for group in groups if group["params"]]


def stems_of(network: nn.Module) -> list[EfficientNetStem]:
    """The pretrained stems of a network: one or none."""
    return [module for module in network.modules() if isinstance(module, EfficientNetStem)]
