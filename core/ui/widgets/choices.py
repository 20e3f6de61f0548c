"""Labels of choices, no two alike: Streamlit tells the options of a widget apart by their label, and of two alike it takes the first."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

_T = TypeVar("_T", bound=Hashable)


def apart(options: Iterable[_T], words: Callable[[_T], str] = str) -> Callable[[_T], str]:
    """The format_func of a widget with these options: their words, numbered from the second on where they repeat.

    "Forest to river", "Forest to river (2)". tests/test_choices.py holds that every widget of choices takes its labels from here.
    """
    labels: dict[_T, str] = {}
    taken: set[str] = set()
    for option in dict.fromkeys(options):
        label, number = words(option), 2
        while label in taken:
            label, number = f"{words(option)} ({number})", number + 1
        labels[option] = label
        taken.add(label)
    return lambda option: labels[option] if option in labels else words(option)
