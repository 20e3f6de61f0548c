"""From a scene to the network's input: one window at the ground scale that the model was trained at."""

from __future__ import annotations

import numpy as np

from core.errors import MissingBands, OutOfRange
from core.prepare.grid.bands import read_window, rendering, resolve_bands
from core.prepare.grid.ground import MOST_ENLARGED, coarsest_metres, pixel_metres
from core.prepare.suitability import no_input
from core.prepare.tensor import resize, standardise
from core.types import FloatImage, Mask, ModelInput, Notice, Preprocess, Scene, notice

AS_COARSE = 1.05
"""Pixels up to so many times coarser are as coarse: what projections do to a metre."""
HALF = 0.5
"""Of a pixel of the input that holds data, for it to count as seen."""
TILE_SCALE = 2.0
"""A picture without a ground scale is taken as one tile up to this many times the model's size."""


def centre_input(scene: Scene, preprocess: Preprocess) -> ModelInput:
    """The window at the centre of a scene: all of it where it is not larger than the model's input on the ground."""
    return input_at(scene, preprocess, scene.width // 2, scene.height // 2)


def input_at(scene: Scene, preprocess: Preprocess, column: int, row: int) -> ModelInput:
    """The window around a pixel, moved inside the scene where it would reach over the edge.

    A scene without the bands that the model needs gives an empty input with the reason.
    Raises OutOfRange for a pixel outside the scene, UnreadableFile for pixels that cannot be read.
    """
    if not (0 <= column < scene.width and 0 <= row < scene.height):
        raise OutOfRange("at", f"{column} {row}", f"0 <= column < {scene.width} and 0 <= row < {scene.height}")
    try:
        bands, assumptions = resolve_bands(scene, preprocess.channels, preprocess.reflectance_top)
    except MissingBands as error:
        return no_input(preprocess, notice("scene.missing-bands", name=error.name, missing=error.missing, has=error.has), scene.assumptions)
    width, height = window_size(scene, preprocess)
    left = min(max(column - width // 2, 0), scene.width - width)
    top = min(max(row - height // 2, 0), scene.height - height)
    reflectance, valid = read_window(scene, bands, (left, top, width, height))
    shown = resize(filled(rendering(reflectance, preprocess), valid), preprocess.size)  # [channels, rows, columns] of the model
    return ModelInput(
        values=standardise(shown, preprocess),
        shown=shown,
        box=(float(left), float(top), float(width), float(height)),
        valid_share=float(valid.mean()),
        refusal=ground_refusal(scene, preprocess) if valid.any() else notice("scene.window-empty"),
        assumptions=(*scene.assumptions, *assumptions, *scale_assumptions(scene, preprocess)),
        source=scene.sha256,
    )


def scene_parts(scene: Scene, given: ModelInput, preprocess: Preprocess) -> dict[str, Mask | None]:
    """Of a window of a scene which pixels hold data: bool [rows, columns] of the input. No cloud is known. Raises UnreadableFile."""
    bands, _ = resolve_bands(scene, preprocess.channels, preprocess.reflectance_top)
    left, top, width, height = (round(side) for side in given.box)
    _, valid = read_window(scene, bands, (left, top, width, height))
    seen = resize(valid[np.newaxis].astype(np.float32), preprocess.size)[0] >= HALF
    return {"valid": seen, "cloud": None, "nodata": ~seen}


def window_size(scene: Scene, preprocess: Preprocess) -> tuple[int, int]:
    """(width, height) in pixels of the scene of what the model's input covers on the ground, at most the whole scene."""
    rows, columns = preprocess.size
    across, down = pixels_a_model_pixel(scene, preprocess)
    return min(scene.width, max(1, round(columns * across))), min(scene.height, max(1, round(rows * down)))


def pixels_a_model_pixel(scene: Scene, preprocess: Preprocess) -> tuple[float, float]:
    """(across, down): pixels of the scene that one pixel of the model covers on the ground; 1.0 where the scene does not tell."""
    metres, gsd = pixel_metres(scene), preprocess.ground_sample_distance_m
    return (gsd / metres[0], gsd / metres[1]) if metres is not None and gsd is not None else (1.0, 1.0)


def filled(shown: FloatImage, valid: Mask) -> FloatImage:
    """Pixels without data take the mean of the others, so that they do not look like dark water. float32 [channels, rows, columns]."""
    if valid.all():
        return shown
    means = shown[:, valid].mean(axis=1) if valid.any() else np.zeros(len(shown))
    return np.where(valid, shown, means[:, np.newaxis, np.newaxis]).astype(np.float32)


def ground_refusal(scene: Scene, preprocess: Preprocess) -> Notice | None:
    """Why no window of the scene can be what the model was made for: pixels coarser than any it was shown, or too little ground."""
    rows, columns = preprocess.size
    metres, gsd, coarsest = pixel_metres(scene), preprocess.ground_sample_distance_m, coarsest_metres(preprocess)
    if metres is None or gsd is None or coarsest is None:
        return None
    if max(metres) > AS_COARSE * coarsest:
        if preprocess.coarsest_m is None:
            return notice("scene.too-coarse", metres=_told(max(metres)), model_metres=gsd)
        return notice("scene.coarser-than-shown", metres=_told(max(metres)), model_metres=gsd, coarsest=preprocess.coarsest_m)
    width, height = scene.width * metres[0], scene.height * metres[1]
    if TILE_SCALE * width >= columns * gsd and TILE_SCALE * height >= rows * gsd:
        return None
    return notice("scene.too-little-ground", width=round(width), height=round(height), model_width=columns * gsd, model_height=rows * gsd)


def scale_assumptions(scene: Scene, preprocess: Preprocess) -> tuple[Notice, ...]:
    """How the scene was brought to the ground scale of the model, where that had to be assumed or invented."""
    gsd = preprocess.ground_sample_distance_m
    metres = pixel_metres(scene)
    if gsd is None:
        return ()
    if metres is None:
        return (notice("scene.pixel-size-assumed", metres=gsd),)
    if AS_COARSE * gsd < max(metres) <= MOST_ENLARGED * gsd:
        return (notice("scene.pixels-enlarged", metres=_told(max(metres)), model_metres=gsd),)
    if AS_COARSE * max(metres) < gsd:
        return (notice("scene.pixels-averaged", metres=_told(max(metres)), model_metres=gsd),)
    return ()


def _told(metres: float) -> float:
    """To three digits, as it is told: two dates whose pixels are told alike are alike (core/change/caveats.py)."""
    return float(f"{metres:.3g}")
