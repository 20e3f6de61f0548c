"""What a scene leaves open and a person can tell: which band is which, and how its values become reflectance."""

from __future__ import annotations

from dataclasses import dataclass

from core.prepare.grid.reflectance import offset_doubt, product_doubt, scale_doubt
from core.report.notices import say
from core.sources.scenes import guessed_bands
from core.types import Scene


@dataclass(frozen=True)
class Question:
    """title: the question. told: what gave rise to it, and what the answer is for. again: the same of a further scene, in short."""

    title: str
    told: str
    again: str


def questions_of(scene: Scene) -> tuple[Question, ...]:
    """What is open; a scene that leaves a question open is not analysed without being asked."""
    asked = []
    guessed = guessed_bands(scene)
    if guessed is not None:
        told = f"{say(guessed)} Say what they are, then the scene is analysed."
        asked.append(Question("Which band is which?", told, "Its bands are not named either."))
    doubt = scale_doubt(scene)
    if doubt is not None:
        seen = f"median {doubt['middle']:,.5g}, largest {doubt['highest']:,.5g}; ground reflects 0 to 1"
        told = (
            f"As they were read the values are no reflectance: {seen}. "
            "Say by which scale and offset they become it, then the scene is analysed."
        )
        asked.append(Question("How do its values become reflectance?", told, "Its values are no reflectance either."))
    missing = product_doubt(scene)
    if missing is not None:
        asked.append(Question("Was 1,000 added to its values?", say(missing), "Its metadata do not tell it either."))
    if offset_doubt(scene) is not None:
        told = (
            "No value lies below 1,000, as in Sentinel-2 since January 2022 (baseline 04.00), whose reflectance is value x 0.0001 - 0.1. "
            "If it is such a scene, say offset -0.1, if not 0; then the scene is analysed."
        )
        asked.append(Question("Was 1,000 added to its values?", told, "None of its values lies below 1,000 either."))
    return tuple(asked)


def is_open(scene: Scene) -> bool:
    """Whether a scene leaves a question open."""
    return bool(questions_of(scene))


def is_alike(scene: Scene, other: Scene) -> bool:
    """Whether one answer may hold for both: the same questions, the same number of bands."""
    titles = [[question.title for question in questions_of(each)] for each in (scene, other)]
    return titles[0] == titles[1] and len(scene.bands) == len(other.bands)
