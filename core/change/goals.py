"""What somebody looks for between two dates, and the way to compare them that finds it: few people know the methods by their names.

On pairs of fires dNBR above 0.1 finds what burned, which networks taught on cities hardly do; buildings are what these were taught.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.change.methods.index import BURN, INDEX, VEGETATION_LOSS
from core.change.methods.mad import MAD
from core.change.methods.model import MODEL


@dataclass(frozen=True)
class Goal:
    """method: the way that finds it. index: of the method index, else "". instead: the index where no model of change is at hand."""

    name: str
    method: str
    index: str = ""
    instead: str = ""


GOALS = {
    goal.name: goal
    for goal in (
        Goal("burn", INDEX, BURN),
        Goal("water", INDEX, "ndwi"),
        Goal("vegetation-loss", INDEX, VEGETATION_LOSS),
        Goal("building", MODEL, instead="ndbi"),
        Goal("anything", MAD),
    )
}
