"""An answer in one line, as the command line, the page and JSON say it: what it looks like, how sure, and what the model does not know."""

from __future__ import annotations

from collections.abc import Sequence

from core.report.language import Language, language_of
from core.report.notices import say
from core.types import Candidate, Fact, Prediction, notice

_MOST_LABELS = 12
"""Labels that a line of words names, the most probable first."""


def mistakes_others(labels: Sequence[str], language: Language) -> bool:
    """Whether a model with these labels takes every other disease for one of them, which its headline must say."""
    return bool(labels) and all(label in language.seen_as for label in labels)


def looks_words(prediction: Prediction, language: str = "en") -> tuple[str, str]:
    """("Looks like pneumonia", "opacity; other diseases not known"), of an answer; ("", "") of a model whose labels need no such words."""
    words, answer = language_of(language), prediction.prediction
    if answer is None or not mistakes_others(prediction.labels, words):
        return "", ""
    looks = words.looks[answer]
    return looks[:1].upper() + looks[1:], words.seen_as[answer]


def headline_words(prediction: Prediction, knows: str = "", language: str = "en") -> str:
    """One line. knows: the sentence of the model's card on what it knows."""
    if prediction.outside.is_outside or prediction.probabilities is None:
        return f"outside what the model knows. {say(prediction.outside.reason, language)}".strip()
    if prediction.searched_for is not None:
        highest = prediction.probability(prediction.searched_for)
        return f"{candidates_words(prediction, language)}; highest score {highest:.2f}, no probability. {knows}".strip()
    told = prediction.named
    ranked = _ranked(told)
    if told.prediction is None:
        line = f"no answer, the set {'holds every label' if told.conformal_set else 'is empty'} ({ranked})"
        return f"{line}. {knows}" if knows else line
    held = f"; set: {', '.join(told.conformal_set)}" if told.conformal_set else ""
    looks, seen_as = looks_words(told, language)
    if not looks:
        return f"{told.prediction} ({ranked}{held})" + (f". {knows}" if knows else "")
    unit = "probability" if held else "score"
    value = language_of(language).write(Fact("", told.probability(told.prediction), unit, ""))
    return f"{looks}, {'' if held else 'score '}{value}: {seen_as} ({ranked}{held}). {knows}".strip()


def candidates_words(prediction: Prediction, language: str = "en") -> str:
    """ "6 candidates; on series like this about 3 are false", of an image that was searched; without its full stop."""
    count, expected = len(prediction.candidates or ()), prediction.expected_false
    if not count:
        return say(notice("ct.no-candidate"), language)
    if expected is None:
        return say(notice("ct.candidates-not-measured", count=count), language)
    return say(notice("ct.candidates-expected", count=count, expected=expected), language)


def place_words(candidate: Candidate, language: str = "en") -> str:
    """ "right side of the patient, upper zone of the lungs"; the side of the image where the file does not tell the patient's."""
    if candidate.side is None:
        side = notice("place.half", side=candidate.half or "") if candidate.half else notice("place.unknown")
    else:
        side = notice("place.patient-side", side=candidate.side)
    words = say(side, language)
    return words if candidate.zone is None else f"{words}, {say(notice('place.lung-zone', zone=candidate.zone), language)}"


def _ranked(told: Prediction) -> str:
    assert told.probabilities is not None
    by_probability = sorted(zip(told.labels, told.probabilities, strict=True), key=lambda one: -one[1])
    ranked = ", ".join(f"{label} {probability:.2f}" for label, probability in by_probability[:_MOST_LABELS])
    return ranked + (f", {len(by_probability) - _MOST_LABELS:,} more" if len(by_probability) > _MOST_LABELS else "")
