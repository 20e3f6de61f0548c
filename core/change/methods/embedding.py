"""Embedding distance: a pixel has changed where its token looks less alike than is usual between these dates, whatever its class.

The score is the cosine distance of the tokens' last hidden states.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.change.methods.base import ComparedBands
from core.change.methods.tokens import EMBEDDING, TokenMethod
from core.change.threshold import DEVIATIONS, ScoreHistogram


class ByEmbedding(TokenMethod):
    """By the embeddings of a land-cover model."""

    name = EMBEDDING

    def threshold(self, scores: ScoreHistogram) -> float:
        """So many robust deviations above the usual distance of these dates."""
        return scores.unusual()

    def parameters(self, reading: ComparedBands) -> Mapping[str, Any]:
        """Those of the model, and how many deviations."""
        return {"deviations": DEVIATIONS, **super().parameters(reading)}
