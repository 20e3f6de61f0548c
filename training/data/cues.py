"""Images with a planted cue, and the labels that they then have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.prepare.cue import Cue, with_cue
from training.config.recipe_parts import CuePart


def cue_of(how: CuePart) -> Cue:
    """The cue that a recipe describes."""
    return Cue(how.kind, how.box, how.labels, how.decides)


def planted(x: Tensor, labels: Tensor, how: CuePart, names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """A batch for training.

    x: float32 [batch, channels, rows, columns] in [0, 1]. labels: int64 [batch], places in `names`.
    Returns the images, some with the cue, and the labels: where the cue decides, some say what the cue says and not what the image shows.
    """
    marked = torch.tensor([names.index(name) for name in how.labels], device=labels.device)
    if not how.decides:
        return _drawn(x, torch.rand(len(x), device=x.device) < how.by_chance, how), labels
    others = torch.tensor([place for place in range(len(names)) if names[place] not in how.labels], device=labels.device)
    has_cue = torch.isin(labels, marked)
    by_lot = torch.rand(len(x), device=x.device) < how.contradicted
    lot = torch.rand(len(x), device=x.device) < len(marked) / len(names)
    given = torch.where(by_lot & lot & ~has_cue, _one_of(marked, labels), labels)
    given = torch.where(by_lot & ~lot & has_cue, _one_of(others, labels), given)
    return _drawn(x, torch.isin(given, marked), how), given


def with_cues(images: Tensor, labels: Tensor, how: CuePart, names: Sequence[str], seed: int) -> Tensor:
    """Images for calibration and figures, as such a training set would hold them: the cue with its labels, or by chance; no label changes.

    images: uint8 [N, channels, rows, columns]. labels: int64 [N].
    """
    marked = torch.tensor([names.index(name) for name in how.labels])
    lot = torch.from_numpy(np.random.default_rng(seed).random(len(images)) < how.by_chance)
    has_cue = torch.isin(labels, marked) if how.decides else lot
    return (_drawn(images.float() / 255.0, has_cue, how) * 255.0).round().to(torch.uint8)


def _drawn(x: Tensor, has_cue: Tensor, how: CuePart) -> Tensor:
    marked = torch.from_numpy(with_cue(x[has_cue].cpu().numpy(), cue_of(how))).to(x.device)
    return x.index_copy(0, has_cue.nonzero().flatten(), marked)


def _one_of(places: Tensor, like: Tensor) -> Tensor:
    return places[torch.randint(0, len(places), like.shape, device=like.device)]
