"""Work that overlaps: each stage is a thread of its own, and what it has made waits in a short queue for the next stage."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Generic, TypeVar

_T = TypeVar("_T")
ITEMS_HELD = 2
"""One is made while another is used: more would only be held in memory."""


def ahead(items: Iterable[_T], most: int = ITEMS_HELD) -> Generator[_T, None, None]:
    """The same items in the same order, made by a thread of their own.

    most: items that there are at a time, at least 2: the one that was handed out last, those that wait, and the one that is being made.
    What making an item raises is raised where it is asked for. However this ends, the thread ends after the item that it is at, and is
    waited for; then the items are closed, where they can be. Whoever keeps it by a name closes it: an error holds on to all names.
    """
    stage = _Stage[_T](most)
    thread = Thread(target=stage.make, args=(items,), name="stage", daemon=True)
    thread.start()
    try:
        while (made := stage.made.get()) is not None:
            if made.error is not None:
                raise made.error
            yield from made.items
            stage.room.release()
    finally:
        stage.is_left = True
        stage.room.release()
        thread.join()
        if isinstance(items, Generator):
            items.close()


@dataclass(frozen=True)
class _Made(Generic[_T]):
    """One item, or what kept it from being made."""

    items: tuple[_T, ...] = ()
    error: BaseException | None = None


class _Stage(Generic[_T]):
    def __init__(self, most: int) -> None:
        self.room = Semaphore(most)
        self.made: SimpleQueue[_Made[_T] | None] = SimpleQueue()
        self.is_left = False

    def make(self, items: Iterable[_T]) -> None:
        """In the thread: all items, while somebody takes them; None behind the last one."""
        told: Iterator[_T] = iter(items)
        try:
            while self._goes_on():
                self.made.put(_Made((next(told),)))
        except StopIteration:
            self.made.put(None)
        except BaseException as error:  # it belongs to whoever asks for the item
            self.made.put(_Made(error=error))

    def _goes_on(self) -> bool:
        self.room.acquire()
        return not self.is_left
