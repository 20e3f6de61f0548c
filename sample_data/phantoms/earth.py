"""One made-up place at two dates, as Sentinel-2 would see it at 10 m: wood, lake, river, meadows, fields, town, industry.

Colours are (red, green, blue) as the ten-class land-cover rendering shows them, 255 for a reflectance of 0.275; near infrared in
the same scale. Axes: [rows, columns], north up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sample_data.phantoms.drawing import Image, band_noise, power_noise, smooth_step

SIZE = 640
DIGITAL_NUMBERS = 2750.0 / 255.0  # of a level of the rendering; reflectance is the number / 10,000

CROWNS_SEED = 11

Place = NDArray[np.bool_]
Colours = NDArray[np.float64]
Painter = Callable[[np.random.Generator], Colours]


@dataclass(frozen=True)
class Block:
    """A rectangle in pixels that is one class before and another after."""

    left: int
    top: int
    width: int
    height: int
    before: str
    after: str

    def place(self) -> Place:
        """Where it lies: [rows, columns]."""
        inside = np.zeros((SIZE, SIZE), dtype=bool)
        inside[self.top : self.top + self.height, self.left : self.left + self.width] = True
        return inside


CHANGES = (
    Block(256, 240, 144, 136, "Forest", "Residential"),
    Block(352, 496, 88, 96, "AnnualCrop", "Industrial"),
)


def draw(seed: int, *, after: bool) -> NDArray[np.uint16]:
    """uint16 [4, 640, 640]: blue, green, red, near infrared as digital numbers; 0 where the swath does not reach.

    The land is drawn from `seed` alone, so that both dates show the same fields; each date has its own noise and light.
    """
    land = np.random.default_rng(seed)
    date = np.random.default_rng(seed + (2 if after else 1))
    painted = {name: painter(land) for name, painter in PAINTERS.items()}
    here = _places(land)
    seen = np.zeros((SIZE, SIZE, 4))
    for name, place in here.items():
        seen[place] = painted[name][place]
    for block in CHANGES:
        seen[block.place()] = painted[block.after if after else block.before][block.place()]
    seen = _lines(land, seen)
    light = np.array([1.03, 1.02, 1.01, 1.04]) if after else np.ones(4)
    seen = ndimage.gaussian_filter(seen, (0.55, 0.55, 0)) * light
    seen = seen + date.standard_normal(seen.shape) * 0.45 + 1.2 * power_noise(date, (SIZE, SIZE), 2.0)[..., None]
    numbers = np.clip(np.round(seen * DIGITAL_NUMBERS), 1, 10_000).astype(np.uint16)
    row, column = np.mgrid[0:SIZE, 0:SIZE]
    numbers[column - row > (SIZE - 44 if after else SIZE - 60)] = 0
    return np.moveaxis(numbers[..., [2, 1, 0, 3]], -1, 0)


def _places(land: np.random.Generator) -> dict[str, Place]:
    """Which class lies where before the changes; later ones lie on top."""
    row, column = np.mgrid[0:SIZE, 0:SIZE].astype(float)
    row = row + 9.0 * power_noise(land, (SIZE, SIZE), 1.8)
    column = column + 9.0 * power_noise(land, (SIZE, SIZE), 1.8)
    return {
        "Pasture": np.ones((SIZE, SIZE), dtype=bool),
        "Forest": ((row < 215) & (column < 330)) | ((row < 395) & (column > 225) & (column < 425)),
        "SeaLake": ((column - 520) / 150) ** 2 + ((row - 100) / 105) ** 2 < 1.0,
        "Residential": (row > 225) & (row < 400) & (column > 430),
        "AnnualCrop": (row > 455) & (column < 470),
        "Industrial": (row > 455) & (column >= 470),
    }


def _tinted(light: Image, colour: tuple[float, float, float, float], gains: tuple[float, float, float, float]) -> Colours:
    """A colour [4] that grows lighter and darker by `light` [rows, columns], each band by its own gain."""
    return np.asarray(colour) + light[..., None] * np.asarray(gains)


def _forest(land: np.random.Generator) -> Colours:
    """Mean and deviation are those of forest in the rendering; without the grain of crowns it would look like water."""
    crowns = np.random.default_rng(CROWNS_SEED).standard_normal((SIZE, SIZE))
    relief = 3.0 * power_noise(land, (SIZE, SIZE), 1.5) + 4.0 * band_noise(land, (SIZE, SIZE), 3.5) + 6.0 * crowns
    return _tinted(relief, (42.0, 67.0, 75.0, 235.0), (1.0, 1.1, 0.6, 4.0))


def _lake(land: np.random.Generator) -> Colours:
    return _tinted(1.2 * power_noise(land, (SIZE, SIZE), 2.2), (46.0, 74.0, 91.0, 26.0), (1.0, 1.1, 0.9, 0.6))


def _plots(land: np.random.Generator, size: tuple[float, float], turn: float, wobble: float = 0.0) -> tuple[NDArray[np.intp], Image]:
    """(number of the plot, distance in pixels to its border) for every pixel.

    The land is divided again and again, as by inheritance, until a plot's sides are near `size`; then all is turned by `turn`
    radians, and borders are bent by about `wobble` pixels.
    """
    row, column = np.mgrid[0:SIZE, 0:SIZE].astype(float)
    row = row + wobble * power_noise(land, (SIZE, SIZE), 1.9)
    column = column + wobble * power_noise(land, (SIZE, SIZE), 1.9)
    along = column * np.cos(turn) + row * np.sin(turn)
    across = -column * np.sin(turn) + row * np.cos(turn)
    number = np.zeros((SIZE, SIZE), dtype=np.intp)
    border = np.zeros((SIZE, SIZE))
    waiting = [(float(along.min()), float(across.min()), float(along.max()), float(across.max()))]
    count = 0
    while waiting:
        left, top, right, bottom = waiting.pop()
        width, height = (right - left) / size[0], (bottom - top) / size[1]
        if max(width, height) > land.uniform(1.1, 2.0):
            share = land.uniform(0.35, 0.65)
            if width > height:
                cut = left + share * (right - left)
                waiting += [(left, top, cut, bottom), (cut, top, right, bottom)]
            else:
                cut = top + share * (bottom - top)
                waiting += [(left, top, right, cut), (left, cut, right, bottom)]
            continue
        window = _window(np.array([left + right, top + bottom]) / 2, np.array([right - left, bottom - top]) / 2, turn, 3 * wobble)
        inside = np.minimum(
            np.minimum(along[window] - left, right - along[window]), np.minimum(across[window] - top, bottom - across[window])
        )
        number[window][inside >= 0] = count
        border[window][inside >= 0] = inside[inside >= 0]
        count += 1
    return number, border


def _window(centre: NDArray[np.float64], half: NDArray[np.float64], turn: float, margin: float = 0.0) -> tuple[slice, slice]:
    """Rows and columns of an upright box around a turned rectangle, cut to the image."""
    column = centre[0] * np.cos(turn) - centre[1] * np.sin(turn)
    row = centre[0] * np.sin(turn) + centre[1] * np.cos(turn)
    reach = float(np.hypot(*half)) + margin + 1.0
    top, bottom, left, right = np.clip([row - reach, row + reach + 1, column - reach, column + reach + 1], 0, SIZE).astype(int)
    return slice(top, bottom), slice(left, right)


def _pasture(land: np.random.Generator) -> Colours:
    number, border = _plots(land, (30.0, 22.0), 0.4, wobble=5.0)
    shade = land.normal(0.0, 1.0, number.max() + 1)[number]
    brown = land.uniform(-1.0, 1.0, number.max() + 1)[number]
    meadow = _tinted(3.0 * power_noise(land, (SIZE, SIZE), 1.2), (58.0, 90.0, 89.0, 300.0), (1.1, 1.0, 0.7, 6.0))
    meadow += shade[..., None] * [5.0, 6.0, 3.0, 14.0] + brown[..., None] * [9.0, 1.0, 2.0, -18.0]
    hedge = 1.0 - smooth_step(border, 0.5, 1.7)
    patchy = np.clip(0.75 + 0.5 * power_noise(land, (SIZE, SIZE), 1.0), 0.0, 1.0)
    return meadow - (hedge * patchy)[..., None] * [18.0, 22.0, 12.0, 30.0]


CROPS = np.array(
    [
        [176, 140, 127, 255], [196, 158, 142, 280], [150, 125, 118, 240], [205, 172, 152, 300], [124, 112, 108, 215],
        [50, 92, 84, 340], [62, 104, 90, 360], [44, 84, 82, 320], [88, 110, 96, 310], [186, 146, 130, 265],
    ],
    dtype=float,
)  # fmt: skip


def _crops(land: np.random.Generator) -> Colours:
    number, border = _plots(land, (46.0, 26.0), -0.35, wobble=1.0)
    kind = land.integers(0, len(CROPS), number.max() + 1)
    tilt = land.normal(0.0, 5.0, (number.max() + 1, 1))
    field = (CROPS[kind] + tilt)[number]
    soil = 2.8 * power_noise(land, (SIZE, SIZE), 1.2) + 1.3 * band_noise(land, (SIZE, SIZE), 5.0)
    field = field + soil[..., None] * [1.2, 1.0, 0.9, 2.0]
    track = (1.0 - smooth_step(border, 0.3, 1.0))[..., None]
    return field * (1 - 0.5 * track) + 0.5 * track * [128.0, 118.0, 112.0, 230.0]


def _town(land: np.random.Generator) -> Colours:
    """Small roofs of many colours in rows along streets, gardens between them, a park here and there."""
    town = _tinted(9.0 * band_noise(land, (SIZE, SIZE), 5.0), (64.0, 83.0, 88.0, 215.0), (1.0, 1.0, 0.8, 6.0))
    number, border = _plots(land, (3.4, 2.8), 0.3)
    roof = smooth_step(border, 0.35, 0.9) * (land.random(number.max() + 1) < 0.62)[number]
    kind = land.random(number.max() + 1)
    tile = np.where(kind[:, None] < 0.5, [146.0, 112.0, 112.0, 175.0], [134.0, 138.0, 150.0, 170.0])
    tile = np.where(kind[:, None] > 0.95, [225.0, 222.0, 226.0, 240.0], tile) + land.normal(0.0, 14.0, (number.max() + 1, 1))
    town = town * (1 - roof[..., None]) + tile[number] * roof[..., None]
    block, border = _plots(land, (22.0, 15.0), 0.3)
    street = 0.85 * (1.0 - smooth_step(border, 0.4, 1.3))[..., None]
    town = town * (1 - street) + street * [102.0, 107.0, 118.0, 150.0]
    park = ((land.random(block.max() + 1) < 0.06)[block] * smooth_step(border, 0.5, 1.5))[..., None]
    return town * (1 - 0.85 * park) + 0.85 * park * [50.0, 76.0, 80.0, 290.0]


ROOFS = np.array([252.0, 228.0, 192.0, 160.0, 138.0, 84.0, 60.0])


def _industry(land: np.random.Generator) -> Colours:
    """Large flat roofs from white to dark on grey yards, wide streets, a little green."""
    ground = 11.0 * band_noise(land, (SIZE, SIZE), 5.0) + 7.0 * power_noise(land, (SIZE, SIZE), 1.0)
    yard = _tinted(ground, (104.0, 109.0, 119.0, 165.0), (1.0, 1.0, 0.9, 1.2))
    number, border = _plots(land, (11.0, 7.5), 0.25)
    count = number.max() + 1
    level = land.choice(ROOFS, count, p=[0.2, 0.14, 0.14, 0.16, 0.12, 0.12, 0.12])[:, None] * [0.98, 0.98, 1.0, 1.05]
    level = level + np.array([0.0, 3.0, 8.0, 0.0]) + land.normal(0.0, 4.0, (count, 4))
    roof = ((land.random(count) < 0.6)[number] * smooth_step(border, 0.8, 1.4))[..., None]
    yard = yard * (1 - roof) + level[number] * roof
    lot, border = _plots(land, (44.0, 30.0), 0.25)
    green = ((land.random(lot.max() + 1) < 0.1)[lot] * smooth_step(border, 1.5, 2.5))[..., None]
    yard = yard * (1 - green) + green * [60.0, 86.0, 86.0, 280.0]
    street = (1.0 - smooth_step(border, 1.0, 2.0))[..., None]
    return yard * (1 - street) + street * [92.0, 96.0, 108.0, 140.0]


PAINTERS: dict[str, Painter] = {
    "Forest": _forest,
    "SeaLake": _lake,
    "Pasture": _pasture,
    "AnnualCrop": _crops,
    "Residential": _town,
    "Industrial": _industry,
}


def _lines(land: np.random.Generator, seen: Colours) -> Colours:
    """The river from east to west, with its wooded banks, and a road from north to south."""
    row, column = np.mgrid[0:SIZE, 0:SIZE].astype(float)
    bed = 431.0 + 13.0 * np.sin(column / 62.0) + 6.0 * np.sin(column / 27.0 + 1.0)
    distance = np.abs(row - bed) + 1.2 * power_noise(land, (SIZE, SIZE), 1.2)
    bank = (1.0 - smooth_step(distance, 21.0, 25.0))[..., None]
    water = (1.0 - smooth_step(distance, 16.0, 18.0))[..., None]
    trees = _tinted(3.0 * band_noise(land, (SIZE, SIZE), 4.0), (56.0, 82.0, 82.0, 270.0), (1.2, 1.0, 0.8, 5.0))
    stream = _tinted(0.8 * power_noise(land, (SIZE, SIZE), 2.0), (56.0, 84.0, 92.0, 40.0), (1.0, 1.0, 1.0, 1.0))
    seen = seen * (1 - bank) + bank * trees
    seen = seen * (1 - water) + water * stream
    road = (1.0 - smooth_step(np.abs(column - 205.0 - 0.06 * row - 6.0 * np.sin(row / 140.0)), 1.0, 1.9))[..., None]
    return seen * (1 - road) + road * [126.0, 126.0, 132.0, 165.0]
