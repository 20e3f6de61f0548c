"""What may be turned in a method and in its measurement, with its kind and range: for fields of a page and options of a command alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Any

from core.explain.baselines import baselines_of
from core.explain.registry import COMMON, method_of
from core.settings import FEWEST_RANDOM_MAPS, settings
from core.types import Preprocess

RANDOM_MAPS = "random_maps"
"""Of the measurement of every method; a parameter of `explain` by itself."""
COSTS_ONLY = frozenset({"internal_batch_size", "perturbations_per_eval"})
"""Parameters that change what a map costs and never the map."""


class KnobKind(Enum):
    """CHOICE: one of its choices. WHOLE: a whole number. SHARE: a number in [0, 1]. SIDES: (height, width) in pixels of the input."""

    CHOICE = "choice"
    WHOLE = "whole"
    SHARE = "share"
    SIDES = "sides"


@dataclass(frozen=True)
class Knob:
    """name: of the parameter. default: None where the method finds the value itself. meaning: what it does, for people.

    lowest: of a whole number. choices: of a choice. methods: those that have it; filled in by `method_knobs`.
    """

    name: str
    kind: KnobKind
    meaning: str
    lowest: int = 0
    choices: tuple[str, ...] = ()
    default: Any = None
    methods: tuple[str, ...] = ()


_KNOWN: Mapping[str, Knob] = MappingProxyType(
    {
        knob.name: knob
        for knob in (
            Knob("baseline", KnobKind.CHOICE, "what removed pixels become", choices=baselines_of(None)),
            Knob("steps", KnobKind.WHOLE, "points on the path from the baseline to the image", 1),
            Knob(
                "quadrature", KnobKind.CHOICE, "how the path is summed up",
                choices=("gausslegendre", "riemann_left", "riemann_middle", "riemann_right", "riemann_trapezoid"),
            ),
            Knob("window", KnobKind.SIDES, "height and width of what is hidden at a time"),
            Knob("stride", KnobKind.SIDES, "by how much the window moves"),
            Knob("fusion", KnobKind.CHOICE, "how the heads of a layer become one", choices=("mean", "max", "min")),
            Knob("discard", KnobKind.SHARE, "share of the weakest attention that is taken as none"),
            Knob("layer", KnobKind.WHOLE, "how many layers the tokens have gone through"),
            Knob("head", KnobKind.WHOLE, "the head, counted from 0"),
            Knob("start_layer", KnobKind.WHOLE, "layers before it are left out"),
            Knob("first_layer", KnobKind.WHOLE, "the first layer that is patched", 1),
            Knob("last_layer", KnobKind.WHOLE, "the last layer that is patched", 1),
            Knob("masks", KnobKind.WHOLE, "random masks that are drawn", 1),
            Knob("cells", KnobKind.WHOLE, "cells of a mask on either side", 1),
            Knob("shown", KnobKind.SHARE, "share of a mask that shows the image"),
            Knob("samples", KnobKind.WHOLE, "noisy copies that are averaged", 1),
            Knob("noise", KnobKind.SHARE, "deviation of the noise, as a share of the range"),
            Knob("removal_steps", KnobKind.WHOLE, "steps of deletion and insertion", 2),
            Knob("seed", KnobKind.WHOLE, "of random maps, masks and weights"),
            Knob(RANDOM_MAPS, KnobKind.WHOLE, "random maps that the gain is ranked among", FEWEST_RANDOM_MAPS),
        )
    }
)  # fmt: skip


def method_knobs(methods: Iterable[str], preprocess: Preprocess | None = None) -> tuple[Knob, ...]:
    """All knobs of some methods, each once, with the default of the first method that has it.

    preprocess: of the model, whose modality has a baseline of its own. Raises NotFound for an unknown method.
    """
    owners: dict[str, list[str]] = {}
    defaults: dict[str, Any] = {}
    for method in methods:
        for name, default in {**method_of(method).defaults, **COMMON, RANDOM_MAPS: settings().random_maps}.items():
            owners.setdefault(name, []).append(method)
            defaults.setdefault(name, default)
    return tuple(
        replace(
            knob,
            choices=baselines_of(preprocess) if name == "baseline" else knob.choices,
            default=defaults[name],
            methods=tuple(owners[name]),
        )
        for name, knob in _KNOWN.items()
        if name in owners
    )


def turned(method: str, knobs: Mapping[str, Any]) -> tuple[dict[str, Any], int | None]:
    """(parameters, random_maps) for `explain`: of the knobs those that a method has."""
    own = {name: value for name, value in knobs.items() if name in {**method_of(method).defaults, **COMMON}}
    return own, knobs.get(RANDOM_MAPS)
