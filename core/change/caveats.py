"""What has to be said before two dates are believed: what was assumed of either, and what else than change sets them apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.change.shift import measure_shift
from core.prepare.grid.bands import resolve_bands
from core.prepare.scene_input import ground_refusal, scale_assumptions
from core.types import WARN_OUTSIDE_SHARE, Band, Preprocess, Scene

WARN_SHIFT = 0.5
"""Pixels of shift from which it is said."""
RENDERED = ("uint8", "int8")
"""Types that hold pictures for display where the file tells no scale."""


def used_bands(scene: Scene, preprocess: Preprocess) -> tuple[Band, ...]:
    """The bands that the model reads. Raises MissingBands."""
    return resolve_bands(scene, preprocess.channels, preprocess.reflectance_top)[0]


def shift_between(before: Scene, after: Scene, preprocess: Preprocess) -> float | None:
    """Pixels by which two scenes on one grid are shifted against each other; None where it cannot be told."""
    shift = measure_shift((before, used_bands(before, preprocess)), (after, used_bands(after, preprocess)))
    return None if shift is None else math.hypot(*shift)


def caveats(
    before: Scene, after: Scene, aligned: Scene, preprocess: Preprocess, shift: float | None, outside: Sequence[float]
) -> tuple[str, ...]:
    """Sentences, the weightiest first, beside those that the scenes carry themselves.

    after, aligned: the second date as read, and on the grid of the first. shift: of shift_between.
    outside: share of the valid pixels of either date that lie in tiles outside what the model knows.
    """
    pair = (before, after)
    refusals = [ground_refusal(scene, preprocess) for scene in pair]
    told = [
        *_named(pair, [_outside_words(share) if not refusal else "" for share, refusal in zip(outside, refusals, strict=True)]),
        *_named(pair, refusals),
        *aligned.assumptions[len(after.assumptions) :],
        _shift_words(shift),
        _order_words(before, after),
        _mixture_words(before, after, preprocess),
        *_named(pair, [resolve_bands(scene, preprocess.channels, preprocess.reflectance_top)[1] for scene in pair]),
        *_named(pair, [scale_assumptions(scene, preprocess) for scene in pair]),
    ]
    return tuple(dict.fromkeys(sentence for sentence in told if sentence))


def _named(pair: Sequence[Scene], told: Sequence[str | tuple[str, ...]]) -> list[str]:
    """A sentence that holds for both dates once, one that holds for one with its name."""
    each = [(one,) if isinstance(one, str) else one for one in told]
    both = [sentence for sentence in each[0] if sentence in each[1]]
    alone = [f"{scene.name}: {one}" for scene, own in zip(pair, each, strict=True) for one in own if one and one not in both]
    return [*both, *alone]


def _outside_words(share: float) -> str:
    if share <= WARN_OUTSIDE_SHARE:
        return ""
    return f"{100 * share:.0f} % of the valid pixels lie in tiles outside what the model knows; what is said of them may mean nothing."


def _shift_words(shift: float | None) -> str:
    if shift is None or shift < WARN_SHIFT:
        return ""
    return f"These dates differ by a shift of {shift:.1f} px, which was not corrected: narrow changes along edges may be false."


def _order_words(before: Scene, after: Scene) -> str:
    if before.date is None or after.date is None or before.date <= after.date:
        return ""
    return f"{before.name} is dated later than {after.name}; the order in which they were given was kept."


def _mixture_words(before: Scene, after: Scene, preprocess: Preprocess) -> str:
    rendered = [_is_rendered(scene, preprocess) for scene in (before, after)]
    if rendered[0] == rendered[1]:
        return ""
    pictured, measured = (before, after) if rendered[0] else (after, before)
    return f"{pictured.name} is rendered for display and {measured.name} holds reflectance: the rendering itself may look like change."


def _is_rendered(scene: Scene, preprocess: Preprocess) -> bool:
    own = {(band.file, band.index): band for band in scene.bands}
    used = [own[band.file, band.index] for band in used_bands(scene, preprocess)]
    return scene.dtype in RENDERED and any(band.scale is None for band in used)
