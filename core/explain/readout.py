"""From rows of tokens to a map: which tokens an answer is read from, and where tokens lie that were merged."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from core.errors import OutOfRange
from core.types import FloatImage, ModelInput, Target
from models.bert_image import BertImageConfig
from models.bert_image.blocks import Blocks
from models.bert_image.merging import merges_of
from models.registry import LoadedModel


def read_out(joint: Tensor, pooling: str, prefix: int) -> Tensor:
    """[tokens, tokens] -> [patches]: the rows of the tokens that the head reads, weighted as it weights them.

    pooling: "cls" ([CLS]), "distilled" ([CLS] and the distillation token), "cls-and-mean" ([CLS] and the mean of the patches, alike); of
    every other the mean of the patches.
    """
    patches = joint[prefix:].mean(dim=0)
    rows = {"cls": joint[0], "distilled": joint[:2].mean(dim=0), "cls-and-mean": (joint[0] + patches) / 2}
    return rows.get(pooling, patches)[prefix:]


def read_target(joint: Tensor, model: LoadedModel, target: Target, grid: tuple[int, int]) -> FloatImage:
    """float32 [rows, columns]: as read_out, of the target's tokens where it names some. joint: [tokens, tokens], those read as rows."""
    config, (rows, columns) = model.config, grid
    if target.tokens is None:
        found = read_out(joint, config.pooling, config.prefix_tokens)
    else:
        patches = joint[config.prefix_tokens :, config.prefix_tokens :].reshape(rows, columns, rows * columns)
        found = patches[target.tokens].mean(dim=(0, 1))
    as_map: FloatImage = found.detach().reshape(rows, columns).float().cpu().numpy()
    return as_map


def readout_name(model: LoadedModel, target: Target) -> str:
    """What an answer is read from, as parameters tell it: "token", "region", or the head's pooling."""
    return "token" if target.token else "region" if target.tokens is not None else model.config.pooling


def grid_of(model: LoadedModel, given: ModelInput) -> tuple[int, int]:
    """(rows, columns) of the tokens of an input."""
    (height, width), (down, across) = given.values.shape[1:], model.patch
    return height // down, width // across


def merges_in(model: LoadedModel, values: Tensor) -> dict[int, Blocks]:
    """Number of a layer, from 1 -> the blocks of tokens that the network merges after it. values: [batch, channels, rows, columns]."""
    config = model.network.config
    if not isinstance(config, BertImageConfig):
        return {}
    (height, width), (rows, columns) = model.patch, values.shape[2:]
    return merges_of(config, (rows // height, columns // width), values.device)


def merged(joint: Tensor, blocks: Blocks) -> Tensor:
    """A merge of tokens after the layers before it: [tokens, stem tokens] -> [blocks, stem tokens], the mean over each block's tokens."""
    sums = joint.new_zeros(len(blocks.members), joint.shape[1]).index_add(0, blocks.block_of, joint)
    return sums / blocks.sizes[:, None]


def unmerged_rows(joint: Tensor, merges: Mapping[int, Blocks]) -> Tensor:
    """[tokens that are left, stem tokens] -> [stem tokens, stem tokens]: all tokens of a block have the row of the one that it became."""
    for blocks in reversed(list(merges.values())):
        joint = joint[blocks.block_of]
    return joint


def shared_by_members(values: Tensor, merges: Mapping[int, Blocks], layer: int) -> Tensor:
    """[tokens after `layer` layers] -> [stem tokens]: what a merged token has is shared evenly by its patches, so that the sum stays."""
    for blocks in reversed([blocks for after, blocks in merges.items() if after < layer]):
        values = (values / blocks.sizes)[blocks.block_of]
    return values


def identity(count: int, like: Tensor) -> Tensor:
    """[count, count] where another tensor lies, in its precision."""
    return torch.eye(count, dtype=like.dtype, device=like.device)


def layer_of(asked: int | None, layers: int) -> int:
    """How many layers the tokens have gone through that are meant; None: those that enter the last. Raises OutOfRange."""
    if asked is None:
        return layers - 1
    if not 0 <= asked <= layers:
        raise OutOfRange("layer", asked, f"from 0 to {layers}")
    return asked


def on_grid(patches: Tensor, grid: tuple[int, int], layer: int) -> FloatImage:
    """[tokens] -> float32 [rows, columns]. layer: that they left. Raises OutOfRange where they are not those of the model's grid."""
    if len(patches) != grid[0] * grid[1]:
        raise OutOfRange("layer", layer, f"a later layer, whose tokens are the {grid[0]} x {grid[1]} of the model")
    found: FloatImage = patches.reshape(grid).float().cpu().numpy()
    return found
