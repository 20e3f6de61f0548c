"""How numbers, labels and devices are written on a page."""

from __future__ import annotations

from core.report.language import language_of
from core.types import Fact

INTENDED_USE = "Research and development use only. Not for clinical decisions."
SAME_LENGTH = 0.02
"""Sides of a pixel that differ by less, as a share, are told as one."""


def label_words(label: str) -> str:
    """A model's label as a reader knows it: "Bacterial pneumonia" for bacterial-pneumonia, "Annual crop" for AnnualCrop."""
    words = language_of("en").labels.get(label, label.replace("-", " "))
    return words[:1].upper() + words[1:]


def library_words(runtime: str) -> str:
    """The library that computed an answer, as it is written: "OpenVINO"."""
    return language_of("en").words.get(runtime, runtime)


def valued_words(number: str, value: float, unit: str) -> str:
    """ "NBR difference 0.24": a number by what reports call it, and its value as they write it."""
    language = language_of("en")
    return f"{language.words[number]} {language.write(Fact(number, value, unit, ''))}"


def method_words(method: str) -> str:
    """The name of an explanation method: "Attention rollout" for rollout."""
    words = language_of("en").methods.get(method, method.replace("-", " "))
    return words[:1].upper() + words[1:]


def share(value: float) -> str:
    """A share in [0, 1] as percent: "83.1 %", "< 0.1 %"."""
    if 0 < value < 0.001:
        return "< 0.1 %"
    return f"{100 * value:.1f} %"


def pixel_size(metres: tuple[float, float]) -> str:
    """Width and height of a pixel: "10 m", "8.55 x 12.9 m" where they differ."""
    wide, high = metres
    return f"{wide:.3g} m" if abs(wide - high) < SAME_LENGTH * wide else f"{wide:.3g} x {high:.3g} m"


def hectares(value: float) -> str:
    """An area, as reports write it: "0.4 ha", "1,234.0 ha"."""
    return f"{value:,.1f} ha"


def file_size(count: int) -> str:
    """Bytes as a reader counts them: "37.8 kB", "2.5 MB"."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def duration(seconds: float) -> str:
    """How long something takes, roughly: "8 s", "3 min"."""
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def counted(number: int, noun: str) -> str:
    """ "1 file", "3 files"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
