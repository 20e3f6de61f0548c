"""The loop for windows of CT: where each lies is drawn anew, and three questions are trained at once.

Is there a nodule (the labels), how malignant do its readers think it (the head `malignancy`), and which tokens hold it (the token head
`place`, from what the readers drew). The last is what makes few images go far: it says of each token why the window has its label.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import LongTensor, Tensor

from models.bert_image import BertImageForImageClassification
from training.config.recipe import Recipe
from training.data.augment import kept_tokens, shaded, standardised
from training.data.nodules import UNRATED, Crops, Sides
from training.data.windows import WITH, centres, cut, cut_once, entries, token_shares
from training.evaluate.malignancy import MALIGNANCY, calibrate_rating
from training.loop.trainer import ImageTrainer, label_loss, run

PLACE = "place"
MALIGNANCY_WEIGHT, PLACE_WEIGHT = 1.0, 3.0
"""Of the further questions in the loss, beside 1 for the labels. Few tokens hold a nodule, so the mean over tokens is small."""
STILL_SEEN = 0.5
"""A nodule counts as seen where a token that was kept has at least this share of what its best token had."""

LARGEST_TRACE = 0.1
"""Share of the readers up to which a pixel is a trace of resampling: less than half of one reader of four."""


class WindowTrainer(ImageTrainer):
    """ImageTrainer whose images are windows of crops, cut as they are asked for."""

    def __init__(self, recipe: Recipe, crops: Crops, **kwargs: Any) -> None:
        self.crops = crops
        self.places, labels = entries(crops, recipe.preprocess.size)
        super().__init__(recipe, torch.from_numpy(crops.images), labels, **kwargs)

    def _gather(self, numbers: list[int]) -> dict[str, Tensor]:
        places, labels = self.places[numbers], self.targets[torch.tensor(numbers)]
        return {
            "images": self.images[places],
            "readers": torch.from_numpy(self.crops.readers[places]),
            "middle": centres(self.crops, places, labels.numpy(), self.recipe.preprocess.size),
            "malignancy": torch.from_numpy(np.where(labels.numpy() == WITH, self.crops.malignancy[places], UNRATED)),
            "labels": labels,
        }

    def compute_loss(self, model: Any, inputs: dict[str, Tensor], return_outputs: bool = False, **kwargs: Any) -> Any:
        """Cross-entropies of the three questions, weighted. inputs: as _gather makes them, [B] or [B, rows, columns]."""
        recipe, how = self.recipe, self.recipe.augmentation
        config = recipe.config()
        x, readers = cut(inputs["images"], inputs["readers"], inputs["middle"], recipe.preprocess.size, how)
        x = standardised(shaded(x, how), recipe.preprocess)
        shares = token_shares(readers, config.patch_size)  # [B, tokens]
        kept = kept_tokens(len(x), shares.shape[1], how.dropped)
        if kept is not None:
            kept = cast(LongTensor, kept.to(x.device))
        output = model(pixel_values=x.contiguous(memory_format=torch.channels_last), keep_tokens=kept)
        seen = is_seen(shares, kept) & is_still_so(inputs["labels"], readers)
        shares = shares if kept is None else shares.gather(1, kept)
        targets = F.one_hot(inputs["labels"], len(recipe.names)).float()
        loss = label_loss(output.logits[seen].float(), targets[seen], recipe)
        loss = loss + PLACE_WEIGHT * place_loss(output.head_logits[PLACE].float(), shares)
        loss = loss + MALIGNANCY_WEIGHT * rating_loss(output.head_logits[MALIGNANCY].float(), inputs["malignancy"], seen)
        return (loss, output) if return_outputs else loss


def fit_windows(recipe: Recipe, sides: Sides, work: Path) -> BertImageForImageClassification:
    """The trained network with averaged weights, its rating of malignancy calibrated.

    work: folder of checkpoints; where it holds a whole one, the run goes on from there.
    """
    held = cut_once(sides.validation, recipe.preprocess.size, recipe.data.seed)
    made = run(recipe, partial(WindowTrainer, recipe, sides.train), (torch.from_numpy(held.images[:, np.newaxis]), held.labels), work)
    assert isinstance(made, BertImageForImageClassification)  # training/loop/starts.py begins no other with windows
    calibrate_rating(made, sides.calibration, recipe)
    return made


def is_seen(shares: Tensor, kept: LongTensor | None) -> Tensor:
    """bool [B]: whether the tokens that are left still show what the window holds; always true of a window that holds nothing.

    shares: float32 [B, tokens], of every token. kept: int64 [B, kept], None where all are.
    """
    if kept is None:
        return torch.ones(len(shares), dtype=torch.bool, device=shares.device)
    return shares.gather(1, kept).amax(dim=1) >= STILL_SEEN * shares.amax(dim=1)


def is_still_so(labels: Tensor, readers: Tensor) -> Tensor:
    """bool [B]: whether a window without a nodule is still one after it was turned and zoomed; true of the others.

    labels: int64 [B]. readers: float32 [B, 1, rows, columns], share of the readers.
    """
    return (labels == WITH) | (readers.amax(dim=(1, 2, 3)) <= LARGEST_TRACE)


def place_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Cross-entropy of each token, mean over all. logits: float32 [B, tokens, 2]. shares: float32 [B, tokens], what `nodule` should be."""
    probs = F.log_softmax(logits, dim=-1)
    return -(shares * probs[..., WITH] + (1.0 - shares) * probs[..., 1 - WITH]).mean()


def rating_loss(logits: Tensor, ratings: Tensor, seen: Tensor) -> Tensor:
    """Cross-entropy over the windows that are rated and seen; 0 where none is. logits: float32 [B, 2]. ratings: int64 [B]."""
    chosen = seen & (ratings != UNRATED)
    return F.cross_entropy(logits[chosen], ratings[chosen]) if chosen.any() else logits.sum() * 0.0
