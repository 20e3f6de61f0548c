"""What stands beside a map: the ends of its colour bar, correlations with other maps."""

from __future__ import annotations

from collections.abc import Mapping

from core.explain.overlay import DrawnMap, EvidenceSide
from core.report.language import language_of
from core.report.notices import say
from core.types import Correlation, MapUnit

_USUAL: Mapping[MapUnit, str] = {MapUnit.ATTENTION: "even_share", MapUnit.ACTIVATION: "usual_token"}
"""What the zero of a map is called that is none of 0."""


def scale_ends(drawn: DrawnMap, language: str = "en") -> tuple[str, str]:
    """(low, high): "-0.4 (against)", "0.4 of the logit (for)"; "even share", "3.2 times an even share of attention"; "0", "0.02 relevance".

    Raises NotFound for a language without templates.
    """
    words = language_of(language).words
    unit = words[f"unit_{drawn.unit.value}"]
    if drawn.is_signed:
        return _signed_ends(drawn, words, unit)
    low = words[_USUAL[drawn.unit]] if drawn.unit in _USUAL and drawn.zero > 0.0 else "0"
    return low, f"{drawn.limit:.2g} {unit}"


def correlation_words(correlation: Correlation, language: str = "en") -> str:
    """ "0.83", or "undefined, because ..."."""
    return f"{correlation:z.2f}" if isinstance(correlation, float) else say(correlation, language)


def _signed_ends(drawn: DrawnMap, words: Mapping[str, str], unit: str) -> tuple[str, str]:
    lowest, high = f"{-drawn.limit:.2g}", f"{drawn.limit:.2g} {unit} ({words['for']})"
    if drawn.side is EvidenceSide.BOTH:
        return f"{lowest} ({words['against']})", high
    return ("0", high) if drawn.side is EvidenceSide.FOR else (f"{lowest} {unit} ({words['against']})", "0")
