"""Random changes of whole batches, on tensors: what a small network must not take for the disease or for the land.

facts learned on validation: exposure, sharpness and framing are what it memorises otherwise.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import LongTensor, Tensor

from core.prepare.tensor import SMALLEST_DEVIATION
from core.types import Preprocess
from training.config.recipe_parts import Augmentation
from training.data.overlays import overlaid

HIGHEST_DARK = 0.02
"""Largest share of the pixels that lie below what is taken for the dark object of a channel."""
LEAST_TAKEN = 0.25
"""Smallest part of a dark object that is subtracted."""


def augmented(images: Tensor, size: tuple[int, int], how: Augmentation) -> Tensor:
    """float32 [batch, channels, rows, columns] in [0, 1] -> the same at `size`, each image changed in its own way."""
    return shaded(coarsened(affine(images, size, how), how.coarse), how)


def shaded(x: Tensor, how: Augmentation) -> Tensor:
    """What does not move a pixel: light, sharpness, noise, a hole, what is drawn over it.

    float32 [batch, channels, rows, columns] in [0, 1], and so returned.
    """
    x = photometric(without_dark_objects(x, how.dark_objects), how)
    x = blurred(x, how.blur)
    if how.noise:
        x = x + torch.randn_like(x) * _uniform(x, 0.0, how.noise)
    return overlaid(holed(x.clamp(0.0, 1.0), how.cutout), how)


def affine(
    images: Tensor, size: tuple[int, int], how: Augmentation, middle: Tensor | None = None, share: tuple[float, float] = (1.0, 1.0)
) -> Tensor:
    """Zoom, shift, stretch, rotation, quarter turns and mirror images by one affine map each (bilinear, edges repeated).

    middle: float32 [batch, (x, y)] in [-1, 1], of a crop whose sides are `share` (rows, columns) of the image's; by default a crop is the
    whole image, moved at random as far as `zoom` and `shift` allow.
    """
    batch = images.shape[0]
    zoom = _uniform(images, *how.zoom).flatten()
    angle = (_uniform(images, -1.0, 1.0) * math.radians(how.degrees)).flatten()
    device = images.device
    mirror = torch.ones(batch, device=device)
    if how.turns:
        angle = angle + torch.randint(0, 4, (batch,), device=device) * (math.pi / 2)
        mirror = torch.randint(0, 2, (batch,), device=device) * 2.0 - 1.0
    stretch = torch.exp(_uniform(images, -how.stretch, how.stretch)).flatten()
    # A crop stays inside the image: it can move by what the zoom leaves free, and by `shift` beyond.
    free = (1.0 - zoom).clamp(min=0.0) + how.shift
    x, y = (free * (torch.rand(batch, device=device) * 2 - 1) for _ in range(2)) if middle is None else middle.unbind(dim=1)
    cos, sin = torch.cos(angle), torch.sin(angle)
    rows = [
        torch.stack([share[1] * zoom * stretch * cos * mirror, -share[1] * zoom * stretch * sin, x], dim=1),
        torch.stack([share[0] * zoom / stretch * sin * mirror, share[0] * zoom / stretch * cos, y], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), [batch, images.shape[1], *size], align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def coarsened(x: Tensor, scales: tuple[float, ...]) -> Tensor:
    """The batch brought to a coarser ground scale, one of `scales`, and back, as other sensors' pixels come to the network's."""
    scale = scales[int(torch.randint(0, len(scales), ()))]
    if scale == 1.0:
        return x
    size = (x.shape[2], x.shape[3])
    small = F.interpolate(x, size=[max(1, round(side / scale)) for side in size], mode="bilinear", align_corners=False, antialias=True)
    mode = ("bilinear", "bicubic")[int(torch.randint(0, 2, ()))]
    return F.interpolate(small, size=size, mode=mode, align_corners=False).clamp(0.0, 1.0)


def without_dark_objects(x: Tensor, share: float) -> Tensor:
    """A share of the images less a random part of the dark object of each channel (Chavez 1988), as haze is often taken off.

    The dark object is a low percentile of the channel's own values, another one for each batch.
    """
    if share == 0.0:
        return x
    values = x.flatten(2)
    rank = 1 + int(float(torch.rand(())) * HIGHEST_DARK * values.shape[2])
    dark = values.kthvalue(rank, dim=2).values[:, :, None, None]
    is_chosen = _uniform(x, 0.0, 1.0) < share
    return (x - dark * is_chosen * _uniform(x, LEAST_TAKEN, 1.0)).clamp(min=0.0)


def photometric(x: Tensor, how: Augmentation) -> Tensor:
    """Gamma, exposure of image and channels, an offset of each channel, contrast about the mean, saturation about the grey value."""
    if how.gamma:
        x = x.clamp(min=1e-4) ** _log_normal(x, how.gamma)
    if how.exposure:
        x = x * _log_normal(x, how.exposure)
    if how.channel_exposure:
        x = x * torch.exp(torch.randn(x.shape[0], x.shape[1], 1, 1, device=x.device) * how.channel_exposure)
    if how.offset:
        x = x + torch.randn(x.shape[0], x.shape[1], 1, 1, device=x.device) * how.offset
    if how.contrast:
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        x = mean + (x - mean) * _log_normal(x, how.contrast)
    if how.saturation:
        grey = x.mean(dim=1, keepdim=True)
        x = grey + (x - grey) * _log_normal(x, how.saturation)
    return x


def blurred(x: Tensor, largest: float) -> Tensor:
    """One Gaussian for the batch, mixed into each image by a random share; every other batch stays sharp."""
    if largest == 0.0 or torch.rand(()) < 0.5:
        return x
    std = float(torch.rand(())) * largest + 0.2
    reach = max(1, math.ceil(2 * std))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=x.device) / std) ** 2)
    kernel = kernel / kernel.sum()
    channels = x.shape[1]
    soft = F.pad(x, (reach, reach, reach, reach), mode="reflect")
    soft = F.conv2d(soft, kernel.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)
    soft = F.conv2d(soft, kernel.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)
    return torch.lerp(x, soft, _uniform(x, 0.0, 1.0))


def holed(x: Tensor, largest: float) -> Tensor:
    """A rectangle of each second image is replaced by the image's mean (DeVries and Taylor 2017)."""
    if largest == 0.0:
        return x
    rows, columns = x.shape[2:]
    height, width = (_uniform(x, 0.0, largest / 2) for _ in range(2))
    width = width * (_uniform(x, 0.0, 1.0) < 0.5)
    y, x_centre = _uniform(x, 0.0, 1.0), _uniform(x, 0.0, 1.0)
    inside_rows = (torch.linspace(0, 1, rows, device=x.device).view(1, 1, -1, 1) - y).abs() < height
    inside_columns = (torch.linspace(0, 1, columns, device=x.device).view(1, 1, 1, -1) - x_centre).abs() < width
    return torch.where(inside_rows & inside_columns, x.mean(dim=(1, 2, 3), keepdim=True), x)


def cutmix(x: Tensor, targets: Tensor, probability: float) -> tuple[Tensor, Tensor]:
    """CutMix (Yun et al. 2019): one rectangle for the batch comes from the neighbour, and so does its share of the target.

    targets: float [batch, labels], rows summing to 1.
    """
    if torch.rand(()) >= probability:
        return x, targets
    rows, columns = x.shape[2:]
    share = math.sqrt(float(torch.rand(())))
    height, width = int(rows * share), int(columns * share)
    top, left = int(torch.randint(0, rows - height + 1, ())), int(torch.randint(0, columns - width + 1, ()))
    other = torch.randperm(x.shape[0], device=x.device)
    x = x.clone()
    x[:, :, top : top + height, left : left + width] = x[other, :, top : top + height, left : left + width]
    area = height * width / (rows * columns)
    return x, targets * (1.0 - area) + targets[other] * area


def kept_tokens(batch: int, tokens: int, dropped: tuple[float, ...]) -> LongTensor | None:
    """int64 [batch, kept]: a random subset of tokens for each image; None where this batch keeps all."""
    share = dropped[int(torch.randint(0, len(dropped), ()))]
    if share == 0.0:
        return None
    order = torch.rand(batch, tokens).argsort(dim=1)
    return order[:, : max(1, round(tokens * (1.0 - share)))]  # type: ignore[return-value]


def standardised(x: Tensor, preprocess: Preprocess) -> Tensor:
    """core.prepare.tensor.standardise for a batch [batch, channels, rows, columns]."""
    if preprocess.standardise == "image":
        std = x.std(dim=(1, 2, 3), keepdim=True, correction=0).clamp(min=SMALLEST_DEVIATION)
        return (x - x.mean(dim=(1, 2, 3), keepdim=True)) / std
    mean, std = (x.new_tensor(each).view(1, -1, 1, 1) for each in (preprocess.mean, preprocess.std))
    return (x - mean) / std


def _uniform(x: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(x.shape[0], 1, 1, 1, device=x.device)


def _log_normal(x: Tensor, std: float) -> Tensor:
    return torch.exp(torch.randn(x.shape[0], 1, 1, 1, device=x.device) * std)
