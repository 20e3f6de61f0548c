"""What has to be said before two dates are believed: what was assumed of either, and what else than change sets them apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.change.shift import measure_shift
from core.prepare.grid.bands import resolve_bands
from core.prepare.grid.clouds import cloud_notice
from core.prepare.grid.reflectance import RENDERED, value_doubts
from core.prepare.scene_input import ground_refusal, scale_assumptions
from core.types import WARN_OUTSIDE_SHARE, Band, Notice, Preprocess, Scene, notice

WARN_SHIFT = 0.5
"""Pixels of shift from which it is said."""


@dataclass(frozen=True)
class Caveats:
    """Notices, the weightiest first. warnings: what may make the result mean nothing, said before it. everything: those and the rest."""

    warnings: tuple[Notice, ...]
    everything: tuple[Notice, ...]


def used_bands(scene: Scene, preprocess: Preprocess) -> tuple[Band, ...]:
    """The bands that the model reads. Raises MissingBands."""
    return resolve_bands(scene, preprocess.channels, preprocess.reflectance_top)[0]


def shift_between(before: Scene, after: Scene, preprocess: Preprocess) -> float | None:
    """Pixels by which two scenes on one grid are shifted against each other; None where it cannot be told."""
    shift = measure_shift((before, used_bands(before, preprocess)), (after, used_bands(after, preprocess)))
    return None if shift is None else math.hypot(*shift)


def caveats(before: Scene, after: Scene, aligned: Scene, preprocess: Preprocess, shift: float | None, outside: Sequence[float]) -> Caveats:
    """What is to be said beside what the scenes carry themselves.

    after, aligned: the second date as read, and on the grid of the first. shift: of shift_between.
    outside: share of the valid pixels of either date that lie in tiles outside what the model knows.
    """
    pair = (before, after)
    refusals = [ground_refusal(scene, preprocess) for scene in pair]
    warnings: list[Notice] = [
        *_named(pair, [value_doubts(scene) for scene in pair]),
        *_named(pair, [() if refusal else _strange(share) for share, refusal in zip(outside, refusals, strict=True)]),
        *_named(pair, [(refusal,) if refusal else () for refusal in refusals]),
        *_named(pair, [(cloud_notice(scene),) for scene in pair]),
        *_shifted(shift),
        *_in_disorder(before, after),
        *_rendered_alone(before, after, preprocess),
    ]
    rest: list[Notice] = [
        *aligned.assumptions[len(after.assumptions) :],
        *_named(pair, [resolve_bands(scene, preprocess.channels, preprocess.reflectance_top)[1] for scene in pair]),
        *_named(pair, [scale_assumptions(scene, preprocess) for scene in pair]),
    ]
    return Caveats(tuple(dict.fromkeys(warnings)), tuple(dict.fromkeys([*warnings, *rest])))


def _named(pair: Sequence[Scene], told: Sequence[tuple[Notice, ...]]) -> list[Notice]:
    """What holds for both dates once, what holds for one with its name."""
    both = [one for one in told[0] if one in told[1]]
    alone = [
        notice("scene.of-one", name=scene.name, said=one) for scene, own in zip(pair, told, strict=True) for one in own if one not in both
    ]
    return [*both, *alone]


def _strange(share: float) -> tuple[Notice, ...]:
    return () if share <= WARN_OUTSIDE_SHARE else (notice("change.outside", percent=round(100 * share)),)


def _shifted(shift: float | None) -> tuple[Notice, ...]:
    return () if shift is None or shift < WARN_SHIFT else (notice("change.shifted", pixels=shift),)


def _in_disorder(before: Scene, after: Scene) -> tuple[Notice, ...]:
    if before.date is None or after.date is None or before.date <= after.date or before.when.startswith(after.when):
        return ()
    return (notice("change.later-first", before=before.name, after=after.name),)


def _rendered_alone(before: Scene, after: Scene, preprocess: Preprocess) -> tuple[Notice, ...]:
    rendered = [_is_rendered(scene, preprocess) for scene in (before, after)]
    if rendered[0] == rendered[1]:
        return ()
    pictured, measured = (before, after) if rendered[0] else (after, before)
    return (notice("change.one-rendered", rendered=pictured.name, measured=measured.name),)


def _is_rendered(scene: Scene, preprocess: Preprocess) -> bool:
    own = {(band.file, band.index): band for band in scene.bands}
    used = [own[band.file, band.index] for band in used_bands(scene, preprocess)]
    return scene.dtype in RENDERED and any(band.scale is None for band in used)
