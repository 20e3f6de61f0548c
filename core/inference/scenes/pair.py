"""What a change model says of two whole scenes: probs of change, strip by strip, in two passes over the pixels.

The first pass gives each date its mean and deviation, the second compares; the level of the pair is taken from what that gives before
anything is a probability (core/inference/scenes/offsets.py). Memory is that of a row of tiles and one strip.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

from core.inference.engine import ChangeEngine
from core.inference.scenes.ahead import ahead
from core.inference.scenes.offsets import LogitRows, levelled
from core.inference.scenes.pair_ood import PairDetector
from core.inference.scenes.pair_statistics import PairStatistics
from core.inference.scenes.pair_tiles import PairRows, blended_rows
from core.inference.scenes.strips import Strip, TokenRows, strips_of
from core.prepare.grid.pair import Moments, ScenePair, Standard, read_pair, standardised
from core.prepare.grid.rows import ModelRows
from core.prepare.grid.tiles import TileGrid, cell_shares, tile_grid_in_pixels
from core.types import ChangeCalibration, FloatImage, Mask, Preprocess, Progress, Scene

AS_THEY_ARE = 0.5
"""Pixels within this share of the model's are read as they are: a pixel of change must not be blurred."""
_READ_PIXELS = 2_000_000
"""Pixels of a scene that are read at a time for mean and deviation."""


def pixel_grid(scene: Scene, preprocess: Preprocess) -> TileGrid:
    """The lattice of tiles of a change model over a scene."""
    return tile_grid_in_pixels(scene, preprocess, AS_THEY_ARE)


def standards(pair: ScenePair) -> tuple[Standard, Standard]:
    """Mean and deviation of both dates, over the pixels that both have. Raises UnreadableFile."""
    before, after = (Moments(len(pair.places)) for _ in range(2))
    step = max(1, _READ_PIXELS // pair.before.width)
    windows = ((0, top, pair.before.width, min(step, pair.before.height - top)) for top in range(0, pair.before.height, step))
    for first, second, valid in ahead(read_pair(pair, window) for window in windows):
        before.add(first, valid)
        after.add(second, valid)
    return before.standard(), after.standard()


def change_strips(
    pair: ScenePair,
    engine: ChangeEngine,
    strip_rows: int | None = None,
    progress: Progress | None = None,
    detector: PairDetector | None = None,
    known: PairStatistics | None = None,
    tell: Callable[[PairStatistics], None] | None = None,
) -> Iterator[Strip]:
    """Strips of pixels from top to bottom, each row once; `probabilities` has one plane, the probability of change.

    Nothing depends on how tall they are. progress: told of tiles; what it raises passes through. detector: counts the tiles.
    known: statistics to take, those of the dates where None. tell: told those that were taken, before the first strip comes.
    Raises UnreadableFile, DeviceError.
    """
    grid, calibration = pixel_grid(pair.before, engine.model.preprocess), engine.model.calibration
    both = (known.before, known.after) if known is not None else standards(pair)

    def told(level: float) -> None:
        if tell is not None:
            tell(_statistics(pair, engine, both, level, known))

    rows = levelled(_logits(pair, engine, grid, both, progress, detector), calibration, None if known is None else known.level, told)
    return strips_of((_probabilities(row, calibration) for row in rows), grid, strip_rows)


def change_probability(logits: FloatImage, calibration: ChangeCalibration | None) -> FloatImage:
    """float32 in [0, 1], of the shape of the logits; a score rather than a probability where the model was not calibrated.

    logits: of a calibration with levels, less the level of their pair (core/inference/scenes/offsets.py).
    """
    scaled = logits if calibration is None else (logits - calibration.offset) / calibration.temperature
    return np.asarray(1.0 / (1.0 + np.exp(-scaled.astype(np.float64))), dtype=np.float32)


def _statistics(
    pair: ScenePair, engine: ChangeEngine, both: tuple[Standard, Standard], level: float, known: PairStatistics | None
) -> PairStatistics:
    bands = tuple(engine.model.preprocess.channels[place] for place in pair.places)
    threshold = engine.model.threshold if known is None else known.threshold
    return PairStatistics(engine.model.weights_hash, bands, *both, level, threshold)


def _probabilities(row: LogitRows, calibration: ChangeCalibration | None) -> TokenRows:
    probs = np.where(row.share > 0, change_probability(row.logits, calibration), np.float32(0.0))
    return TokenRows(row.top, row.scene_top, row.valid, row.share, probs[np.newaxis], np.full(row.share.shape, np.nan, dtype=np.float32))


def _logits(
    pair: ScenePair,
    engine: ChangeEngine,
    grid: TileGrid,
    both: tuple[Standard, Standard],
    progress: Progress | None,
    detector: PairDetector | None,
) -> Iterator[LogitRows]:
    def compare(first: FloatImage, second: FloatImage) -> FloatImage:
        return engine.forward(first, second).logits

    before = ModelRows(pair.before, pair.before_bands, None, grid)
    after = ModelRows(pair.after, pair.after_bands, None, grid)
    tops = [*map(grid.scene_rows_above, grid.row_starts), grid.scene_rows_above(grid.token_rows)]
    heights = iter(np.diff(tops).tolist())  # scene rows that belong to each row of tiles
    beside: deque[tuple[FloatImage, Mask]] = deque()  # share and mask of the rows that were read and whose logits have not come yet
    done = 0

    def rows(first: int, last: int) -> PairRows:
        (values, held), (others, also) = before.take(first, last), after.take(first, last)
        share, height = np.minimum(held, also), next(heights)
        beside.append((share, before.take_mask(height) & after.take_mask(height)))
        first_date, second_date = (
            standardised(each, share > 0, standard, pair.places, pair.channels)
            for each, standard in zip((values, others), both, strict=True)
        )
        return PairRows(first_date, second_date, share > 0)

    looks = () if detector is None else (detector.look,)
    for top, logits in blended_rows(rows, grid, compare, *looks):
        share, valid = beside.popleft()
        own = np.where(np.isfinite(logits), cell_shares(share, grid, top)[: len(logits)], np.float32(0.0))
        done += len(grid.column_starts)
        if progress is not None:
            progress(done, grid.tiles)
        yield LogitRows(top, grid.scene_rows_above(top), valid, own, np.nan_to_num(logits))
