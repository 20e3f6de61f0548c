"""What a network says of a scene, one row of tiles after another: read, cut, answered and judged, each beside the others.

Rows are independent of each other: those of a part of a scene are the same as those of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.inference.calibration import probabilities
from core.inference.engine import Engine, Forward
from core.inference.ood import features as detector_features
from core.inference.ood import ood_score
from core.inference.scenes.ahead import ahead
from core.prepare.grid.bands import resolve_bands
from core.prepare.grid.lattice import Orientation
from core.prepare.grid.rows import ModelRows
from core.prepare.grid.tiles import TileGrid, cell_shares, cut_tiles
from core.prepare.tensor import standardise
from core.types import FloatImage, Mask, Preprocess, Scene
from models.registry import LoadedModel


@dataclass(frozen=True)
class AnsweredRow:
    """A row of tiles, before it is blended with others.

    place: its number among the rows of tiles. columns: places of its tiles among the columns of tiles; those without data are left out.
    planes: float32 [tiles, labels + 1 (+ width), token rows, token columns], as the scene is stored: probabilities, outside score
    (NaN for a model without an OOD detector), features. held: float32 [tiles], the share of each that holds data.
    share: float32 [rows, columns], of the cells that no later row of tiles reaches, how much of each holds data. valid: bool
    [scene rows, width], the mask of the scene's rows that belong to these cells.
    """

    place: int
    columns: tuple[int, ...]
    planes: FloatImage
    held: FloatImage
    share: FloatImage
    valid: Mask


def answered_rows(scene: Scene, engine: Engine, grid: TileGrid, rows: range, *, features: bool = False) -> Iterator[AnsweredRow]:
    """Neighbouring rows of tiles, from top to bottom. features: with the last hidden state of each token.

    Raises UnreadableFile, DeviceError, and MissingBands where the scene lacks a band.
    """

    def seen() -> Iterator[tuple[_TileRow, Forward | None]]:
        for row in ahead(_tile_rows(scene, engine.model, grid, rows)):
            yield row, engine.forward(row.inputs, features=features) if row.columns else None

    planes = len(engine.model.labels) + 1 + (engine.model.config.hidden_size if features else 0)
    nothing = np.zeros((0, planes, *engine.model.token_grid), dtype=np.float32)
    for row, forward in ahead(seen()):
        told = nothing if forward is None else _stored(_planes(engine.model, row.inputs, forward), row.views, grid)
        yield AnsweredRow(row.place, row.columns, told, row.held, row.share, row.valid)


@dataclass(frozen=True)
class _TileRow:
    """A row of tiles as the network is shown it. inputs: float32 [tiles, channels, rows, columns]. Else as of AnsweredRow."""

    place: int
    columns: tuple[int, ...]
    views: tuple[Orientation, ...]
    inputs: FloatImage
    held: FloatImage
    share: FloatImage
    valid: Mask


def _tile_rows(scene: Scene, model: LoadedModel, grid: TileGrid, rows: range) -> Iterator[_TileRow]:
    bands, _ = resolve_bands(scene, model.preprocess.channels, model.preprocess.reflectance_top)
    stops = (*grid.row_starts[1:], grid.token_rows)
    tops = [grid.scene_rows_above(start) for start in (*grid.row_starts, grid.token_rows)]
    first = grid.vertical.span(grid.row_starts[rows.start])[0]
    read = ModelRows(scene, bands, model.preprocess, grid, first, tops[rows.start])
    for place in rows:
        start = grid.row_starts[place]
        values, share = read.take(*grid.vertical.span(start))
        columns, tiles, held = cut_tiles(values, share, grid, start)
        views = tuple(grid.view(place, column) for column in columns)
        yield _TileRow(
            place=place,
            columns=tuple(columns),
            views=views,
            inputs=_shown(tiles, views, model.preprocess),
            held=held,
            share=cell_shares(share, grid, start)[: stops[place] - start],
            valid=read.take_mask(tops[place + 1] - tops[place]),
        )


def _shown(tiles: FloatImage, views: tuple[Orientation, ...], preprocess: Preprocess) -> FloatImage:
    """The tiles, [tiles, channels, rows, columns], turned and standardised."""
    turned = np.empty_like(tiles)
    for place, view in enumerate(views):
        turned[place] = view.northed(tiles[place])
    if preprocess.standardise == "fixed":
        return standardise(turned, preprocess)
    for tile in turned:
        tile[:] = standardise(tile, preprocess)
    return turned


def _planes(model: LoadedModel, inputs: FloatImage, forward: Forward) -> FloatImage:
    """float32 [tiles, planes, token rows, token columns] of tiles as shown."""
    assert forward.token_logits is not None  # check_mappable has seen to it
    logits = forward.token_logits
    found = [probabilities(logits, model.calibration)]
    scores = (
        ood_score(detector_features(inputs, forward.embeddings), model.ood_detector)
        if model.ood_detector is not None
        else np.full(len(inputs), np.nan)
    )
    found.append(np.broadcast_to(scores[:, np.newaxis, np.newaxis, np.newaxis], (*logits.shape[:3], 1)))
    if forward.features is not None:
        found.append(forward.features)
    return np.ascontiguousarray(np.moveaxis(np.concatenate(found, axis=3), 3, 1), dtype=np.float32)


def _stored(planes: FloatImage, views: tuple[Orientation, ...], grid: TileGrid) -> FloatImage:
    """Planes of tiles as shown, as the scene is stored."""
    return np.stack([grid.orientation.stored(view.stored(tile)) for view, tile in zip(views, planes, strict=True)])
