"""A scene read once from top to bottom, and handed out in rows at the ground scale of the model."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csc_array, csr_array

from core.prepare.grid.bands import read_window, rendering
from core.prepare.grid.lattice import LatticeAxis
from core.prepare.grid.tiles import TileGrid
from core.readers.scenes.raster import open_raster
from core.types import Band, FloatImage, Mask, Preprocess, Scene

_READ_PIXELS = 2_900_000
"""Pixels of a scene that are read at a time: 256 rows of a Sentinel-2 tile, half of the usual block."""


class ModelRows:
    """Rows at the model's scale, rendered to [0, 1], read as they are asked for; and the valid mask of the scene's own rows.

    Each output pixel is the mean of the valid scene pixels around it by a triangle filter as wide as the larger of both (bilinear where
    pixels are enlarged, antialiased where they are reduced), so that pixels without data do not bleed into their neighbours. Nothing
    depends on how many rows are asked for at a time.
    """

    def __init__(
        self, scene: Scene, bands: Sequence[Band], preprocess: Preprocess | None, grid: TileGrid, first: int = 0, scene_first: int = 0
    ) -> None:
        """preprocess: how values are rendered; None leaves them as reflectance.

        first: no model row above it is asked for. scene_first: row of the scene with which the mask begins.
        """
        self._scene, self._bands, self._preprocess, self._grid = scene, bands, preprocess, grid
        self._step = _rows_a_read(scene)
        self._scene_first = scene_first
        self._masks: deque[Mask] = deque()
        self._sums = np.zeros((len(bands), 0, grid.columns), dtype=np.float32)  # value x share of the pixel that holds data
        self._shares = np.zeros((0, grid.columns), dtype=np.float32)
        self._down = None if grid.vertical.scale == 1.0 else csc_array(_weights(grid.vertical))
        self._across = None if grid.horizontal.scale == 1.0 else _weights(grid.horizontal)
        self._read = self._beginning(first, scene_first)  # scene rows read so far, or passed over
        self._top = self._touched(self._read, self._step)[0] if self._read else 0  # first model row that is held

    def take(self, first: int, last: int) -> tuple[FloatImage, FloatImage]:
        """Model rows [first, last), which must not lie before those of an earlier call.

        Returns values, float32 [channels, rows, columns], 0 without data; and the share of each that holds data, float32 [rows, columns].
        Raises UnreadableFile.
        """
        while self._finished < last:
            self._read_on()
        self._sums, self._shares = self._sums[:, first - self._top :], self._shares[first - self._top :]
        self._top = first
        sums, shares = self._sums[:, : last - first], self._shares[: last - first]
        if shares.min(initial=1.0) >= 1.0:
            return sums, shares
        return np.divide(sums, shares, out=np.zeros_like(sums), where=shares > 0), shares

    def take_mask(self, rows: int) -> Mask:
        """The valid mask of the next `rows` rows of the scene, bool [rows, width]; each row is handed out once."""
        while sum(map(len, self._masks)) < rows:
            self._read_on()
        taken, missing = [np.zeros((0, self._grid.width), dtype=np.bool_)], rows
        while missing > 0:
            mask = self._masks.popleft()
            taken.append(mask[:missing])
            if len(mask) > missing:
                self._masks.appendleft(mask[missing:])
            missing -= len(taken[-1])
        return np.concatenate(taken)

    @property
    def _finished(self) -> int:
        """Model rows to which no scene row that is still to be read adds anything."""
        if self._read == self._grid.height:
            return self._grid.rows
        if self._down is None:
            return self._read
        side = self._grid.vertical
        return int((self._read + side.phase - max(1.0, side.scale)) / side.scale - 0.5)

    def _beginning(self, first: int, scene_first: int) -> int:
        """The scene row to begin with: as for the whole scene, so that rows are added up in the same parts."""
        needed = first if self._down is None else int(csr_array(self._down)[[first]].indices.min())
        return min(needed, scene_first) // self._step * self._step

    def _touched(self, top: int, height: int) -> tuple[int, int]:
        """Model rows [first, last) to which scene rows add something."""
        if self._down is None:
            return top, top + height
        rows = self._down[:, top : top + height].indices
        return int(rows.min()), int(rows.max()) + 1

    def _read_on(self) -> None:
        top, height = self._read, min(self._step, self._grid.height - self._read)
        values, valid = read_window(self._scene, self._bands, (0, top, self._grid.width, height))
        if self._preprocess is not None:
            values = rendering(values, self._preprocess)
        self._masks.append(valid[max(0, self._scene_first - top) :])
        self._read += height
        self._add(top, values, valid.astype(np.float32))

    def _add(self, top: int, values: FloatImage, share: FloatImage) -> None:
        """Values are 0 where the share is, so that they can be summed as they are."""
        values *= share
        if self._across is not None:
            values, share = np.stack([_along(plane, self._across) for plane in values]), _along(share, self._across)
        if self._down is None:
            self._hold(top + share.shape[0])
            self._sums[:, top - self._top : top - self._top + share.shape[0]] = values
            self._shares[top - self._top : top - self._top + share.shape[0]] = share
            return
        first, last = self._touched(top, share.shape[0])
        self._hold(last)
        place = slice(first - self._top, last - self._top)
        weights = csr_array(self._down[:, top : top + share.shape[0]])[first:last]  # [model rows, scene rows of this read]
        for channel, plane in enumerate(values):
            self._sums[channel, place] += weights @ plane
        self._shares[place] += weights @ share

    def _hold(self, last: int) -> None:
        """Make room for model rows up to `last`."""
        missing = last - self._top - len(self._shares)
        if missing > 0:
            self._sums = np.pad(self._sums, ((0, 0), (0, missing), (0, 0)))
            self._shares = np.pad(self._shares, ((0, missing), (0, 0)))


def _rows_a_read(scene: Scene) -> int:
    """Whole blocks of the files where they fit, else even parts of one, since a block is decoded as a whole."""
    rows = max(1, _READ_PIXELS // scene.width)
    block = 1
    for file in scene.files:
        with open_raster(file) as raster:
            block = max(block, raster.block_shapes[0][0])
    return rows // block * block if rows >= block else block // -(-block // rows)


def _along(plane: FloatImage, weights: csr_array) -> FloatImage:
    """[rows, scene columns] -> [rows, model columns]."""
    return np.ascontiguousarray((weights @ plane.T).T, dtype=np.float32)


def _weights(side: LatticeAxis) -> csr_array:
    """A triangle filter [model pixels, scene pixels] along a side; every row sums to 1."""
    count, length, scale = side.count, side.length, side.scale
    support = max(1.0, scale)
    centres = (np.arange(count) + 0.5) * scale - side.phase
    first = np.floor(centres - support - 0.5).astype(np.int64)
    width = int(np.ceil(2 * support)) + 2
    columns = first[:, np.newaxis] + np.arange(width)  # [count, width]
    weights = np.maximum(0.0, 1.0 - np.abs(columns + 0.5 - centres[:, np.newaxis]) / support)
    weights[(columns < 0) | (columns >= length)] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.broadcast_to(np.arange(count)[:, np.newaxis], columns.shape)
    used = weights > 0
    return csr_array((weights[used].astype(np.float32), (rows[used], columns[used])), shape=(count, length))
