"""What a report needs to know of the model: from its card and from what lies beside its weights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.types import Calibration, Preprocess

if TYPE_CHECKING:
    from models.change_registry import LoadedChangeModel
    from models.registry import LoadedModel, ModelCard

DATA_HEADINGS = ("training data", "trained on", "data", "origin")
LIMIT_HEADINGS = ("limits", "limitations", "what it does not know")


@dataclass(frozen=True)
class ModelFacts:
    """trained_on, limits: whole sentences of the card.

    coverage: what the conformal sets were made for (0.9); None for a model without sets, whose numbers for one image are called scores.
    is_calibrated: whether what the model says was calibrated, by sets or, of change, by pixels.
    knows: the sentence of the card that stands beside every answer: what the model knows, and that it knows nothing else.
    """

    title: str
    task: str
    modality: str
    licence: str
    trained_on: str
    limits: tuple[str, ...]
    preprocess: Preprocess
    coverage: float | None
    is_calibrated: bool
    knows: str = ""


def model_facts(model: LoadedModel | LoadedChangeModel) -> ModelFacts:
    """The facts of an open model. A change model has no sets. A card without a section on its data or its limits leaves those empty."""
    return ModelFacts(
        title=model.card.title or model.id,
        task=model.card.task,
        modality=model.card.modality,
        licence=model.card.licence,
        trained_on=next(iter(_items(_section(model.card.text, DATA_HEADINGS))), ""),
        limits=card_limits(model.card),
        preprocess=model.preprocess,
        coverage=model.calibration.coverage if isinstance(model.calibration, Calibration) else None,
        is_calibrated=model.calibration is not None,
        knows=model.card.knows,
    )


def card_limits(card: ModelCard) -> tuple[str, ...]:
    """What the model does not know, in whole sentences of its card."""
    return _items(_section(card.text, LIMIT_HEADINGS))


def card_section(card: ModelCard, heading: str) -> str:
    """What stands under a heading of the card, up to the next one, as Markdown; "" where there is none. heading: in lower case."""
    return _section(card.text, (heading,)).strip()


def _section(text: str, headings: tuple[str, ...]) -> str:
    """What stands under the first heading of those, up to the next heading; "" where there is none."""
    parts = re.split(r"^#+ +(.+?) *$", text, flags=re.MULTILINE)
    found = {title.lower(): body for title, body in reversed(list(zip(parts[1::2], parts[2::2], strict=True)))}
    return next((found[heading] for heading in headings if heading in found), "")


def _items(section: str) -> tuple[str, ...]:
    """Bullets, or else paragraphs, each as one line without the marks of Markdown."""
    is_listed = re.search(r"^[-*] ", section, flags=re.MULTILINE) is not None
    parts = re.split(r"^[-*] ", section, flags=re.MULTILINE)[1:] if is_listed else section.split("\n\n")
    lines = (" ".join(part.split("\n\n")[0].split()) for part in parts)
    return tuple(_without_marks(line) for line in lines if line and not line.startswith("|"))


def _without_marks(line: str) -> str:
    linked = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line)
    return re.sub(r"\*\*|`", "", linked)
