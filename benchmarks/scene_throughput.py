"""How far is `sightline map` from its network alone, and from a plain loop over the same tiles?

    python benchmarks/scene_throughput.py BAND...             one-band files at one size (..._B02.tif ..._B03.tif ..._B04.tif)
    python benchmarks/scene_throughput.py BAND... --megapixels 5 --rounds 3
    python benchmarks/scene_throughput.py BAND... --after BAND...      maps of two dates, and their comparison by the change model

Their pixels are mirrored to a scene at ten metres. By turns, in one run: the loop that an analyst would write (a rasterio window a tile,
DataLoader, torch in fp32, the same weights, the same tiles, so as many looks at each place; means, no OOD detector, no polygons), the same
tiles through the engine's runtime and nothing else, and the whole map with its report. Processor time counts where other work runs on the
machine, the clock where none does.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import torch
from large_scenes import write_mirrored
from rasterio.windows import Window
from torch.utils.data import DataLoader, Dataset

from core.change.methods.choose import method_for
from core.inference.engine import Engine, change_engine_for, close_engines, engine_for
from core.prepare.grid.tiles import TileGrid, tile_grid
from core.readers import SceneOptions, read_scene
from core.types import FloatImage, Preprocess, Scene
from core.workflows.report_files import write_changes, write_map

SCALE = 1e-4
TILES_A_PASS = 32


class Windows(Dataset[tuple[int, torch.Tensor]]):
    """A rasterio window for each tile of a lattice: (number, float32 [channels, rows, columns] as the network reads it)."""

    def __init__(self, path: Path, grid: TileGrid, preprocess: Preprocess, indexes: Sequence[int]) -> None:
        """indexes: of the bands of the file, in the order of the model's channels."""
        self._path, self._preprocess, self._indexes = path, preprocess, list(indexes)
        self.corners = [
            (row * grid.patch[0] - grid.vertical.before, column * grid.patch[1] - grid.horizontal.before)
            for row in grid.row_starts
            for column in grid.column_starts
        ]
        self._raster: rasterio.DatasetReader | None = None

    def __len__(self) -> int:
        return len(self.corners)

    def __getitem__(self, number: int) -> tuple[int, torch.Tensor]:
        if self._raster is None:  # once in each process of the loader
            self._raster = rasterio.open(self._path)
        top, left = self.corners[number]
        rows, columns = self._preprocess.size
        window = Window(left, top, columns, rows)
        values = self._raster.read(self._indexes, window=window, boundless=True, fill_value=0).astype(np.float32) * SCALE
        shown = np.clip(values / (self._preprocess.reflectance_top or 1.0), 0.0, 1.0)
        mean, std = (np.array(one, dtype=np.float32)[:, None, None] for one in (self._preprocess.mean, self._preprocess.std))
        return number, torch.from_numpy((shown - mean) / std)


@dataclass(frozen=True)
class Work:
    """What is compared: a scene, its one file, its tiles, and a model."""

    scene: Scene
    grid: TileGrid
    engine: Engine
    tiles: FloatImage
    windows: Windows
    loaders: int
    out: Path

    def plain_loop(self) -> None:
        """Classes by the mean logits of the tiles of a token, as a GeoTIFF of tokens."""
        network, model = self.engine.model.network, self.engine.model
        token = model.patch[0]
        sums = np.zeros((len(model.labels), self.grid.height // token + 20, self.grid.width // token + 20), dtype=np.float32)
        with torch.inference_mode():
            for numbers, values in DataLoader(self.windows, TILES_A_PASS, num_workers=self.loaders):
                found = network(pixel_values=values).token_logits.unflatten(1, model.token_grid).movedim(3, 1).numpy()
                for number, logits in zip(numbers.tolist(), found, strict=True):
                    top, left = (max(0, side) // token for side in self.windows.corners[number])
                    sums[:, top : top + logits.shape[1], left : left + logits.shape[2]] += logits
        classes = sums.argmax(axis=0).astype(np.uint8)
        profile = {"width": classes.shape[1], "height": classes.shape[0], "count": 1, "dtype": "uint8", "compress": "deflate"}
        with rasterio.open(self.out / "plain.tif", "w", driver="GTiff", **profile) as raster:
            raster.write(classes, 1)

    def forward_alone(self) -> None:
        """The tiles, which are in memory, through the engine."""
        self.engine.forward(self.tiles)

    def whole_map(self) -> None:
        """Everything that `sightline map` does once the model is there."""
        write_map(self.scene, self.engine, self.out / "map")


def prepared(bands: Sequence[Path], megapixels: float, model: str, loaders: int, folder: Path) -> Work:
    """The scene is written into `folder`."""
    side = round((megapixels * 1e6) ** 0.5)
    path = write_mirrored(folder / "scene.tif", bands, side, side)
    scene, engine = read_scene([path], SceneOptions(scale=SCALE, offset=0.0)), engine_for(model)
    grid = tile_grid(scene, engine.model.preprocess, engine.model.patch)
    of_colour = {band.common_name: band.index for band in scene.bands}
    windows = Windows(path, grid, engine.model.preprocess, [of_colour[channel] for channel in engine.model.preprocess.channels])
    tiles = np.stack([windows[number][1].numpy() for number in range(len(windows))])
    engine.forward(tiles[:1])  # compiled before anything is timed
    return Work(scene, grid, engine, tiles, Windows(path, grid, engine.model.preprocess, windows._indexes), loaders, folder)


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """(seconds of the processor, children included; seconds of the clock)."""

    def spent() -> float:
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(one.ru_utime + one.ru_stime for one in both)

    processor, clock = spent(), time.perf_counter()
    work()
    return spent() - processor, time.perf_counter() - clock


def main() -> None:
    """Measure by turns, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bands", type=Path, nargs="+")
    parser.add_argument("--megapixels", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loaders", type=int, default=0, help="processes of the DataLoader")
    parser.add_argument("--model", default="land-cover")
    parser.add_argument("--after", type=Path, nargs="+", help="the same bands at another date")
    parser.add_argument("--change-model", default="change-sentinel2")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = prepared(given.bands, given.megapixels, given.model, given.loaders, Path(folder))
        ways: dict[str, Callable[[], None]] = {
            "plain loop": work.plain_loop, "forward alone": work.forward_alone, "map": work.whole_map,
        }  # fmt: skip
        if given.after:
            ways = _of_two_dates(work, given.after, given.change_model)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(given.rounds):
            for name, way in ways.items():
                taken[name].append(measured(way))
    close_engines()
    print(f"{given.megapixels:g} megapixels, {torch.get_num_threads()} threads of torch, {work.engine.runtime.library}")
    _print_table(taken)


def _of_two_dates(work: Work, bands: Sequence[Path], model: str) -> dict[str, Callable[[], None]]:
    """The second date lies beside the first; nothing is compiled while it is timed."""
    folder, height, width = work.out, work.scene.height, work.scene.width
    after = read_scene([write_mirrored(folder / "after.tif", bands, height, width)], SceneOptions(scale=SCALE, offset=0.0))
    engine = change_engine_for(model)
    empty = np.zeros((1, len(engine.model.preprocess.channels), *engine.model.preprocess.size), dtype=np.float32)
    engine.forward(empty, empty)

    def maps() -> None:
        for name, scene in (("first", work.scene), ("second", after)):
            write_map(scene, work.engine, folder / name)

    def compared() -> None:
        write_changes([work.scene, after], method_for(engine), engine, folder / "change")

    return {"both maps": maps, "change": compared}


def _print_table(taken: dict[str, list[tuple[float, float]]]) -> None:
    """Medians, and each against the first way."""
    middle = {name: tuple(statistics.median(each) for each in zip(*times, strict=True)) for name, times in taken.items()}
    first = next(iter(middle.values()))
    print("way | CPU s | clock s | the first way's CPU against it | the same by the clock")
    for name, (processor, clock) in middle.items():
        print(f"{name} | {processor:.1f} | {clock:.1f} | {first[0] / processor:.2f} | {first[1] / clock:.2f}")


if __name__ == "__main__":
    main()
