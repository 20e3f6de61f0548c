"""Does a class map depend on where the knife falls? Agreement of the map of a scene with those of the same pixels cut, moved and turned.

python benchmarks/cuts.py ../shared/data/geotiff/naip-north-dakota/m_4709963_se_14_1_20090818.tif sample_data/earth-before.tif

Files of one scene are joined by +. Pixels that lie 64 of the model's inside are counted, in every map. `cut`: a part of the scene. `moved`:
the origin in the header lies (5, 3) pixels elsewhere. `south-up`, `turned`: stored otherwise, as the header says. `unsaid`: turned by a
quarter, and the header does not say so. `borders`: how often classes change where tiles begin or end, over the average. With --crs
EPSG:3857 (repeatable): by how many points the share of the area of any class changes at the most in that system, resampled bilinearly.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import torch
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import calculate_default_transform, reproject

from core.areas.pixels import row_hectares
from core.inference.engine import Engine, engine_for
from core.inference.scenes.scores import iterate_scores
from core.prepare.grid.bands import read_window, resolve_bands
from core.prepare.grid.tiles import tile_grid
from core.readers import SceneOptions, read_scene
from core.types import Scene

MARGIN = 64
"""Pixels of the model from the edge of a scene within which maps may differ."""
MOVED = (5, 3)
CUT = (37, 21)
"""Columns and rows."""
_Classes = NDArray[np.uint8]


@dataclass(frozen=True)
class Pixels:
    """reflectance: float32 [3, rows, columns], NaN for no data."""

    reflectance: NDArray[np.float32]
    crs: CRS
    transform: Affine

    def scene(self, folder: Path) -> Scene:
        """As a file of its own."""
        _, rows, columns = self.reflectance.shape
        path = folder / f"{time.perf_counter_ns()}.tif"
        grid = {"height": rows, "width": columns, "crs": self.crs, "transform": self.transform}
        with rasterio.open(path, "w", driver="GTiff", count=3, dtype="float32", nodata=float("nan"), **grid) as file:
            file.write(self.reflectance)
            file.descriptions = ("B04", "B03", "B02")
        return read_scene([path], SceneOptions(scale=1.0, offset=0.0))


def pixels_of(scene: Scene, engine: Engine) -> Pixels:
    """All of a scene, in the bands of the model."""
    bands, _ = resolve_bands(scene, engine.model.preprocess.channels, engine.model.preprocess.reflectance_top)
    values, valid = read_window(scene, bands, (0, 0, scene.width, scene.height))
    assert scene.crs is not None, f"{scene.name} has no place"
    return Pixels(np.where(valid, values, np.nan).astype(np.float32), scene.crs, scene.transform)


def classes_of(pixels: Pixels, engine: Engine, folder: Path) -> _Classes:
    """The class map, 255 for no data."""
    strips = iterate_scores(pixels.scene(folder), engine)
    return np.concatenate([np.where(strip.valid, strip.probabilities.argmax(axis=0), 255) for strip in strips]).astype(np.uint8)


def stored_otherwise(pixels: Pixels) -> dict[str, tuple[Pixels, Callable[[_Classes], _Classes]]]:
    """The same pixels in other files, and how their maps are brought back."""
    values, place = pixels.reflectance, pixels.transform
    _, rows, _ = values.shape
    turned = np.rot90(values, axes=(1, 2))  # its rows run along the columns from the last one on

    def back(found: _Classes) -> _Classes:
        return np.rot90(found, -1)

    columns = values.shape[2]
    return {
        "moved": (Pixels(values, pixels.crs, place @ Affine.translation(*MOVED)), lambda found: found),
        "south-up": (
            Pixels(values[:, ::-1], pixels.crs, place @ Affine.translation(0, rows) @ Affine.scale(1, -1)),
            lambda found: found[::-1],
        ),
        "turned": (Pixels(turned, pixels.crs, place @ Affine(0, -1, columns, 1, 0, 0)), back),
        "unsaid": (Pixels(turned, pixels.crs, place), back),
    }


def agreement(one: _Classes, other: _Classes, margin: tuple[int, int]) -> float:
    """Share of the pixels inside that both maps hold."""
    inside = np.s_[margin[0] : -margin[0], margin[1] : -margin[1]]
    known = (one[inside] != 255) & (other[inside] != 255)
    return float((one[inside] == other[inside])[known].mean())


def borders_at_tiles(classes: _Classes, starts: tuple[int, ...], tile: int) -> float:
    """How often classes change between columns where a tile begins or ends, over the average. starts: of tiles, in pixels of the map."""
    changes = (np.diff(classes.astype(int), axis=1) != 0).mean(axis=0)  # between columns c and c + 1
    edges = sorted({edge - 1 for start in starts for edge in (start, start + tile) if 0 < edge < classes.shape[1]})
    return float(changes[edges].mean() / max(changes.mean(), 1e-9))


def in_system(pixels: Pixels, crs: CRS) -> Pixels:
    """The same ground on a north-up grid of another coordinate system."""
    channels, rows, columns = pixels.reflectance.shape
    bounds = rasterio.transform.array_bounds(rows, columns, pixels.transform)
    place, width, height = calculate_default_transform(pixels.crs, crs, columns, rows, *bounds)
    found = np.full((channels, height, width), np.nan, dtype=np.float32)
    here = {"src_transform": pixels.transform, "src_crs": pixels.crs, "src_nodata": np.nan}
    reproject(pixels.reflectance, found, **here, dst_transform=place, dst_crs=crs, dst_nodata=np.nan, resampling=Resampling.bilinear)
    return Pixels(found, crs, place)


def area_shares(classes: _Classes, pixels: Pixels, labels: int) -> NDArray[np.float64]:
    """[labels], in percent of the valid area."""
    rows, columns = classes.shape
    hectares = row_hectares(pixels.crs, pixels.transform, columns, rows)(0, rows)
    areas = np.bincount(classes.ravel(), weights=hectares.ravel(), minlength=256)[:labels]
    return np.asarray(100.0 * areas / areas.sum())


def report(argument: str, engine: Engine, folder: Path, systems: list[str]) -> str:
    """One row of the table. systems: coordinate systems that areas are compared in."""
    scene = read_scene([Path(part) for part in argument.split("+")])
    pixels, preprocess = pixels_of(scene, engine), engine.model.preprocess
    grid = tile_grid(pixels.scene(folder), preprocess, engine.model.patch)
    margin = tuple(int(np.ceil(MARGIN * side.scale)) for side in (grid.vertical, grid.horizontal))
    started = time.process_time()
    whole = classes_of(pixels, engine, folder)
    seconds = time.process_time() - started
    left, top = CUT
    cut = Pixels(pixels.reflectance[:, top:-top, left:-left], pixels.crs, pixels.transform @ Affine.translation(left, top))
    shares = {"cut": agreement(whole[top:-top, left:-left], classes_of(cut, engine, folder), (margin[0], margin[1]))}
    for name, (stored, back) in stored_otherwise(pixels).items():
        shares[name] = agreement(whole, back(classes_of(stored, engine, folder)), (margin[0], margin[1]))
    side = grid.horizontal
    edges = tuple(start * side.cutting.cell - side.before for start in side.starts)
    borders = f"{borders_at_tiles(whole, edges, side.cutting.tile):.2f}" if side.scale == 1.0 else "resampled"
    told = ", ".join(f"{name} {100 * share:.2f} %" for name, share in shares.items())
    labels = len(engine.model.labels)
    for system in systems:
        brought = in_system(pixels, CRS.from_user_input(system))
        there = area_shares(classes_of(brought, engine, folder), brought, labels)
        told += f", {system} {np.abs(there - area_shares(whole, pixels, labels)).max():.1f} points"
    return f"{scene.name}: {told}, borders {borders}; {seconds:.1f} s, {grid.tiles} tiles, {grid.tiles / seconds:.0f} a second"


def main() -> None:
    """The command of the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="+")
    parser.add_argument("--model", default="land-cover")
    parser.add_argument("--crs", action="append", default=[])
    given = parser.parse_args()
    torch.set_num_threads(1)
    engine = engine_for(given.model)
    with tempfile.TemporaryDirectory() as folder:
        for scene in given.scenes:
            print(report(scene, engine, Path(folder), given.crs), flush=True)


if __name__ == "__main__":
    main()
