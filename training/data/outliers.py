"""Images that a model was not made for, made from its own or from nothing: the OOD detector learns from them where outliers lie.

None of them shows anything: photographs, radiographs and scenes of other sensors, which the OOD detector is tested on, stay unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter
from torch import Tensor

Random = np.random.Generator
Pixels = NDArray[np.uint8]
"""uint8 [channels, rows, columns]."""

STEEPEST = 2.2
"""Exponent of the falling spectrum of noise: 0 is white, 2 as smooth as clouds."""
MOST_SHAPES = 14
LARGEST_BLUR = 1.5
"""Pixels."""
PIECES = (4, 7, 8)
"""Pieces of a mosaic along a side."""


def made_outliers(images: Tensor, kinds: tuple[str, ...], count: int, seed: int) -> dict[str, Tensor]:
    """kind -> uint8 [count, channels, rows, columns], made from images drawn at random.

    images: uint8 [N, channels, rows, columns] that the model was made for. kinds: of KINDS.
    """
    random = np.random.default_rng(seed)
    made = {}
    for kind in kinds:
        chosen = images[torch.from_numpy(random.integers(0, len(images), count))].numpy()
        made[kind] = torch.from_numpy(np.stack([KINDS[kind](one, random) for one in chosen]))
    return made


def _permuted(pixels: Pixels, random: Random) -> Pixels:
    """The channels in a wrong order."""
    channels = len(pixels)
    order = np.arange(channels)
    while (order == np.arange(channels)).all():
        order = random.permutation(channels)
    return pixels[order]


def _inverted(pixels: Pixels, random: Random) -> Pixels:
    """The negative."""
    return 255 - pixels


def _grey(pixels: Pixels, random: Random) -> Pixels:
    """Without colour, as brightly as it may come."""
    grey = pixels.mean(axis=0, keepdims=True) * random.uniform(0.5, 2.0)
    return np.repeat(np.clip(grey, 0, 255), len(pixels), axis=0).astype(np.uint8)


def _noise(pixels: Pixels, random: Random) -> Pixels:
    """Noise of a falling spectrum, in colours of its own or in grey."""
    channels, rows, columns = pixels.shape
    frequency = np.hypot(np.fft.fftfreq(rows)[:, np.newaxis], np.fft.fftfreq(columns)[np.newaxis])
    frequency[0, 0] = 1.0
    layers = 1 if random.random() < 0.3 else channels
    values = np.fft.ifft2(np.fft.fft2(random.normal(size=(layers, rows, columns))) / frequency ** random.uniform(0.0, STEEPEST)).real
    values = (values - values.min()) / (np.ptp(values) + 1e-9)
    low, high = np.sort(random.random(2)) if random.random() < 0.5 else (0.0, 1.0)
    return np.repeat(255 * (low + (high - low) * values), channels // layers, axis=0).astype(np.uint8)


def _drawn(pixels: Pixels, random: Random) -> Pixels:
    """Overlapping shapes in any colours, shaded: the smooth surfaces and edges of things rather than of land or tissue."""
    channels, rows, columns = pixels.shape
    picture = Pillow.new("RGB", (columns, rows), _colour(random))
    draw = ImageDraw.Draw(picture)
    for _ in range(random.integers(1, MOST_SHAPES)):
        corner, size = random.uniform(-0.3, 0.9, 2), random.uniform(0.1, 0.9, 2)
        box = [*(corner * (columns, rows)), *((corner + size) * (columns, rows))]
        (draw.ellipse if random.random() < 0.5 else draw.rectangle)(box, fill=_colour(random))
    shaded = np.asarray(picture.filter(ImageFilter.GaussianBlur(random.uniform(0.0, LARGEST_BLUR))), dtype=np.float64)
    slope = (
        1.0 + random.uniform(-0.6, 0.6) * np.linspace(-1, 1, columns) + random.uniform(-0.6, 0.6) * np.linspace(-1, 1, rows)[:, np.newaxis]
    )
    values = np.clip(shaded * slope[..., np.newaxis] + random.normal(0, random.uniform(0, 12), shaded.shape), 0, 255)
    values = values if channels == 3 else values.mean(axis=2, keepdims=True)
    return np.moveaxis(values, 2, 0).astype(np.uint8)


def _flat(pixels: Pixels, random: Random) -> Pixels:
    """One colour."""
    return np.broadcast_to(random.integers(0, 256, (len(pixels), 1, 1), dtype=np.uint8), pixels.shape).copy()


def _scrambled(pixels: Pixels, random: Random) -> Pixels:
    """As much of every frequency, in every channel alike displaced: the texture without anything that it shows."""
    spectrum = np.fft.fft2(pixels.astype(np.float64))
    phases = np.angle(np.fft.fft2(random.normal(size=pixels.shape[1:])))
    phases[0, 0] = 0.0  # the mean stays
    return np.clip(np.fft.ifft2(spectrum * np.exp(1j * phases)).real, 0, 255).astype(np.uint8)


def _mosaic(pixels: Pixels, random: Random) -> Pixels:
    """Its pieces in a wrong order; what does not fill a piece stays."""
    channels, rows, columns = pixels.shape
    count = int(random.choice(PIECES))
    height, width = rows // count, columns // count
    inner = pixels[:, : count * height, : count * width].reshape(channels, count, height, count, width)
    pieces = random.permutation(inner.transpose(1, 3, 0, 2, 4).reshape(count * count, channels, height, width))
    laid = pieces.reshape(count, count, channels, height, width).transpose(2, 0, 3, 1, 4)
    mixed = pixels.copy()
    mixed[:, : count * height, : count * width] = laid.reshape(channels, count * height, count * width)
    return mixed


def _colour(random: Random) -> tuple[int, int, int]:
    return tuple(int(value) for value in random.integers(0, 256, 3))  # type: ignore[return-value]


KINDS: Mapping[str, Callable[[Pixels, Random], Pixels]] = {
    "permuted": _permuted,
    "inverted": _inverted,
    "grey": _grey,
    "noise": _noise,
    "drawn": _drawn,
    "flat": _flat,
    "scrambled": _scrambled,
    "mosaic": _mosaic,
}
