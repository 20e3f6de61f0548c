"""The words of a report: templates, labels and numbers of one language. Templates are data (templates/<language>.toml)."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

import numpy as np

from core.errors import NotFound
from core.types import Fact

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Language:
    """sentences: template by name; each placeholder in braces stands for a fact. The other tables give words for ids.

    looks, seen_as: of labels that other diseases are taken for: how a headline begins, and what was really seen.
    """

    code: str
    titles: Mapping[str, str]
    sections: Mapping[str, str]
    words: Mapping[str, str]
    labels: Mapping[str, str]
    looks: Mapping[str, str]
    seen_as: Mapping[str, str]
    methods: Mapping[str, str]
    tables: Mapping[str, Mapping[str, str]]
    sentences: Mapping[str, str]

    def placeholders(self, name: str) -> tuple[str, ...]:
        """The names in braces of a template, in order."""
        return tuple(field for _, field, _, _ in Formatter().parse(self.sentences[name]) if field)

    def write(self, fact: Fact) -> str:
        """A fact as it stands in a sentence, rounded as its unit asks: a share as a percentage, an area in hectares, a label in words."""
        if isinstance(fact.value, tuple):
            return self._listed([self._word(value, fact.unit) for value in fact.value])
        if isinstance(fact.value, bool):
            return self.words["yes" if fact.value else "no"]
        if isinstance(fact.value, str):
            return self._word(fact.value, fact.unit)
        return self._number(float(fact.value), fact.unit)

    def _word(self, value: str, unit: str) -> str:
        tables: dict[str, Mapping[str, str]] = {
            "label": self.labels,
            "looks": self.looks,
            "seen as": self.seen_as,
            "method": self.methods,
            "word": self.words,
        }
        return tables.get(unit, {}).get(value, value)

    def _listed(self, words: list[str]) -> str:
        if len(words) < 2:
            return "".join(words)
        return f"{', '.join(words[:-1])} {self.words['and']} {words[-1]}"

    def _number(self, value: float, unit: str) -> str:
        if not math.isfinite(value):
            return self.words["unknown"]
        if unit in UNSURE:
            return self._unsure(value, UNSURE[unit])
        if unit not in FORMATS:
            return decimal(value)
        return FORMATS[unit].format(value * 100.0 if unit in IN_PER_CENT else value)

    def _unsure(self, value: float, decimals: int) -> str:
        """So many decimals; never 1.00 or 0.00, which nobody can know."""
        step = 10.0**-decimals
        if value >= 1.0 - step / 2:
            return f"{self.words['above']} {1.0 - step:.{decimals}f}"
        return f"{self.words['below']} {step:.{decimals}f}" if value < step / 2 else f"{value:.{decimals}f}"


UNSURE = {"probability": 2, "rating": 2, "chi_square_share": 4}
"""Units of numbers between 0 and 1 that reach neither, and their decimals."""
FORMATS = {
    "score": "{:z.2f}",
    "share": "{:.1f} %",
    "rate": "{:.1f} %",
    "coverage": "{:.0f} %",
    "area under the curve": "{:z.3f}",
    "relative error": "{:.2g}",
    "p": "{:.2g}",
    "distance": "{:.3g}",
    "count": "{:,.0f}",
    "ha": "{:,.1f} ha",
    "m": "{:.4g} m",
    "px": "{:.2f}",
    "mm": "{:.4g} mm",
    "degrees": "{:.4g} degrees",
    "s": "{:.1f} s",
}
"""How a number of a unit is written."""
IN_PER_CENT = ("share", "rate", "coverage")
"""Units of numbers from 0 to 1 that are written in per cent; a rate is drawn as no bar."""


def decimal(value: float) -> str:
    """A number as a person writes it: six digits that count, no exponent, no empty point ("0.0000275", "0")."""
    if abs(value) >= 1e5:
        return f"{value:.0f}"
    return np.format_float_positional(value + 0.0, precision=6, unique=True, fractional=False, trim="-")


@cache
def language_of(code: str) -> Language:
    """The language of that code. Raises NotFound where there are no templates for it."""
    path = TEMPLATES / f"{code}.toml"
    known = sorted(file.stem for file in TEMPLATES.glob("*.toml") if "." not in file.stem)
    if code not in known:
        raise NotFound(f"There are no reports in the language {code!r}.", f"Choose one of {', '.join(known)}.")
    return Language(code=code, **tomllib.loads(path.read_text(encoding="utf-8")))
