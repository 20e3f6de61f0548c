"""Whether a map finds a planted cue: the share of its strongest tokens on it, of a network that it decides and of an honest twin.

The test is that of Adebayo et al. 2022, "Post hoc explanations may be ineffective for detecting unknown spurious correlation", with a count
in place of eyes: a method has found the cue where at least half of its k strongest tokens lie on it, k being the tokens of the cue, and it
raises a false alarm where that is so of the honest twin's map.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import OutOfRange
from core.explain.measure.opponents import on_token_grid
from core.types import Explanation, FloatImage, Mask

FOUND_SHARE = 0.5
"""Share of the strongest tokens on the cue from which it counts as found."""


@dataclass(frozen=True)
class CueFinding:
    """What one method says of one case. cheater, honest: share of the k strongest tokens on the cue, in the maps of either twin.

    chance: that share of a map in a random order.
    """

    method: str
    cheater: float
    honest: float
    chance: float

    @property
    def is_found(self) -> bool:
        """Whether the cheater's map shows the cue."""
        return self.cheater >= FOUND_SHARE

    @property
    def is_false_alarm(self) -> bool:
        """Whether the honest twin's map shows it too."""
        return self.honest >= FOUND_SHARE


@dataclass(frozen=True)
class CueScore:
    """Of one method over some cases: how often it found the cue, and how often it raised a false alarm; cheater, honest: mean shares."""

    method: str
    cases: int
    found: float
    false_alarms: float
    cheater: float
    honest: float


def share_on_cue(tokens: FloatImage, cue: Mask) -> float:
    """The share, in [0, 1], of the k largest tokens that lie on the cue, k being the tokens of the cue.

    Of tokens that are equal at the edge of the k largest each counts by the share of them that has room: a flat map scores as chance does.
    tokens: [rows, columns]. cue: bool of that shape, as of core.prepare.cue.cue_mask. Raises OutOfRange where the shapes differ, or nothing
    is marked.
    """
    count = int(cue.sum())
    if tokens.shape != cue.shape or count == 0:
        raise OutOfRange("the shape of the cue", cue.shape, f"that of the map, {tokens.shape}, with at least one token marked")
    values, on_it = tokens.ravel(), cue.ravel()
    edge = np.partition(values, -count)[-count]
    above, level = values > edge, values == edge
    room = (count - int(above.sum())) / int(level.sum())
    return float((above & on_it).sum() + room * (level & on_it).sum()) / count


def tokens_of(explanation: Explanation, patch: tuple[int, int]) -> FloatImage:
    """float32 [rows, columns]: a token's number, or the mean of its pixels, as the ruler takes them. patch: (height, width) in pixels."""
    if explanation.tokens is not None:
        return explanation.tokens.values
    assert explanation.attribution is not None
    return on_token_grid(np.asarray(explanation.attribution.sum(axis=0), dtype=np.float32), patch)


def cue_findings(
    cheater: Mapping[str, Explanation], honest: Mapping[str, Explanation], cue: Mask, patch: tuple[int, int]
) -> tuple[CueFinding, ...]:
    """One a method that explained both twins on one case, by the cheater's order."""
    chance = float(cue.mean())
    return tuple(
        CueFinding(
            method, share_on_cue(tokens_of(made, patch), cue), share_on_cue(tokens_of(honest[method], patch), cue), chance
        )
        for method, made in cheater.items()
        if method in honest
    )  # fmt: skip


def cue_scores(cases: Iterable[Sequence[CueFinding]]) -> tuple[CueScore, ...]:
    """Of each method over all cases, in the order in which methods come."""
    by_method: dict[str, list[CueFinding]] = {}
    for case in cases:
        for finding in case:
            by_method.setdefault(finding.method, []).append(finding)
    return tuple(
        CueScore(
            method,
            len(found),
            float(np.mean([each.is_found for each in found])),
            float(np.mean([each.is_false_alarm for each in found])),
            float(np.mean([each.cheater for each in found])),
            float(np.mean([each.honest for each in found])),
        )
        for method, found in by_method.items()
    )
