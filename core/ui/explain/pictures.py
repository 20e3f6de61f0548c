"""What the page shows of an image before anything is explained: the image as it is, then what the network reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.prepare.windowing import render
from core.render.scene import png, true_colour
from core.types import Image, ModelInput, Picture, Scene
from core.ui.explain.page_state import ExplainState
from core.ui.viewer import Click

LARGEST_SIDE = 1024
"""Pixels of the longer side of the image as it is shown before the network's input is there."""


def source_pixels(image: Image) -> NDArray[np.uint8]:
    """uint8 [rows, columns] or [rows, columns, 3]: a scene in natural colour, the middle frame of a study, thinned where it is large.

    Raises UnreadableFile where the frame cannot be decoded.
    """
    if isinstance(image, Scene):
        return np.asarray(true_colour(image, LARGEST_SIDE), dtype=np.uint8)
    pixels = image.pixels if isinstance(image, Picture) else render(image, image.shape[0] // 2)
    step = max(1, -(-max(pixels.shape[:2]) // LARGEST_SIDE))
    return np.ascontiguousarray(pixels[::step, ::step])


def source_picture(here: ExplainState) -> tuple[bytes, int, int]:
    """(PNG, rows, columns) of the image as it is. Raises as source_pixels."""
    key = ("source", here.chosen)
    if key not in here.drawn:
        pixels = source_pixels(here.image)
        here.drawn[key] = png(pixels)
        here.sizes[here.chosen] = (pixels.shape[0], pixels.shape[1])
    return here.drawn[key], *here.sizes[here.chosen]


def input_picture(here: ExplainState, given: ModelInput) -> bytes:
    """What the network reads, as PNG."""
    key = ("input", here.key)
    if key not in here.drawn:
        here.drawn[key] = png(shown_pixels(given))
    return here.drawn[key]


def shown_pixels(given: ModelInput) -> NDArray[np.uint8]:
    """uint8 [rows, columns, 3]: the first three channels as red, green and blue, or the first as grey."""
    channels = given.shown[:3] if len(given.shown) >= 3 else given.shown[:1].repeat(3, axis=0)
    return np.asarray(np.rint(np.clip(np.moveaxis(channels, 0, 2), 0.0, 1.0) * 255), dtype=np.uint8)


def patch_at(given: ModelInput, grid: tuple[int, int], clicked: Click) -> tuple[int, int]:
    """(row, column) on the grid of tokens of a click on the input."""
    rows, columns = given.shown.shape[1:]
    row = min(grid[0] - 1, max(0, clicked.row * grid[0] // rows))
    return row, min(grid[1] - 1, max(0, clicked.column * grid[1] // columns))


def fitted_height(rows: int, columns: int, most: str = "72vh") -> str:
    """CSS: as high as the picture is at the width that its place has (viewer.css makes that 100cqw), and never above `most`."""
    return f"min({100.0 * rows / columns:.2f}cqw, {most})"
