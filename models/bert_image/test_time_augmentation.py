"""A second look at a pair of tiles, enlarged and upside down, beside the first.

What was built is often a few pixels wide, and enlarged it lies in more tokens; and a small network does not know fully that an aerial view
has no upright. The mean of both looks is better than either (test-time augmentation, Krizhevsky et al. 2012; figures in
training/RESULTS.md), for as much work as 1 + enlarged ** 2 looks.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.bert_image.change import BertImageForChangeDetection

ROWS = -2
"""The axis along which the second look is mirrored."""


def averaged_logits(network: BertImageForChangeDetection, before: Tensor, after: Tensor, enlarged: float) -> Tensor:
    """Logits, float32 [tiles, rows, columns]: the network's own, or the mean with those of the second look.

    before, after: float32 [tiles, channels, rows, columns], standardised. enlarged: the factor of the second look, 0 for none; the sides
    times it are multiples of the network's patch size.
    """
    first: Tensor = network(before, after).logits.float()
    if not enlarged:
        return first
    dates = (F.interpolate(each.flip(ROWS), scale_factor=enlarged, mode="bilinear", align_corners=False) for each in (before, after))
    large = network(*dates).logits.float()[:, None]  # [tiles, 1, enlarged * rows, enlarged * columns]
    second = F.interpolate(large, size=first.shape[1:], mode="bilinear", align_corners=False, antialias=True)[:, 0]
    return torch.add(first, second.flip(ROWS)) / 2.0
