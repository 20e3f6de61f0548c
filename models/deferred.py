"""A value that takes its time, made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Deferred(Generic[_T]):
    """Made once, whichever thread asks first; where making it fails, whoever asks next tries again."""

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        self._made: list[_T] = []
        self._lock = Lock()

    @classmethod
    def of(cls, value: _T) -> Deferred[_T]:
        """One that is there already."""
        there = cls(lambda: value)
        there.get()
        return there

    @property
    def is_made(self) -> bool:
        """Whether it is there."""
        return bool(self._made)

    def get(self) -> _T:
        """The value. Raises what making it raises."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]
