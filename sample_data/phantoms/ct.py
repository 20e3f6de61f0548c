"""An adult's chest as a stack of CT slices, in Hounsfield units, with one nodule in the right upper lobe.

Axes: [slices, rows, columns]; x grows to the patient's left, y to the back, z to the head; millimetres.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sample_data.phantoms.drawing import Points

SLICES, SIZE = 28, 256
SPACING = 1.4  # mm in the plane
THICKNESS = 3.0  # mm between slices
NODULE_MM = (-84.0, -22.0, 63.0)
NODULE_RADIUS_MM = 5.5

AIR, LUNG, FAT, MUSCLE, BLOOD, NODULE, MARROW, BONE, TABLE = -1000, -850, -95, 50, 42, 35, 180, 700, -600
NOISE_HU = 8.0

Volume = NDArray[np.float64]


def draw(seed: int) -> NDArray[np.int16]:
    """int16 [28, 256, 256] in Hounsfield units, foot end first."""
    generator = np.random.default_rng(seed)
    z, y, x = np.meshgrid(
        np.arange(SLICES) * THICKNESS,
        (np.arange(SIZE) - SIZE / 2 + 0.5) * SPACING,
        (np.arange(SIZE) - SIZE / 2 + 0.5) * SPACING,
        indexing="ij",
    )
    volume = np.full(x.shape, float(AIR))
    taper = 1.0 - 0.0006 * z  # the chest narrows upwards
    _fill(volume, _inside(x, y, (0, 0), (158 * taper, 108 * taper), 2.4), FAT)
    _fill(volume, _inside(x, y, (0, 2), (148 * taper, 98 * taper), 2.4), MUSCLE)
    _fill(volume, _inside(x, y, (0, 2), (134 * taper, 86 * taper), 2.4), FAT)
    lungs = _lungs(x, y, z, taper)
    _fill(volume, lungs, LUNG)
    _middle(volume, x, y, z)
    _spine(volume, x, y, z)
    _ribs(volume, x, y, z, taper)
    _trees(generator, volume, lungs)
    distance = np.sqrt((x - NODULE_MM[0]) ** 2 + (y - NODULE_MM[1]) ** 2 + (z - NODULE_MM[2]) ** 2)
    _fill(volume, distance < NODULE_RADIUS_MM + 0.5 * np.sin(5 * np.arctan2(y - NODULE_MM[1], x - NODULE_MM[0])), NODULE)
    _fill(volume, (np.abs(y - 122 + 0.0006 * x**2) < 4) & (np.abs(x) < 165), TABLE)
    return _scan(generator, volume)


def _fill(volume: Volume, where: NDArray[np.bool_], value: float) -> None:
    volume[where] = value


Axes = tuple[Volume | float, Volume | float]


def _inside(x: Volume, y: Volume, centre: tuple[float, float], axes: Axes, power: float = 2.0) -> NDArray[np.bool_]:
    return np.abs((x - centre[0]) / axes[0]) ** power + np.abs((y - centre[1]) / axes[1]) ** power < 1.0


def _lungs(x: Volume, y: Volume, z: Volume, taper: Volume) -> NDArray[np.bool_]:
    """Inside the rib cage, beside the middle, above the diaphragm."""
    cage = _inside(x, y, (0, 2), (126 * taper, 79 * taper), 2.3)
    middle = _inside(x, y, (10, -18), (46 - 0.25 * z, 62)) | _inside(x, y, (0, 48), (24, 40)) | (np.abs(x) < 15)
    right_dome = ((x + 66) / 66) ** 2 + ((y + 4) / 72) ** 2 + ((z + 34) / 50) ** 2 < 1.0
    left_dome = ((x - 70) / 62) ** 2 + ((y + 4) / 70) ** 2 + ((z + 38) / 48) ** 2 < 1.0
    return cage & ~middle & ~right_dome & ~left_dome


def _middle(volume: Volume, x: Volume, y: Volume, z: Volume) -> None:
    """Heart below, great vessels above, windpipe, gullet, descending aorta; liver and stomach fill the domes."""
    _fill(volume, ((x + 66) / 64) ** 2 + ((y + 4) / 70) ** 2 + ((z + 34) / 48) ** 2 < 1.0, 58)
    _fill(volume, ((x - 70) / 60) ** 2 + ((y + 4) / 68) ** 2 + ((z + 38) / 46) ** 2 < 1.0, 45)
    _fill(volume, ((x - 16) / 54) ** 2 + ((y + 22) / 46) ** 2 + ((z - 6) / 44) ** 2 < 1.0, BLOOD)
    for place, radius, bottom in (((-14.0, -22.0), 15.0, 40.0), ((14.0, -30.0), 14.0, 40.0), ((-28.0, -24.0), 9.0, 44.0)):
        _fill(volume, (_inside(x, y, place, (radius, radius))) & (z > bottom), BLOOD)
    _fill(volume, _inside(x, y, (22, 38), (12.5, 12.5)), BLOOD + 4)
    _fill(volume, _inside(x, y, (4, 26), (7, 5)), MUSCLE - 15)
    for side in (-1.0, 1.0):
        bronchus = _inside(x, y, (0.0, 8.0), (6.5, 6.5)) if side < 0 else np.zeros(x.shape, dtype=bool)
        main = (np.hypot(x - side * (62 - z) * 1.0, (y - 8) + 0 * z) < 6.5) & (z < 62) & (z > 36)
        _fill(volume, main | (bronchus & (z >= 58)), AIR)


def _spine(volume: Volume, x: Volume, y: Volume, z: Volume) -> None:
    """Vertebral bodies of cortex and marrow with discs between, the canal, and the processes behind it."""
    level = np.mod(z + 6.0, 25.0)
    disc = level < 5.0
    body = _inside(x, y, (0, 62), (19, 15))
    _fill(volume, body, BONE * 0.75)
    _fill(volume, _inside(x, y, (0, 62), (17, 13)), MARROW)
    _fill(volume, body & disc, 85)
    arch = _inside(x, y, (0, 83), (15, 13)) & ~_inside(x, y, (0, 82), (10, 8.5)) & ~disc
    _fill(volume, arch, BONE * 0.8)
    _fill(volume, _inside(x, y, (0, 82), (9.5, 8)), 25)
    _fill(volume, (np.abs(x) < 3) & (y > 92) & (y < 101 - 0.3 * level), BONE * 0.7)


def _ribs(volume: Volume, x: Volume, y: Volume, z: Volume, taper: Volume) -> None:
    """Ribs run down from the spine to the front, so that a slice cuts each of them once a side; the breastbone in front."""
    turn = np.arctan2(np.abs(x), y - 2)  # 0 at the back, pi in front
    across = np.hypot(x / (129 * taper), (y - 2) / (81 * taper))
    height = z + 62.0 * (turn / np.pi) ** 1.2
    phase = np.mod(height, 24.0) - 12.0
    shell = np.hypot(phase / 6.5, (across - 1.0) / 0.042)
    present = (turn > 0.25) & (turn < 2.5)
    _fill(volume, (shell < 1.0) & present, BONE)
    _fill(volume, (shell < 0.6) & present, MARROW)
    sternum = _inside(x, y, (0, -84), (19, 6))
    _fill(volume, sternum, BONE * 0.7)
    _fill(volume, _inside(x, y, (0, -84), (17, 4)), MARROW)


def _trees(generator: np.random.Generator, volume: Volume, lungs: NDArray[np.bool_]) -> None:
    """Vessels that branch from the roots of the lungs, drawn ball by ball on the voxel grid."""
    drawn = np.zeros(volume.shape, dtype=bool)
    for side in (-1.0, 1.0):
        root = np.array([side * 40.0, 5.0, 40.0])
        for _ in range(26):
            aim = generator.normal(0.0, 1.0, 3) + np.array([side * 1.1, 0.0, 0.0])
            _grow(generator, drawn, root + generator.normal(0.0, 5.0, 3), aim, 3.4, 0)
    _fill(volume, drawn & lungs, BLOOD - 10)


def _grow(generator: np.random.Generator, drawn: NDArray[np.bool_], start: Points, aim: Points, radius: float, depth: int) -> None:
    if depth > 6 or radius < 0.75:
        return
    end = start + aim / np.linalg.norm(aim) * generator.uniform(13.0, 24.0)
    for share in np.linspace(0.0, 1.0, 24):
        _ball(drawn, start + (end - start) * share, radius)
    for _ in range(2):
        _grow(generator, drawn, end, aim + generator.normal(0.0, 0.5, 3), radius * generator.uniform(0.66, 0.84), depth + 1)


def _ball(drawn: NDArray[np.bool_], place: Points, radius: float) -> None:
    column, row, slice_ = place[0] / SPACING + SIZE / 2 - 0.5, place[1] / SPACING + SIZE / 2 - 0.5, place[2] / THICKNESS
    low = np.maximum(np.floor([slice_ - radius / THICKNESS, row - radius / SPACING, column - radius / SPACING]).astype(int), 0)
    high = np.ceil([slice_ + radius / THICKNESS, row + radius / SPACING, column + radius / SPACING]).astype(int) + 1
    box = tuple(slice(a, b) for a, b in zip(low, np.minimum(high, drawn.shape), strict=True))
    if any(part.start >= part.stop for part in box):
        return
    grid = np.ogrid[box]
    distance = ((grid[0] - slice_) * THICKNESS) ** 2 + ((grid[1] - row) * SPACING) ** 2 + ((grid[2] - column) * SPACING) ** 2
    drawn[box] |= distance <= radius**2


def _scan(generator: np.random.Generator, volume: Volume) -> NDArray[np.int16]:
    """What the scanner makes of it: blur, noise with the scanner's grain, whole numbers; a round field of view."""
    seen = ndimage.gaussian_filter(volume, (0.25, 0.6, 0.6))
    grain = ndimage.gaussian_filter(generator.standard_normal(volume.shape), (0.0, 0.8, 0.8))
    seen = seen + NOISE_HU * grain / grain.std() * np.where(seen > -950, 1.0, 0.5)
    return np.clip(np.round(seen), -1024, 3071).astype(np.int16)
