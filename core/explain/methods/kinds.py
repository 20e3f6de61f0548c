"""What each parameter of the methods and of their measurement may be: its kind, its range, and whether it may be left to the method.

A parameter means the same in every method that has it, so its kind goes by its name and not by a default, which tells one value only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

from core.errors import OutOfRange

MOST_STEPS_ASKED = 2_000
"""Of integrated gradients: the nodes of Gauss and Legendre come from a matrix of steps x steps."""
MOST_AT_ONCE = 1_024
"""Inputs that Captum may put together."""
MOST_REMOVAL_STEPS = 1_000
"""More than the tokens of any model of this project; all steps of all random maps are held at once."""
MOST_SEED = 2**63 - 1
"""What every generator of random numbers takes."""


class _Form(Enum):
    WHOLE = "a whole number"
    NUMBER = "a number"
    WORD = "a word"
    SIDES = "two whole numbers (height,width)"


@dataclass(frozen=True)
class ParameterKind:
    """form: what it is. lowest, highest: of whole numbers, both included; methods know narrower ranges. is_optional: None, too."""

    form: _Form
    lowest: int | None = None
    highest: int | None = None
    is_optional: bool = False

    @property
    def words(self) -> str:
        """What is allowed, for people."""
        bounds = [("at least", self.lowest), ("at most", self.highest)]
        told = " and ".join(f"{words} {bound}" for words, bound in bounds if bound is not None)
        return f"{self.form.value}{', ' if told else ''}{told}{' or none' if self.is_optional else ''}"

    def allows(self, value: Any) -> bool:
        """Whether a parameter may be that."""
        if value is None:
            return self.is_optional
        if self.form is _Form.SIDES:
            return isinstance(value, (tuple, list)) and len(value) == 2 and all(map(_is_whole, value))
        if self.form is _Form.WHOLE:
            return _is_whole(value) and not self._is_below(value) and not self._is_above(value)
        return isinstance(value, str) if self.form is _Form.WORD else _is_whole(value) or isinstance(value, float)

    def _is_below(self, value: int) -> bool:
        return self.lowest is not None and value < self.lowest

    def _is_above(self, value: int) -> bool:
        return self.highest is not None and value > self.highest


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_WORD, _NUMBER = ParameterKind(_Form.WORD), ParameterKind(_Form.NUMBER)
_COUNT, _PLACE = ParameterKind(_Form.WHOLE, 1), ParameterKind(_Form.WHOLE, is_optional=True)
_SIDES, _BATCH = ParameterKind(_Form.SIDES, is_optional=True), ParameterKind(_Form.WHOLE, 1, MOST_AT_ONCE)
PARAMETER_KINDS: Mapping[str, ParameterKind] = MappingProxyType(
    {
        "baseline": _WORD,
        "removal_steps": ParameterKind(_Form.WHOLE, 2, MOST_REMOVAL_STEPS),
        "seed": ParameterKind(_Form.WHOLE, 0, MOST_SEED),
        "steps": ParameterKind(_Form.WHOLE, 1, MOST_STEPS_ASKED, is_optional=True),
        "quadrature": _WORD,
        "internal_batch_size": _BATCH,
        "window": _SIDES,
        "stride": _SIDES,
        "perturbations_per_eval": _BATCH,
        "fusion": _WORD,
        "discard": _NUMBER,
        "layer": _PLACE,
        "head": _PLACE,
        "start_layer": ParameterKind(_Form.WHOLE),
        "first_layer": _PLACE,
        "last_layer": _PLACE,
        "masks": _COUNT,
        "cells": _COUNT,
        "shown": _NUMBER,
        "samples": _COUNT,
        "noise": _NUMBER,
    }
)
"""Name -> kind. Each method gives its defaults of these kinds (DEFAULTS)."""


def check_kind(name: str, value: Any) -> None:
    """Raises OutOfRange for a value that the parameter cannot have in any method."""
    kind = PARAMETER_KINDS[name]
    if not kind.allows(value):
        raise OutOfRange(name, value, kind.words)
