"""Windows of crops: where one may lie to hold a nodule whole, or nothing that a reader drew, and how one is cut.

The nodule is always in the middle of its crop. So a window lies at a random one of all its places, or a network would learn the place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from core.errors import BadRecipe
from training.config.recipe import Recipe
from training.config.recipe_parts import Augmentation
from training.data.augment import affine
from training.data.items import Item, Parts
from training.data.nodules import READERS, READERS_OF_A_NODULE, Crops, Sides
from training.data.patients import origin_of

WITHOUT, WITH = 0, 1
"""The two labels, in the recipe's order: no reader drew in the window; it holds the whole of a nodule that at least two readers drew."""


@dataclass(frozen=True)
class Windows:
    """Windows that were cut once, for measuring.

    images: uint8 [windows, rows, columns]. labels: int64 [windows], WITHOUT or WITH. crops: int64 [windows], the crop of each.
    boxes: (left, top, width, height) of each in its crop.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    crops: NDArray[np.int64]
    boxes: tuple[tuple[int, int, int, int], ...]


def corners(readers: NDArray[np.uint8], size: tuple[int, int], label: int) -> NDArray[np.int64]:
    """[places, (top, left)]: every place of a window of `size` in one crop at which it has the label; none where it cannot have it.

    readers: uint8 [rows, columns], how many readers drew each pixel. WITH: all that any reader drew is inside, and two readers agree on
    some of it. WITHOUT: nothing that any reader drew is inside.
    """
    drawn = readers > 0
    if label == WITH and readers.max() < READERS_OF_A_NODULE:
        return np.empty((0, 2), dtype=np.int64)
    height, width = size
    sums = np.pad(drawn.astype(np.int64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)  # summed-area table (Crow 1984)
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    return np.argwhere(inside == (drawn.sum() if label == WITH else 0))


def entries(crops: Crops, size: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(crop, label) int64 [entries] each: what windows the crops can give."""
    found = [(place, label) for place in range(len(crops)) for label in (WITHOUT, WITH) if len(corners(crops.readers[place], size, label))]
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def cut_once(crops: Crops, size: tuple[int, int], seed: int) -> Windows:
    """One window of each entry, at a place drawn by the seed, as the pixels are."""
    random = np.random.default_rng(seed)
    places, labels = entries(crops, size)
    images, boxes = [], []
    for place, label in zip(places, labels, strict=True):
        top, left = (int(each) for each in random.choice(corners(crops.readers[place], size, int(label))))
        images.append(crops.images[place, top : top + size[0], left : left + size[1]])
        boxes.append((left, top, size[1], size[0]))
    return Windows(np.array(images, dtype=np.uint8).reshape(-1, *size), labels, places, tuple(boxes))


def window_parts(sides: Sides, recipe: Recipe) -> Parts:
    """One window of each entry of each side, as images of a training. Raises BadRecipe where a side lacks a label."""
    parts = [_items(crops, recipe) for crops in (sides.train, sides.calibration, sides.validation)]
    if not all({WITHOUT, WITH} <= {item.label for item in part} for part in parts):
        raise BadRecipe("A part of the crops holds no window of each label.", "Give more patients, or another data.validation_share.")
    return Parts(*parts)


def _items(crops: Crops, recipe: Recipe) -> tuple[Item, ...]:
    found = cut_once(crops, recipe.preprocess.size, recipe.data.seed)
    return tuple(
        Item(crops.paths[crop], int(label), crops.patients[crop], origin_of(crops.paths[crop].parent.parent), box)
        for crop, label, box in zip(found.crops, found.labels, found.boxes, strict=True)
    )


def centres(crops: Crops, places: NDArray[np.int64], labels: NDArray[np.int64], size: tuple[int, int]) -> Tensor:
    """float32 [windows, (x, y)] in [-1, 1] of the crop: the middle of a window at a random place, for each of the entries.

    Drawn by torch's generator, which a checkpoint keeps.
    """
    found = []
    for place, label in zip(places, labels, strict=True):
        choices = corners(crops.readers[place], size, int(label))
        top, left = choices[int(torch.randint(0, len(choices), ()))]
        rows, columns = crops.readers.shape[1:]
        found.append(((2 * left + size[1]) / columns - 1.0, (2 * top + size[0]) / rows - 1.0))
    return torch.tensor(found, dtype=torch.float32)


def cut(images: Tensor, readers: Tensor, middle: Tensor, size: tuple[int, int], how: Augmentation) -> tuple[Tensor, Tensor]:
    """Windows about `middle`, turned and zoomed alike in both.

    images, readers: uint8 [windows, rows, columns]. Returns float32 [windows, 1, *size] each: pixels in [0, 1], share of the readers.
    """
    pair = torch.stack([images.float() / 255.0, readers.float() / READERS], dim=1)
    share = (size[0] / images.shape[1], size[1] / images.shape[2])
    both = affine(pair, size, how, middle, share)
    return both[:, :1], both[:, 1:]


def token_shares(readers: Tensor, patch: int) -> Tensor:
    """float32 [windows, tokens] in [0, 1]: how much of its best covered quarter the readers drew in each token, on average.

    readers: float32 [windows, 1, rows, columns], share of the readers. The quarter, since small nodules fill no token.
    """
    quarters = F.avg_pool2d(readers, max(1, patch // 2))
    return F.max_pool2d(quarters, 2).flatten(1) if patch > 1 else quarters.flatten(1)
