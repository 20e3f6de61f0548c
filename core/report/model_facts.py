"""What a report needs to know of the model, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass

from core.types import Preprocess


@dataclass(frozen=True)
class ModelFacts:
    """From the model card and from what lies beside the weights.

    trained_on: completes "The model was trained on ...". limits: whole sentences.
    coverage: what the conformal sets were made for (0.9); None for a model that is not calibrated, whose numbers are then called scores.
    """

    title: str
    task: str
    modality: str
    licence: str
    trained_on: str
    limits: tuple[str, ...]
    preprocess: Preprocess
    coverage: float | None
