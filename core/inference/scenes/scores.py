"""What a model says of a whole scene: scores of tokens, blended between overlapping tiles and brought back to pixels strip by strip.

Neighbouring tiles have their tokens between each other's and are seen turned and mirrored, so that no one way to lay tiles decides. Where
the tiles of one colour of this chessboard name another class than those of the other, the class is called unstable.
Memory is that of a few rows of tiles and one strip, whatever the height of the scene. Nothing depends on how tall the strips are.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from core.errors import WrongTask
from core.inference.engine import Engine
from core.inference.scenes.ahead import ahead
from core.inference.scenes.answers import AnsweredRow, answered_rows
from core.inference.scenes.strips import Strip, TokenRows, strips_of
from core.inference.scenes.workers import Workers, answers_by_workers
from core.prepare.domains import image_domain
from core.prepare.grid.bands import resolve_bands
from core.prepare.grid.ground import refuse_off_earth, refuse_too_coarse
from core.prepare.grid.tiles import TileGrid, arch, spread, tile_grid
from core.types import FloatImage, Mask, Progress, Scene
from models.registry import LoadedModel

__all__ = ["Strip", "TokenRows", "blended", "check_mappable", "iterate_scores", "strips_of", "token_rows"]

LEAST_LEAD = 0.2
"""Of the first label over the second; less than that, other tiles would often put another label first (benchmarks/RESULTS.md)."""


def check_mappable(scene: Scene, model: LoadedModel) -> None:
    """Nothing where a model can map a scene.

    Raises WrongTask for a model of other images or without scores of tokens, NoGrid for a scene without a coordinate system, MissingBands.
    """
    if not image_domain(model.preprocess.domain).makes_maps:
        raise WrongTask(f"The model {model.id} reads {model.preprocess.domain.value}s.", "Choose a land-cover model to map a scene.")
    if model.config.pooling != "mean":
        raise WrongTask(f"The model {model.id} gives one answer for a tile and none for its tokens.", "Choose one with mean pooling.")
    refuse_off_earth(scene)
    refuse_too_coarse(scene, model.preprocess)
    resolve_bands(scene, model.preprocess.channels, model.preprocess.reflectance_top)


def iterate_scores(
    scene: Scene, engine: Engine, strip_rows: int | None = None, progress: Progress | None = None, workers: Workers | None = None
) -> Generator[Strip, None, None]:
    """The scores of every pixel of a scene, in strips of at most `strip_rows` rows (settings().strip_rows where None).

    workers: the processes that compute them, this one where None; they give the same bits.
    Raises what check_mappable raises, and UnreadableFile, DeviceError; what `progress` raises passes through.
    """
    grid = tile_grid(scene, engine.model.preprocess, engine.model.patch)
    if workers is None:
        return strips_of(token_rows(scene, engine, progress=progress), grid, strip_rows)
    check_mappable(scene, engine.model)
    return strips_of(blended(answers_by_workers(scene, engine, grid, workers), engine.model, grid, progress), grid, strip_rows)


def token_rows(scene: Scene, engine: Engine, *, features: bool = False, progress: Progress | None = None) -> Iterator[TokenRows]:
    """The scores of every token of a scene, as its rows of tiles are done. Tiles without any data are passed over.

    Raises as iterate_scores does.
    """
    check_mappable(scene, engine.model)
    grid = tile_grid(scene, engine.model.preprocess, engine.model.patch)
    with closing(ahead(answered_rows(scene, engine, grid, range(len(grid.row_starts)), features=features))) as answers:
        yield from blended(answers, engine.model, grid, progress)


def blended(answers: Iterable[AnsweredRow], model: LoadedModel, grid: TileGrid, progress: Progress | None = None) -> Iterator[TokenRows]:
    """All rows of tiles of a scene, from top to bottom, as rows of tokens; what `progress` raises passes through."""
    blend: _Blend | None = None
    for row in answers:
        blend = blend or _Blend(grid, len(model.labels), row.planes.shape[1] - len(model.labels))
        for column, planes, held in zip(row.columns, spread(row.planes, grid.tile), row.held, strict=True):
            blend.add(row.place, column, planes, float(held))
        if progress is not None:
            progress((row.place + 1) * len(grid.column_starts), grid.tiles)
        count, top = len(row.share), grid.row_starts[row.place]
        is_unstable = blend.is_unstable(count)
        yield _finished(model, top, grid.scene_rows_above(top), row.valid, row.share, blend.pop(count), is_unstable)


class _Blend:
    """Weighted sums over the tiles that share a cell, for as many rows of cells as a tile is tall; those of scores in two halves.

    Planes: scores of labels first, then others. A tile belongs to the half that its neighbours do not belong to.
    """

    def __init__(self, grid: TileGrid, labels: int, others: int) -> None:
        self._grid, self._labels = grid, labels
        self._window = arch(grid.tile)
        self._weights = np.zeros((2, grid.tile[0], grid.token_columns), dtype=np.float32)
        self._sums = np.zeros((labels + others, *self._weights.shape[1:]), dtype=np.float32)
        self._half = np.zeros((labels, *self._weights.shape[1:]), dtype=np.float32)  # of the scores in the sums, those of the first half

    def add(self, row: int, column: int, cells: FloatImage, share: float) -> None:
        """cells: float32 [planes, rows, columns] of the tile at a place among the starts; it counts by its share of data."""
        start = self._grid.column_starts[column]
        place, weight = slice(start, start + self._grid.tile[1]), self._window * np.float32(share)
        planes = cells * weight
        self._sums[:, :, place] += planes
        is_first = self._grid.is_even(row, column)
        self._weights[0 if is_first else 1, :, place] += weight
        if is_first:
            self._half[:, :, place] += planes[: self._labels]

    def is_unstable(self, count: int) -> NDArray[np.bool_]:
        """bool [count, columns]: where the two halves put other labels first, or the first leads by less than LEAST_LEAD."""
        sums, half, weights = self._sums[: self._labels, :count], self._half[:, :count], self._weights[:, :count]
        others = sums - half
        differ = (half.argmax(axis=0) != others.argmax(axis=0)) & (weights.min(axis=0) > 0)
        second, first = np.partition(sums, -2, axis=0)[-2:]
        return np.asarray(differ | (first - second < LEAST_LEAD * weights.sum(axis=0)), dtype=np.bool_)

    def pop(self, count: int) -> FloatImage:
        """The means of the first `count` rows, float32 [planes, rows, columns], 0 where no tile was; the rows below move up."""
        sums, weights = self._sums[:, :count], self._weights[:, :count].sum(axis=0)
        means: FloatImage = np.divide(sums, weights, out=np.zeros_like(sums), where=weights > 0)
        self._sums, self._half, self._weights = (_moved_up(planes, count) for planes in (self._sums, self._half, self._weights))
        return means


def _moved_up(planes: FloatImage, count: int) -> FloatImage:
    return np.pad(planes[:, count:], ((0, 0), (0, count), (0, 0)))


def _finished(
    model: LoadedModel, top: int, scene_top: int, valid: Mask, share: FloatImage, means: FloatImage, is_unstable: NDArray[np.bool_]
) -> TokenRows:
    labels = len(model.labels)
    means = np.where(share > 0, means, np.float32(0.0))
    outside = np.where(share > 0, means[labels], np.float32(np.nan))
    features = means[labels + 1 :] if len(means) > labels + 1 else None
    return TokenRows(top, scene_top, valid, share, means[:labels], outside, features, is_unstable & (share > 0))
