"""What stands on a film beside the patient: a collimator's edge, letters, lines and devices; and films whose grey values are inverted.

A network that saw none of it takes it for a finding, or for the hospital that the finding goes with. Each is drawn into a share of images.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.config.recipe_parts import Augmentation

MOST_HIDDEN = 0.15
"""Of a side, by each edge of the collimator."""
LETTERS, LETTER_SIDE = 6, 0.05
"""Letters in a line at most, and the largest side of one over the image's."""
LEAST_BRIGHT, LINE = 0.55, (0.004, 0.012)
"""Grey value that what is drawn has at least, and half of the width of a line over the side of the image."""


def overlaid(x: Tensor, how: Augmentation) -> Tensor:
    """float32 [batch, channels, rows, columns] in [0, 1], and so returned. Inversion comes last, as it does for a whole film."""
    x = torch.where(_chosen(x, how.wired), _wired(x), x) if how.wired else x
    x = torch.where(_chosen(x, how.collimated), _collimated(x), x) if how.collimated else x
    x = torch.where(_chosen(x, how.lettered), _lettered(x), x) if how.lettered else x
    return torch.where(_chosen(x, how.inverted), 1.0 - x, x) if how.inverted else x


def _collimated(x: Tensor) -> Tensor:
    """Nearly black outside a rectangle."""
    rows, columns = _places(x)
    left, right, top, bottom = (_numbers(x, 0.0, MOST_HIDDEN) for _ in range(4))
    inside = (rows > top) & (rows < 1.0 - bottom) & (columns > left) & (columns < 1.0 - right)
    return torch.where(inside, x, _numbers(x, 0.0, 0.08))


def _lettered(x: Tensor) -> Tensor:
    """A line of bright bars with gaps, as letters are, anywhere by an edge."""
    rows, columns = _places(x)
    height, width = _numbers(x, 0.02, LETTER_SIDE), _numbers(x, 0.015, LETTER_SIDE)
    count = torch.randint(1, LETTERS + 1, (len(x), 1, 1, 1), device=x.device)
    along, across = _numbers(x, 0.0, 0.75), _numbers(x, 0.0, 0.12)
    across = torch.where(_chosen(x, 0.5), across, 1.0 - across - height)
    place = (columns - along) / width
    is_bar = (place > 0) & (place < count) & (place % 1.0 < _numbers(x, 0.4, 0.8))
    is_row = (rows > across) & (rows < across + height)
    return torch.where(is_bar & is_row, _numbers(x, LEAST_BRIGHT, 1.0), x)


def _wired(x: Tensor) -> Tensor:
    """A curved line across the film, and a round device with a hole."""
    rows, columns = _places(x)
    start, slope, bend = _numbers(x, 0.0, 1.0), _numbers(x, -1.0, 1.0), _numbers(x, -1.5, 1.5)
    path = start + slope * (columns - 0.5) + bend * (columns - 0.5) ** 2
    is_line = (rows - path).abs() < _numbers(x, *LINE)
    distance = ((rows - _numbers(x, 0.0, 1.0)) ** 2 + (columns - _numbers(x, 0.0, 1.0)) ** 2).sqrt()
    is_device = (distance < _numbers(x, 0.01, 0.05)) & (distance > _numbers(x, 0.0, 0.02))
    return torch.where(is_line | is_device, torch.maximum(x, _numbers(x, LEAST_BRIGHT, 1.0)), x)


def _places(x: Tensor) -> tuple[Tensor, Tensor]:
    """(rows, columns) from 0 to 1, to be broadcast."""
    rows, columns = (torch.linspace(0.0, 1.0, side, device=x.device) for side in x.shape[2:])
    return rows.view(1, 1, -1, 1), columns.view(1, 1, 1, -1)


def _chosen(x: Tensor, share: float) -> Tensor:
    return torch.rand(len(x), 1, 1, 1, device=x.device) < share


def _numbers(x: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(len(x), 1, 1, 1, device=x.device)
