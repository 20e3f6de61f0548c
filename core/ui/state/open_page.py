"""What is open on a page, the same for every page: files are read in the background, come into what is open, and are let go of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar, cast

from core.errors import SightlineError
from core.jobs import Progress
from core.ui.state.errors import words_of
from core.ui.state.session import Desk, Slot, is_seen_elsewhere, move
from core.ui.state.uploads import OpenFolder
from core.ui.widgets.drafts import ADDENDUM
from core.ui.widgets.intake import Wanted

R = TypeVar("R")
S = TypeVar("S", bound="PageState")


@dataclass
class PageState:
    """Whatever a page keeps open. drafts: what stands in its fields, by their key.

    folders: uploads, unpacked archives and results; they are deleted when the page is closed.
    desks: how many have it: a tab that closes it leaves it to the others.
    """

    folders: list[OpenFolder] = field(default_factory=list, kw_only=True)
    desks: int = field(default=1, kw_only=True)
    drafts: dict[str, str] = field(default_factory=dict, kw_only=True)

    def slots(self) -> Iterable[Slot[Any]]:
        """All work on it."""
        raise NotImplementedError

    def would_lose(self) -> bool:
        """Whether something that a person wrote would be lost if the page were closed now."""
        return any(text.strip() for key, text in self.drafts.items() if key.endswith(ADDENDUM))

    def let_go(self, desk: Desk) -> None:
        """Stop the work and delete the folders, unless another desk has them too."""
        self.desks -= 1
        if self.desks > 0:
            return
        desk.forget(self.slots())
        for folder in self.folders:
            folder.remove()


@dataclass(frozen=True)
class Arrived(Generic[R]):
    """What was read, and the folder in which its files lie."""

    read: R
    folder: OpenFolder

    def let_go(self, desk: Desk) -> None:
        """Nobody looked at it."""
        self.folder.remove()


@dataclass(frozen=True)
class OpenPage(Generic[R, S]):
    """How a page opens and closes. name: its place on the desk. verb: what the rail calls the work ("Opening").

    read: from what is wanted, a folder for what has to be unpacked, and progress, to what was read; raises the reason where nothing was.
    add: puts that into what is open, None where nothing is, and returns what is open then; may raise the reason why nothing is.
    """

    name: str
    verb: str
    read: Callable[[Wanted, OpenFolder, Progress], R]
    add: Callable[[Desk, S | None, R], S]

    def arrival(self, desk: Desk) -> Slot[Arrived[R]]:
        """The slot in which files are being read."""
        slot: Slot[Arrived[R]] = desk.slot(desk.places.setdefault(f"{self.name}.arrival", {}), self.name)
        return slot

    def open(self, desk: Desk, wanted: Wanted) -> None:
        """Begin to read what the user wants; what is open gets it added."""
        self.arrival(desk).start(f"{self.verb} {wanted.title}", partial(self._arrived, wanted), "files")

    def state(self, desk: Desk) -> S | None:
        """What is open, with what was read since the last look; None where nothing is."""
        slot = self.arrival(desk)
        slot.settle()
        found = cast("S | None", desk.places.get(self.name))
        arrived, slot.value = slot.value, None
        if arrived is None:
            return found
        try:
            here = self.add(desk, found, arrived.read)
        except SightlineError as error:
            slot.failed = words_of(error)
            arrived.folder.remove()
            return found
        here.folders.append(arrived.folder)
        desk.places[self.name] = here
        return here

    def close(self, desk: Desk) -> None:
        """Let go of everything: work is stopped; uploads, unpacked archives and results are deleted from this machine."""
        arriving = self.arrival(desk)
        arriving.settle()
        del desk.places[f"{self.name}.arrival"]
        desk.forget([arriving])
        for held in (arriving.value, cast("S | None", desk.places.pop(self.name, None))):
            if held is not None:
                held.let_go(desk)

    def close_here(self, desk: Desk) -> None:
        """Close it for this tab; another tab that is open at the same address keeps it, and this one gets a desk of its own."""
        if not is_seen_elsewhere(desk):
            return self.close(desk)
        own = Desk()
        for name, place in desk.places.items():
            if isinstance(place, PageState) and name != self.name:
                own.places[name] = place
                own.slots += place.slots()
                place.desks += 1
        return move(desk, own)

    def _arrived(self, wanted: Wanted, progress: Progress) -> Arrived[R]:
        folder = wanted.folder or OpenFolder()
        try:
            return Arrived(self.read(wanted, folder, progress), folder)
        except BaseException:
            folder.remove()
            raise
