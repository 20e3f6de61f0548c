"""Random changes of both dates of a crop: what differs between two dates although nothing was built, and what is the same anyhow."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from training.config.change_recipe import ChangeAugmentation
from training.data.city_pixels import Crops

CLOUD_PATCHES = 5
"""Random numbers a side that clouds are drawn between."""
CLOUD_EDGE = 0.25
"""How gradually a cloud becomes opaque, in deviations of that field."""
CLOUD_BRIGHTNESS, CLOUD_SHADE, CLOUD_TINT, SHADOW_DARKNESS = 4.0, 1.0, 0.12, -1.5
"""Standardised values: mean and deviation of a cloud's white, how its bands differ as a share of that, and where its shadow tends to."""
SHADOW_REACH = 24
"""Pixels by which a shadow lies beside its cloud at most."""
OPAQUE = 0.5
"""Share of a cloud from which the ground below cannot be seen."""
HAZE_PATCHES = 3
"""Random numbers a side that a veil of haze is drawn between."""
COLOURS_ONLY = 0.8
"""Share of the crops that lose bands which keep red, green and blue alone; the others lose each band by chance."""
LOST = 0.35
"""Chance of each band of those others."""


def clouded(crops: Crops, share: float) -> Crops:
    """Clouds with shadows at one date of a share of the crops. What changed below a cloud cannot be seen, and does not count."""
    count, (rows, columns) = len(crops.changed), crops.changed.shape[1:]
    if share == 0.0:
        return crops
    field = F.interpolate(torch.randn(count, 1, CLOUD_PATCHES, CLOUD_PATCHES), size=(rows, columns), mode="bicubic", align_corners=True)
    least = torch.rand(count, 1, 1, 1) + 0.5  # from a third of the crop to a fifteenth is under cloud
    cover = torch.sigmoid((field - least) / CLOUD_EDGE) * (torch.rand(count, 1, 1, 1) < share)
    shift = torch.randint(-SHADOW_REACH, SHADOW_REACH + 1, (2,)).tolist()
    shadow = torch.roll(cover, shift, dims=(2, 3)) * torch.rand(count, 1, 1, 1)
    white = CLOUD_BRIGHTNESS + CLOUD_SHADE * (torch.randn(count, 1, 1, 1) + CLOUD_TINT * torch.randn(count, crops.before.shape[1], 1, 1))
    is_first = torch.rand(count, 1, 1, 1) < 0.5
    dates = []
    for pixels, is_own in ((crops.before, is_first), (crops.after, ~is_first)):
        below = torch.lerp(pixels, torch.minimum(pixels, torch.full_like(pixels, SHADOW_DARKNESS)), shadow)
        dates.append(torch.where(is_own, torch.lerp(below, white.expand_as(below), cover), pixels))
    hidden = (cover[:, 0] > OPAQUE) & (crops.changed > 0)
    return replace(crops, before=dates[0], after=dates[1], known=torch.where(hidden, 0.0, crops.known))


def photometric(crops: Crops, how: ChangeAugmentation, colours: list[int]) -> Crops:
    """Exposure, offset, haze and noise of each date by itself, then the bands that both dates lose. colours: places of red, green, blue."""
    before, after = (_noisy(_veiled(_exposed(each, how), how), how) for each in (crops.before, crops.after))
    kept = _kept_bands(len(before), before.shape[1], colours, how.dropped_bands)
    return replace(crops, before=before * kept, after=after * kept)


def cutmix(crops: Crops, share: float) -> Crops:
    """CutMix for a share of the batches: a rectangle of each crop, labels too, is replaced by that of another."""
    if torch.rand(()) >= share:
        return crops
    rows, columns = crops.changed.shape[1:]
    height, width = (int(side * (0.2 + 0.5 * float(torch.rand(())))) for side in (rows, columns))
    top, left = int(torch.randint(0, rows - height + 1, ())), int(torch.randint(0, columns - width + 1, ()))
    inside = torch.zeros(rows, columns, dtype=torch.bool)
    inside[top : top + height, left : left + width] = True
    other = torch.randperm(len(crops.changed))
    return Crops(*(torch.where(inside, each[other], each) for each in (crops.before, crops.after, crops.changed, crops.known)))


def _exposed(x: Tensor, how: ChangeAugmentation) -> Tensor:
    gain = torch.exp(_normal(x, 1) * how.exposure + _normal(x, x.shape[1]) * how.band_exposure)
    return x * gain + _normal(x, 1) * how.offset + _normal(x, x.shape[1]) * how.band_offset


def _veiled(x: Tensor, how: ChangeAugmentation) -> Tensor:
    """Haze is strongest in blue and weak in the infrared, but its height differs: each band has its own share of one smooth field."""
    if how.haze == 0.0:
        return x
    field = torch.randn(len(x), 1, HAZE_PATCHES, HAZE_PATCHES)
    smooth = F.interpolate(field, size=x.shape[2:], mode="bicubic", align_corners=True)
    return x + smooth * torch.rand(len(x), x.shape[1], 1, 1) * torch.rand(len(x), 1, 1, 1) * how.haze


def _noisy(x: Tensor, how: ChangeAugmentation) -> Tensor:
    return x + torch.randn_like(x) * torch.rand(len(x), 1, 1, 1) * how.noise if how.noise else x


def _kept_bands(batch: int, bands: int, colours: list[int], share: float) -> Tensor:
    """float32 [batch, bands, 1, 1], 1 where a band is kept; no crop loses all."""
    by_chance = torch.rand(batch, bands) >= LOST
    by_chance[torch.arange(batch), torch.randint(0, bands, (batch,))] = True
    in_colour = torch.zeros(bands, dtype=torch.bool)
    in_colour[colours] = True
    fewer = torch.where(torch.rand(batch, 1) < COLOURS_ONLY, in_colour, by_chance)
    return torch.where(torch.rand(batch, 1) < share, fewer, True).float()[:, :, None, None]


def _normal(x: Tensor, bands: int) -> Tensor:
    return torch.randn(len(x), bands, 1, 1)
