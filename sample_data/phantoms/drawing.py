"""What all phantoms draw with: smooth noise, balls strung on a curve, and small letters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float64]
Points = NDArray[np.float64]

# Five columns by seven rows a letter, as on an old terminal; only the letters that the marks need.
LETTERS = {
    "C": "01110 10001 10000 10000 10000 10001 01110",
    "E": "11111 10000 10000 11110 10000 10000 11111",
    "H": "10001 10001 10001 11111 10001 10001 10001",
    "I": "01110 00100 00100 00100 00100 00100 01110",
    "N": "10001 11001 10101 10101 10011 10001 10001",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "S": "01111 10000 10000 01110 00001 00001 11110",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "Y": "10001 10001 01010 00100 00100 00100 00100",
}


def power_noise(generator: np.random.Generator, shape: tuple[int, int], exponent: float) -> Image:
    """Noise [rows, columns] of mean 0 and deviation 1 whose amplitude falls with frequency to the power of -exponent."""
    vertical = np.fft.fftfreq(shape[0])[:, None]
    horizontal = np.fft.rfftfreq(shape[1])[None, :]
    frequency = np.hypot(vertical, horizontal)
    frequency[0, 0] = np.inf  # no mean
    spectrum = np.fft.rfft2(generator.standard_normal(shape)) / frequency**exponent
    noise = np.fft.irfft2(spectrum, s=shape)
    return (noise - noise.mean()) / noise.std()


def band_noise(generator: np.random.Generator, shape: tuple[int, int], period: float, octaves: float = 0.5) -> Image:
    """Noise [rows, columns] of mean 0 and deviation 1 whose structures are about `period` pixels apart."""
    vertical = np.fft.fftfreq(shape[0])[:, None]
    horizontal = np.fft.rfftfreq(shape[1])[None, :]
    frequency = np.maximum(np.hypot(vertical, horizontal), 1e-9)
    gain = np.exp(-0.5 * (np.log2(frequency * period) / octaves) ** 2)
    noise = np.fft.irfft2(np.fft.rfft2(generator.standard_normal(shape)) * gain, s=shape)
    return (noise - noise.mean()) / noise.std()


def resampled(curve: Points, step: float) -> tuple[Points, float]:
    """The curve [points, 3] at equal steps of about `step`, and the step that came out."""
    lengths = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))]
    count = max(int(lengths[-1] / step), 1)
    places = np.linspace(0.0, lengths[-1], count + 1)
    return np.stack([np.interp(places, lengths, curve[:, axis]) for axis in range(3)], axis=1), float(lengths[-1] / count)


def add_tube(path_mm: Image, curve: Points, radius: Points | float, spacing: float, hollow: float = 0.0, weight: float = 1.0) -> None:
    """Add to `path_mm` the length in millimetres that a ray along the third axis runs inside a tube around `curve`.

    curve: [points, 3] as (column, row, depth) in millimetres. radius: in millimetres, one a point or one for all.
    hollow: share of the radius that is empty, for the shell of a bone. The tube is a string of balls of the same volume,
    so that a tube seen end on is as bright as it should be.
    """
    points, step = resampled(curve, 0.4)
    radii = np.interp(np.linspace(0, 1, len(points)), np.linspace(0, 1, len(curve)), np.broadcast_to(radius, len(curve)))
    rows, columns = path_mm.shape
    for (x, y, _), r in zip(points, radii, strict=True):
        left, right = max(int((x - r) / spacing), 0), min(int((x + r) / spacing) + 2, columns)
        top, bottom = max(int((y - r) / spacing), 0), min(int((y + r) / spacing) + 2, rows)
        if left >= right or top >= bottom:
            continue
        across = (np.arange(left, right) * spacing - x)[None, :] ** 2
        along = (np.arange(top, bottom) * spacing - y)[:, None] ** 2
        distance = across + along
        chord = np.sqrt(np.maximum(r * r - distance, 0.0)) - np.sqrt(np.maximum((hollow * r) ** 2 - distance, 0.0))
        path_mm[top:bottom, left:right] += weight * 1.5 * step / r * chord


def ellipsoid(x: Image, y: Image, centre: tuple[float, float], axes: tuple[float, float, float], tilt: float = 0.0) -> Image:
    """Length that a ray along the third axis runs inside an ellipsoid, tilted in the plane by `tilt` radians."""
    dx, dy = x - centre[0], y - centre[1]
    along = (dx * np.cos(tilt) + dy * np.sin(tilt)) / axes[0]
    across = (-dx * np.sin(tilt) + dy * np.cos(tilt)) / axes[1]
    return 2.0 * axes[2] * np.sqrt(np.maximum(1.0 - along**2 - across**2, 0.0))


def smooth_step(value: Image, low: float, high: float) -> Image:
    """0 below low, 1 above high, smooth between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def written(text: str, shape: tuple[int, int], top: int, left: int, scale: int) -> NDArray[np.bool_]:
    """Where the letters of `text` stand in an image of `shape`, each dot `scale` pixels wide."""
    mask = np.zeros(shape, dtype=bool)
    for place, letter in enumerate(text):
        dots = np.array([[dot == "1" for dot in row] for row in LETTERS[letter].split()])
        block = np.kron(dots, np.ones((scale, scale), dtype=bool))
        start = left + place * 6 * scale
        mask[top : top + block.shape[0], start : start + block.shape[1]] |= block[:, : max(0, shape[1] - start)]
    return mask
