"""A training that begins with an encoder which masked image modelling has made."""

from __future__ import annotations

from pathlib import Path

from core.errors import BadRecipe
from models.bert_image import BertImageForImageClassification, BertImageForMaskedImageModelling
from models.networks import open_network


def load_encoder(network: BertImageForImageClassification, folder: Path) -> None:
    """Give the network the stem, positions and layers of a folder that masked image modelling wrote.

    Raises BrokenModel where the folder cannot be opened, BadRecipe where its sizes are not the network's.
    """
    other = open_network(BertImageForMaskedImageModelling, folder)
    try:
        network.bert.load_state_dict(other.bert.state_dict())
    except RuntimeError:
        raise BadRecipe(f"start: {folder} has other sizes than the recipe's network.", "Its [network] must be the same.") from None
