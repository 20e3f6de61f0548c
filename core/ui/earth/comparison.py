"""The ways to compare the two dates shown: which are offered, which is chosen, what its number means, and why others are not offered."""

from __future__ import annotations

from core.change.goals import GOALS
from core.change.methods.bands import OTSU, way_of
from core.change.methods.base import Method
from core.change.methods.choose import WITHOUT_MODEL, bands_method, method_for
from core.change.methods.index import DIFFERENCES, INDEX, VEGETATION_LOSS
from core.change.methods.mad import MAD, THRESHOLD
from core.errors import SightlineError
from core.inference.engine import change_engine_for, engine_for
from core.prepare.grid.align import overlap_or_refuse
from core.report.scene_change import CHI_SQUARE_SHARE, SCORE, number_of
from core.types import ChangeMap, Scene
from core.ui.earth.models import change_model, unreadable_dates
from core.ui.earth.page_state import Comparison, EarthState
from core.ui.state.errors import Words, words_of
from core.ui.widgets.words import valued_words

BY_MODEL = "model"
WAYS = {
    BY_MODEL: "Trained model",
    "classes": "Post-classification",
    "embedding": "Embedding distance",
    INDEX: "Spectral index",
    MAD: "IR-MAD",
}
"""Ways to compare two dates, the first that is there is the usual one."""
HELP = {
    BY_MODEL: "A network that was trained on pixels that changed. The number is its calibrated probability of change.",
    "classes": "The two class maps are compared. The number is how far the class probabilities differ, from 0 to 1; not calibrated.",
    "embedding": "What the model sees of the place is compared. The number is a cosine distance, from 0 to 1; not calibrated.",
    MAD: "What no linear change of light, season or sensor explains, in all bands that both dates have (IR-MAD, Nielsen 2007). The number "
    "is the share of unchanged pixels that would differ less, by a chi-square distribution; it is not a probability of change. "
    "No model is asked.",
}
GOAL_WORDS = {
    "burn": "Burn", "water": "Water", "vegetation-loss": "Vegetation loss", "building": "Building", "anything": "Anything",
}  # fmt: skip
"""What may be looked for, in the order in which it is asked."""
THRESHOLD_STEPS = {INDEX: (0.01, 2.0), MAD: (0.0001, 1.0)}
"""A step of a threshold, and the highest that there can be."""
SEEN = ("red", "green", "blue")
"""Bands that both dates must have for a change model to be offered; it works with fewer, but nobody here could check what it says."""


def misfit(here: EarthState) -> Words | None:
    """Why the two dates cannot be compared by any method, None where they can."""
    if here.after is None:
        return None
    try:
        overlap_or_refuse(here.before, here.after)
    except SightlineError as error:
        return words_of(error)
    return None


def methods(here: EarthState) -> dict[str, str]:
    """The ways in which the dates shown can be compared, by name."""
    withheld = not_offered(here)
    is_there = {BY_MODEL: change_model() is not None, "classes": bool(here.model), "embedding": bool(here.model)}
    return {name: words for name, words in WAYS.items() if is_there.get(name, True) and name not in withheld}


def not_offered(here: EarthState) -> dict[str, str]:
    """Why a way cannot be offered for these dates, by its name; a way whose model is not on this machine is not spoken of."""
    found = {}
    unread = next(filter(None, (unreadable_dates(here, number) for number in here.pair)), None)
    if unread is not None:
        found = {name: str(unread) for name in ("classes", "embedding")}
    if change_model() is not None and not set(SEEN) <= set(_shared(here)):
        found[BY_MODEL] = f"both dates must have {', '.join(SEEN)}."
    if not indices(here):
        found[INDEX] = "the bands of both dates form none; near infrared is needed with red, green or a short-wave infrared band."
    if not _shared(here):
        found[MAD] = "the dates have no band in common that is whose name is known."
    return found


def indices(here: EarthState) -> dict[str, str]:
    """The indices that the bands of both dates form, by name: "NBR, burns"."""
    shared = _shared(here)
    return {
        name: f"{each.index.name.upper()}, {'loss of vegetation' if name == VEGETATION_LOSS else each.index.shows}"
        for name, each in DIFFERENCES.items()
        if set(each.index.colours) <= set(shared)
    }


def goals(here: EarthState) -> dict[str, str]:
    """What may be looked for between the dates shown, by name: what their bands and the models at hand can find."""
    return {name: words for name, words in GOAL_WORDS.items() if _way_to(here, name) is not None}


def chosen_goal(here: EarthState) -> str:
    """What the chosen way finds; "" for a way that somebody picked for no goal of these."""
    chosen = chosen_method(here), chosen_index(here)
    return next((name for name in GOAL_WORDS if _way_to(here, name) == chosen), "")


def choose_goal(here: EarthState, goal: str) -> None:
    """Take the way that finds it."""
    way = _way_to(here, goal)
    if way is not None:
        here.method, here.index = way


def _way_to(here: EarthState, name: str) -> tuple[str, str] | None:
    """(method, index) by which these dates are compared for a goal; None where they cannot be."""
    goal, offered, formed = GOALS[name], methods(here), indices(here)
    if goal.method == INDEX:
        return (INDEX, goal.index) if goal.index in formed else None
    if goal.method in offered:
        return goal.method, ""
    return (INDEX, goal.instead) if goal.instead in formed else None


def chosen_method(here: EarthState) -> str:
    """The way that was chosen, or else the usual one; "" where none is offered."""
    offered = methods(here)
    return here.method if here.method in offered else next(iter(offered), "")


def chosen_index(here: EarthState) -> str:
    """The index that was chosen, or else the first that the bands allow; "" for other methods."""
    offered = indices(here)
    if chosen_method(here) != INDEX:
        return ""
    return here.index if here.index in offered else next(iter(offered))


def usual_threshold(here: EarthState) -> float | None:
    """From which number on a pixel has changed where nobody says otherwise; None for methods whose model decides that."""
    method = chosen_method(here)
    if method == INDEX:
        return DIFFERENCES[chosen_index(here)].usual
    return THRESHOLD if method == MAD else None


def chosen_threshold(here: EarthState) -> str:
    """The threshold as written: a number, "otsu", or "" for the usual one."""
    return here.thresholds.get(chosen_index(here) or chosen_method(here), "")


def choose_threshold(here: EarthState, threshold: str) -> None:
    """Take another threshold for the index or method that is chosen; it is as written, "" for the usual one."""
    here.thresholds[chosen_index(here) or chosen_method(here)] = threshold


def comparison(here: EarthState) -> Comparison:
    """What decides the change of the dates shown: it is done anew when any of it is another."""
    method = chosen_method(here)
    return (*here.pair, "" if method in WITHOUT_MODEL else here.model, method, chosen_index(here), chosen_threshold(here))


def opened_method(change: str, model: str, method: str, index: str, threshold: str) -> Method:
    """The way itself, with its model opened; the land-cover model names what became what in either case. Raises what opening it raises.

    change: the id of the change model, "" where there is none: a job knows no session whose own models it could be among.
    """
    if method in WITHOUT_MODEL:
        return bands_method(method, index, threshold)
    if method == BY_MODEL and change:
        return method_for(change_engine_for(change), classes=engine_for(model) if model else None)
    return method_for(engine_for(model), method)


def method_help(here: EarthState) -> str:
    """What the chosen way does, and what its number is."""
    method = chosen_method(here)
    if method != INDEX:
        return HELP[method]
    name = chosen_index(here)
    difference = DIFFERENCES[name]
    index, called = difference.index, difference.index.name.upper()
    signed = f"{called} of the first date less that of the second, from -2 to 2: burning, and any loss of vegetation, raises it"
    number = signed if difference.is_fall else f"how far {called} differs between the dates, from 0 to 2"
    formula = f"({index.first} - {index.second}) / ({index.first} + {index.second})"
    return f"{called} = {formula} ({index.source}). The number is {number}; it is no probability. No model is asked."


def number_words(result: ChangeMap, value: float) -> str:
    """The number of a polygon, called by what it is."""
    if result.is_calibrated:
        return f"probability {value:.2f}"
    number = number_of(result)
    return valued_words(number, value, CHI_SQUARE_SHARE if number == CHI_SQUARE_SHARE else SCORE)


def _shared(here: EarthState) -> list[str]:
    """Colours of bands that both dates have, in the order of the first."""
    others = _colours(here.groups[here.pair[1]].scene)
    return [colour for colour in _colours(here.before) if colour in others]


def _colours(scene: Scene) -> list[str]:
    return [band.common_name for band in scene.bands if band.common_name]


def threshold_words(result: ChangeMap) -> str:
    """From which number on a pixel counts as changed, and how that was found; "" for methods whose model decides it."""
    ways = {"usual": "the usual threshold", "given": "as given", way_of(OTSU): "where Otsu's method parts the numbers of these dates"}
    way = ways.get(str(result.parameters.get("threshold_by", "")))
    return f"A pixel counts as changed from {float(result.parameters['threshold']):.4g} on: {way}." if way else ""
