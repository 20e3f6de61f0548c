"""The ground of the map: two dates in true colour on the grid of the first, and sharper pieces of them where the eye is close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.render.scene import MOST_PIXELS, NATURAL_COLOUR, Piece, Stretch, part, png, stretch_of, true_colour, whole
from core.types import Box, Scene

DETAIL_MEGAPIXELS = 36
"""Pixels of a scene, in millions, that are read for a sharper piece at most: it is drawn while the user waits."""
SHARPER = 1.5
"""A piece is worth its reading where it shows so many times more pixels than the whole."""


@dataclass(frozen=True)
class Ground:
    """PNG pictures of the whole grid. after: None where one date is shown, or the second cannot be laid on the first."""

    piece: Piece
    before: bytes
    after: bytes | None
    stretches: tuple[Stretch, Stretch]
    preset: str = NATURAL_COLOUR


def draw_ground(before: Scene, after: Scene | None, watch: Callable[[int, int], None], preset: str = NATURAL_COLOUR) -> Ground:
    """Both dates through one stretch where their values mean the same. watch(done, total) is told after each picture."""
    piece, total = whole(before), 2 if after is None else 3
    stretches = stretches_of(before, after, preset)
    watch(1, total)
    first = png(true_colour(before, stretch=stretches[0], piece=piece, preset=preset))
    watch(2, total)
    second = png(true_colour(after, stretch=stretches[1], grid=before, piece=piece, preset=preset)) if after is not None else None
    watch(total, total)
    return Ground(piece, first, second, stretches, preset)


def stretches_of(before: Scene, after: Scene | None, preset: str = NATURAL_COLOUR) -> tuple[Stretch, Stretch]:
    """One stretch for both, from the darker black to the brighter white; a stretch each where their numbers mean different things."""
    first = stretch_of(before, preset)
    if after is None:
        return first, first
    second = stretch_of(after, preset)
    if _meaning(before) != _meaning(after):
        return first, second
    both = Stretch(tuple(map(min, first.low, second.low)), tuple(map(max, first.high, second.high)))
    return both, both


def _meaning(scene: Scene) -> tuple[object, ...]:
    """What makes numbers of two scenes comparable."""
    return (scene.dtype, tuple(band.scale is None for band in scene.bands[:1]), len(scene.bands) >= 3)


def sharper_piece(ground: Ground, grid: Scene, seen: Box | None) -> Piece | None:
    """The part in view at more pixels than the whole picture has of it; None where there is nothing to gain, or too much to read."""
    if seen is None or ground.piece.reduction <= 1.0:
        return None
    piece = part(grid, seen, MOST_PIXELS)
    is_small = piece.box[2] * piece.box[3] <= DETAIL_MEGAPIXELS * 1e6
    return piece if is_small and ground.piece.reduction >= SHARPER * piece.reduction else None


def draw_piece(scenes: Sequence[Scene], ground: Ground, piece: Piece) -> tuple[bytes, ...]:
    """PNG pictures of a part of the grid, one a date, in the colours of the whole. scenes: the first one's grid is drawn on."""
    return tuple(
        png(true_colour(scene, stretch=stretch, grid=scenes[0], piece=piece, preset=ground.preset))
        for scene, stretch in zip(scenes, ground.stretches, strict=False)
    )
