"""Post-classification comparison: a pixel has changed where its class did, and the dates disagree on most of what they believe.

The score is the total variation of the class probabilities of both dates.
"""

from __future__ import annotations

from core.change.methods.tokens import CLASSES, TokenMethod
from core.change.threshold import CLASS_THRESHOLD, ScoreHistogram


class ByClasses(TokenMethod):
    """By the classes of a land-cover model."""

    name = CLASSES
    is_by_class = True

    def threshold(self, scores: ScoreHistogram) -> float:
        """Fixed: the total variation has a scale of its own."""
        return CLASS_THRESHOLD
