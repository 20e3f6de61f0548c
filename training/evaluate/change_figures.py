"""Figures of a change model on the cities that were held back, and what these teach: a threshold and a calibration.

Few cities are held back, so the threshold that is shipped was chosen on the very pixels that one would like to judge it by. The figures
are therefore made by turns: each city is judged by the threshold that is best for the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from core.inference.scenes.pair import change_probability
from core.metrics import calibration_error
from core.types import ChangeCalibration
from core.workflows.evaluation.change import ChangeCounts, ChangeFigures, count_pixels
from models.bert_image import BertImageForChangeDetection
from training.config.change_recipe import ChangeRecipe
from training.data.city_pixels import CityPixels, seen_in
from training.evaluate.change_scores import CityScores, city_scores
from training.evaluate.figures import DRAWS, SEED, Figure

SUBSETS = (("blue", "green", "red"), ("blue", "green", "red", "near infrared"))
"""Bands of which it is measured what the model reaches with them alone, beside all."""

LEVEL_QUANTILE = 0.5
"""Of a pair's logits, its level: less than half of a scene changes. Larger ones gained hardly more (training/RESULTS.md)."""


@dataclass(frozen=True)
class MeasuredChange:
    """What the held back cities say.

    calibration: what is shipped. pooled: F1, precision and recall over all their pixels, with intervals over cities; by_city: the same of
    each; both by turns. by_bands: pooled F1 by the bands that are compared. ece: of the probability, on the pixels that it was fitted on.
    """

    calibration: ChangeCalibration
    pooled: Mapping[str, Figure]
    by_city: Mapping[str, ChangeFigures]
    by_bands: Mapping[tuple[str, ...], float]
    ece: float


def measure_change(
    network: BertImageForChangeDetection, cities: tuple[Sequence[CityPixels], Sequence[CityPixels]], recipe: ChangeRecipe
) -> MeasuredChange:
    """network: one that saw the first of the two groups of cities, and never the second."""
    channels = recipe.preprocess.channels
    used = tuple(channel for channel in channels if channel in (recipe.preprocess.preferred or channels))
    sets = dict.fromkeys((used, *(subset for subset in SUBSETS if set(subset) < set(channels)), channels))
    seen, by_bands = (
        {bands: city_scores(network, [seen_in(city, bands, recipe.preprocess) for city in group], recipe) for bands in sets}
        for group in cities
    )
    known = [city for found in (*seen.values(), *by_bands.values()) for city in found]
    scores = by_bands[used]
    calibration = calibrated(scores, known)
    counts = counts_by_turns(scores, known)
    f1 = {bands: pooled_f1(counts_by_turns(found, known).values()) for bands, found in by_bands.items()}
    probs = change_probability(np.concatenate([city.logits for city in levelled(scores, known)]), calibration)
    ece = calibration_error(np.concatenate([city.changed for city in scores]).astype(np.int64), np.stack([1.0 - probs, probs], axis=1))
    by_city = {name: count.figures() for name, count in counts.items()}
    return MeasuredChange(calibration, pooled_figures(list(counts.values())), by_city, f1, ece or 0.0)


def levelled(scores: Sequence[CityScores], known: Sequence[CityScores]) -> list[CityScores]:
    """Each city less its level, which is held within the levels of the cities that are known."""
    lowest, highest = level_range(known)
    return [replace(city, logits=city.logits - np.float32(np.clip(city.level(LEVEL_QUANTILE), lowest, highest))) for city in scores]


def level_range(known: Sequence[CityScores]) -> tuple[float, float]:
    """(lowest, highest) of their levels."""
    levels = [city.level(LEVEL_QUANTILE) for city in known]
    return min(levels), max(levels)


def counts_by_turns(scores: Sequence[CityScores], known: Sequence[CityScores] | None = None) -> dict[str, ChangeCounts]:
    """Each city, judged by the threshold that is best for the others, its level held within theirs; by its own where it is the only one.

    known: whatever the levels are held within; `scores` by default. What bears the name of the city that is judged is left out.
    """
    found = {}
    for city in scores:
        others = [one for one in scores if one is not city] or [city]
        within = [one for one in known or scores if one.name != city.name] or [city]
        threshold, _ = best_threshold(levelled(others, within))
        found[city.name] = count_pixels(levelled([city], within)[0].logits >= threshold, city.changed)
    return found


def pooled_figures(counts: Sequence[ChangeCounts]) -> dict[str, Figure]:
    """F1, precision and recall over the pooled pixels, with 95 % intervals by bootstrap over cities."""
    numbers = np.array([(count.hits, count.false, count.missed) for count in counts], dtype=np.float64)  # [cities, 3]
    drawn = np.random.default_rng(SEED).multinomial(len(counts), np.full(len(counts), 1.0 / len(counts)), size=DRAWS) @ numbers
    found = {}
    for name, values, spread in zip(("f1", "precision", "recall"), _rates(numbers.sum(axis=0)[np.newaxis]), _rates(drawn), strict=True):
        known = spread[np.isfinite(spread)]
        low, high = np.quantile(known, [0.025, 0.975]) if known.size else (np.nan, np.nan)
        found[name] = Figure(float(values[0]), float(low), float(high))
    return found


def pooled_f1(counts: Iterable[ChangeCounts]) -> float:
    """F1 over the pooled pixels; 0 where nothing changed and nothing was found."""
    return sum(counts, start=ChangeCounts()).figures().f1 or 0.0


def calibrated(scores: Sequence[CityScores], known: Sequence[CityScores] | None = None) -> ChangeCalibration:
    """Temperature and offset of least cross-entropy over the pooled pixels (Platt 1999), and the threshold of the best F1.

    known: whatever levels are held within, by default `scores`.
    """
    lowest, highest = level_range(known or scores)
    scores = levelled(scores, known or scores)
    logits = np.concatenate([city.logits for city in scores]).astype(np.float64)
    changed = np.concatenate([city.changed for city in scores])

    def cost(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, shift = np.exp(parameters[0]), parameters[1]
        scaled = slope * logits + shift
        surplus = 1.0 / (1.0 + np.exp(-scaled)) - changed
        return float((np.logaddexp(0.0, scaled) - scaled * changed).mean()), np.array([(surplus * slope * logits).mean(), surplus.mean()])

    slope, shift = minimize(cost, np.zeros(2), jac=True, method="L-BFGS-B").x
    temperature = float(np.exp(-slope))
    plain = ChangeCalibration(temperature, -float(shift) * temperature, 0.5, LEVEL_QUANTILE, lowest, highest)
    threshold = change_probability(np.array([best_threshold(scores)[0]], dtype=np.float32), plain)
    return replace(plain, threshold=float(threshold[0]))


def _rates(counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """F1, precision and recall of [draws, (hits, false, missed)]; NaN where there is nothing to divide by."""
    hits, false, missed = counts.T
    with np.errstate(invalid="ignore"):
        return 2 * hits / (2 * hits + false + missed), hits / (hits + false), hits / (hits + missed)


def best_threshold(scores: Sequence[CityScores]) -> tuple[float, float]:
    """(logit at or above which a pixel counts as changed, F1) for the largest F1 of change over the pooled pixels."""
    logits = np.concatenate([city.logits for city in scores])
    changed = np.concatenate([city.changed for city in scores])
    order = np.argsort(-logits, kind="stable")
    found = np.cumsum(changed[order])
    f1 = 2.0 * found / (np.arange(1, len(order) + 1) + max(int(changed.sum()), 1))
    best = int(f1.argmax())
    return float(logits[order[best]]), float(f1[best])
