"""explanation.json: how a map was made, and what was measured of it."""

from __future__ import annotations

import json
from typing import Any

from core.export.json import plain
from core.report.notices import say, say_all
from core.types import Correlation, Explanation, ModelInput, RemovalScore, Target


def explanation_text(given: ModelInput, explanation: Explanation) -> str:
    """The file's text. given: the input that was explained."""
    return json.dumps(plain(as_values(given, explanation)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_values(given: ModelInput, explanation: Explanation) -> dict[str, Any]:
    """The file as values; arguments as of as_text."""
    return {
        "model": explanation.model,
        "weights": explanation.weights,
        "method": explanation.method,
        "parameters": dict(explanation.parameters),
        "target": _target(explanation.target),
        "class_specific": explanation.class_specific,
        "input": {
            "sha256": explanation.source,
            "shape": given.values.shape,
            "box": explanation.box,
            "frame": explanation.frame + 1,
            "refusal": say(given.refusal),
        },
        "range": [explanation.low, explanation.high],
        "gain": {
            "value": explanation.gain.value,
            "p": explanation.gain.p,
            "n": explanation.gain.random_maps,
            "random_low": explanation.gain.random_low,
            "random_high": explanation.gain.random_high,
            "opponents": dict(explanation.gain.opponents),
        },
        "inside": None if explanation.inside is None else dict(explanation.inside.shares),
        "inside_area": None if explanation.inside is None else dict(explanation.inside.areas),
        "supported": explanation.gain.is_supported,
        "worth": say(explanation.worth),
        "signed": explanation.is_signed,
        "unit": explanation.unit.value,
        "zero": explanation.zero,
        "deletion": _removal(explanation.deletion),
        "insertion": _removal(explanation.insertion),
        "sanity": _sanity(explanation),
        "completeness_error": explanation.completeness_error,
        "conservation_error": explanation.conservation_error,
        "by_band": None if explanation.by_band is None else dict(explanation.by_band),
        "assumptions": say_all((*given.assumptions, *explanation.assumptions)),
        "runtime": explanation.runtime,
        "precision": explanation.precision,
        "seconds": explanation.seconds,
        "map_seconds": explanation.map_seconds,
    }


def _target(target: Target) -> str | dict[str, Any]:
    """Its name where that says all, else what it is set against and where: its token or the corners of its region, from 0."""
    if target.is_plain:
        return target.name
    if target.likeness is not None:
        return {"like": target.likeness.name}
    place: dict[str, Any] = {"region": target.region} if target.region is not None else {"token": target.token}
    if target.cells:
        place = {"tokens": target.cells}
    return {"label": target.name, "against": target.against or None, **place}


def _sanity(explanation: Explanation) -> dict[str, Any] | None:
    """None where nobody asked; randomised is None, and parts is empty, for methods that take dozens of passes a map or more, whatever they
    ask of a model (Offered.is_by_passes): a map a part would cost thousands. A number, or "undefined, because ..."."""
    found = explanation.sanity
    if found is None:
        return None
    return {
        "randomised": None if found.randomised is None else [_plain(each) for each in found.randomised],
        "parts": found.parts,
        "stability": _plain(found.stability),
        "target": _plain(found.target),
        "other_label": found.other or None,
    }


def _plain(correlation: Correlation) -> float | str:
    return correlation if isinstance(correlation, float) else say(correlation)


def _removal(score: RemovalScore) -> dict[str, Any]:
    return {
        "value": score.value,
        "random_mean": score.random_mean,
        "random_low": score.random_low,
        "random_high": score.random_high,
        "random_maps": score.random_maps,
        "p": score.p,
        "pixels": score.pixels,
    }
