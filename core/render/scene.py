"""Pictures of scenes and of the rasters made from them, small enough for a browser: read by window and from overviews, never whole.

Everything is drawn on the grid of one scene, the first date's; files on another grid are warped on the way.
"""

from __future__ import annotations

import io
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from rasterio import DatasetReader
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from core.readers import open_raster
from core.types import Band, Scene

MOST_PIXELS = 1600
"""Longest side of a picture."""
BRIGHTEST_REFLECTANCE = 0.3
"""Shown as white where the file tells its reflectance: land is rarely brighter."""
DARKEST_AND_BRIGHTEST = (2, 98)
"""Percentiles that become black and white where the file does not tell its reflectance."""
BRIGHTEST_NEAR_INFRARED = 0.5
"""The same where near infrared is shown, in which plants are bright."""
NATURAL_COLOUR = "natural"
BAND_PRESETS: dict[str, tuple[tuple[str, ...], ...]] = {
    NATURAL_COLOUR: (("red", "green", "blue"),),
    "near infrared": (("near infrared", "red", "green"),),
    "short-wave infrared": (("short-wave infrared 2", "near infrared", "red"), ("short-wave infrared 1", "near infrared", "red")),
}
"""Bands for red, green and blue of the screen, the first ones that a scene has."""
FINER = 4
"""Small polygons are looked for in so many times more pixels, each way, than a picture has."""
FILL = 80
"""Alpha inside an outlined polygon, of 255."""
SOLID = 2
"""A picture that fades is solid from the top over so much on."""
NOTHING = 255
"""Nodata of a class raster."""

_Box = tuple[int, int, int, int]
Masked = np.ma.MaskedArray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Stretch:
    """Values that become black and white, a pair a band; one for all dates, since a stretch of its own for each would look like change."""

    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Piece:
    """A part of a scene at the size of a picture. box: (left, top, width, height) in pixels of the scene. shape: (rows, columns)."""

    box: _Box
    shape: tuple[int, int]

    @property
    def reduction(self) -> float:
        """Pixels of the scene across a pixel of the picture."""
        return self.box[2] / self.shape[1]


def whole(scene: Scene, most: int = MOST_PIXELS) -> Piece:
    """All of a scene."""
    return part(scene, (0, 0, scene.width, scene.height), most)


def part(scene: Scene, box: tuple[float, float, float, float], most: int = MOST_PIXELS) -> Piece:
    """What lies of a box (left, top, width, height) inside the scene, whole pixels of it and at least one."""
    left, top = (min(max(0, int(value)), size - 1) for value, size in zip(box, (scene.width, scene.height), strict=False))
    right = max(left + 1, min(scene.width, int(np.ceil(box[0] + box[2]))))
    bottom = max(top + 1, min(scene.height, int(np.ceil(box[1] + box[3]))))
    width, height = right - left, bottom - top
    reduction = max(1.0, max(width, height) / most)
    return Piece((left, top, width, height), (max(1, round(height / reduction)), max(1, round(width / reduction))))


def true_colour(
    scene: Scene,
    most: int = MOST_PIXELS,
    stretch: Stretch | None = None,
    grid: Scene | None = None,
    piece: Piece | None = None,
    preset: str = NATURAL_COLOUR,
) -> NDArray[np.uint8]:
    """uint8 [rows, columns, 3]; its first three bands, or its first, where no colours are known. Black where there are no data.

    grid: the scene on whose grid it is drawn, its own by default. piece: the part of that grid, all of it by default.
    preset: of BAND_PRESETS.
    """
    grid = grid or scene
    piece = piece or whole(grid, most)
    values = np.stack([band_values(band, grid, piece) for band in shown_bands(scene, preset)], axis=2)
    stretch = stretch or _stretch_of(scene, values, preset)
    low, high = (np.asarray(ends, dtype=np.float32) for ends in (stretch.low, stretch.high))
    with np.errstate(invalid="ignore"):
        scaled = (values - low) / np.maximum(high - low, 1e-9)
    return np.asarray(np.rint(np.clip(np.nan_to_num(scaled), 0.0, 1.0) * 255), dtype=np.uint8)


def band_presets_of(scenes: Sequence[Scene]) -> tuple[str, ...]:
    """Presets that all scenes have the bands for."""
    named = [{band.common_name for band in scene.bands} for scene in scenes]
    return tuple(name for name, ways in BAND_PRESETS.items() if all(any(set(way) <= has for way in ways) for has in named))


def shown_bands(scene: Scene, preset: str = NATURAL_COLOUR) -> tuple[Band, ...]:
    """Three bands for red, green and blue of the screen; the first ones of the scene where it lacks those of the preset."""
    named = {band.common_name: band for band in reversed(scene.bands)}
    for colours in BAND_PRESETS[preset]:
        if all(colour in named for colour in colours):
            return tuple(named[colour] for colour in colours)
    return scene.bands[:3] if len(scene.bands) >= 3 else (scene.bands[0],) * 3


def stretch_of(scene: Scene, preset: str = NATURAL_COLOUR) -> Stretch:
    """By reflectance where the file tells it, the full range of 8-bit files, else each band from its 2nd to its 98th percentile."""
    return _stretch_of(scene, None, preset)


def _stretch_of(scene: Scene, values: NDArray[np.float32] | None, preset: str) -> Stretch:
    bands = shown_bands(scene, preset)
    if scene.dtype == "uint8":
        return Stretch((0.0,) * 3, (255.0,) * 3)
    if all(band.scale is not None for band in bands):
        brightest = BRIGHTEST_REFLECTANCE if preset == NATURAL_COLOUR else BRIGHTEST_NEAR_INFRARED
        return Stretch((0.0,) * 3, (brightest,) * 3)
    if values is None:
        values = np.stack([band_values(band, scene, whole(scene, 512)) for band in bands], axis=2)
    known = values[np.isfinite(values).all(axis=2)]  # [pixels, 3]
    if not len(known):
        return Stretch((0.0,) * 3, (1.0,) * 3)
    low, high = np.percentile(known, DARKEST_AND_BRIGHTEST, axis=0)
    return Stretch(tuple(map(float, low)), tuple(map(float, high)))


def band_values(band: Band, grid: Scene, piece: Piece) -> NDArray[np.float32]:
    """float32 [rows, columns], in reflectance where the band tells how; NaN where there are no data."""
    read = np.ma.filled(read_piece(band.file, band.index, grid, piece, Resampling.average).astype(np.float32), np.nan)
    if band.nodata is not None:  # the product may say it where the file does not
        read[read == np.float32(band.nodata)] = np.nan
    if band.mask is not None:
        read[read_piece(band.file, band.mask.index, grid, piece, Resampling.nearest).filled(0) == 0] = np.nan
    return np.asarray(read * np.float32(band.scale or 1.0) + np.float32(band.offset or 0.0), dtype=np.float32)


def read_piece(path: Path, index: int, grid: Scene, piece: Piece, resampling: Resampling) -> Masked:
    """One band of a GeoTIFF on the grid of a scene: masked [rows, columns] of the piece. Raises UnreadableFile."""
    with open_raster(path) as raster:
        if _is_on(raster, grid):
            read: Masked = raster.read(index, window=Window(*piece.box), out_shape=piece.shape, resampling=resampling, masked=True)
            return read
        (left, top, width, height), (rows, columns) = piece.box, piece.shape
        transform = grid.transform @ Affine.translation(left, top) @ Affine.scale(width / columns, height / rows)
        has_nodata = any(value is not None for value in raster.nodatavals)
        target = {"crs": grid.crs, "transform": transform, "width": columns, "height": rows}
        with WarpedVRT(raster, resampling=resampling, add_alpha=not has_nodata, **target) as warped:
            warped_read: Masked = warped.read(index, masked=True)
    return warped_read


def _is_on(raster: DatasetReader, grid: Scene) -> bool:
    if (raster.width, raster.height) != (grid.width, grid.height):
        return False
    return grid.crs is None or (raster.crs == grid.crs and Affine.almost_equals(raster.transform, grid.transform, 1e-9))


def read_classes(path: Path, grid: Scene, piece: Piece) -> NDArray[np.uint8]:
    """A class raster, uint8 [rows, columns]: index into the labels, 255 where there is nothing."""
    return np.asarray(read_piece(path, 1, grid, piece, Resampling.nearest).filled(NOTHING), dtype=np.uint8)


def classes_picture(classes: NDArray[np.uint8], colours: Sequence[tuple[int, int, int]], hidden: Set[int] = frozenset()) -> bytes:
    """Classes (index into colours, 255 nothing) as PNG; hidden classes and nodata are transparent."""
    table = np.zeros((256, 3), dtype=np.uint8)
    table[: len(colours)] = np.reshape(colours, (-1, 3))
    opacity = bytes(255 if index < len(colours) and index not in hidden else 0 for index in range(256))
    picture = PillowImage.fromarray(classes, "L")
    picture.putpalette(table.tobytes())
    held = io.BytesIO()
    picture.save(held, "PNG", compress_level=1, transparency=opacity)
    return held.getvalue()


def values_picture(
    path: Path,
    grid: Scene,
    piece: Piece,
    colours: NDArray[np.uint8],
    top: float | None = 1.0,
    *,
    fades: bool = False,
    is_signed: bool = False,
) -> bytes:
    """A float raster in [0, top] through a colour table uint8 [256, 3]; NaN is transparent. top: None for its own largest hundredth.

    fades: 0 is clear, and what is small lets the ground through. is_signed: in [-top, top], with 0 at the middle of the table.
    """
    read = read_piece(path, 1, grid, piece, Resampling.average)
    known = ~np.ma.getmaskarray(read) & np.isfinite(read.data)
    if top is None:
        top = float(np.percentile(np.abs(read.data[known]), 99)) if known.any() else 1.0
    share = np.clip(np.where(known, read.data, 0.0) / max(top, 1e-9), -1.0 if is_signed else 0.0, 1.0)
    index = ((share + 1.0) / 2.0 * 255 if is_signed else share * 255).astype(np.uint8)
    opacity = np.minimum((np.abs(share) * 255).astype(np.int64) * SOLID, 255) if fades else 255
    return png(np.dstack([colours[index], np.where(known, opacity, 0).astype(np.uint8)]))


def mask_picture(path: Path, grid: Scene, piece: Piece, colour: tuple[int, int, int]) -> bytes:
    """The ones of a raster in one colour, outlined, so that what lies below stays in sight; everything else transparent."""
    marks = read_marks(path, grid, piece)
    picture = np.zeros((*piece.shape, 4), dtype=np.uint8)
    picture[marks] = (*colour, FILL)
    picture[marks & ~_inside(marks)] = (*colour, 255)
    return png(picture)


def _inside(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Marks whose four neighbours are marked too; the edge of the picture is no edge of a polygon."""
    framed = np.pad(marks, 1, constant_values=True)
    return np.asarray(framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:])


def read_marks(path: Path, grid: Scene, piece: Piece) -> NDArray[np.bool_]:
    """Where a raster of 1, 0 and 255 (nothing) is 1, bool [rows, columns]; areas smaller than a pixel of the picture keep one."""
    finer = min(FINER, int(np.ceil(piece.reduction)))
    rows, columns = piece.shape
    read = read_piece(path, 1, grid, Piece(piece.box, (rows * finer, columns * finer)), Resampling.nearest).filled(0) == 1
    return np.asarray(read.reshape(rows, finer, columns, finer).any(axis=(1, 3)))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Quickly packed rather than small: it travels to this machine's own browser."""
    held = io.BytesIO()
    PillowImage.fromarray(pixels).save(held, "PNG", compress_level=1)
    return held.getvalue()
