"""What is open on a page, the same for every page: files are read in the background, come into what is open, and are let go of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar, cast

from core.errors import SightlineError
from core.jobs import JobProgress
from core.ui.state.errors import words_of
from core.ui.state.session import Session, Task, is_seen_elsewhere, move
from core.ui.state.uploads import OpenFolder
from core.ui.widgets.drafts import ADDENDUM
from core.ui.widgets.intake import Wanted

R = TypeVar("R")
S = TypeVar("S", bound="PageState")


@dataclass
class PageState(ABC):
    """Whatever a page keeps open. drafts: what stands in its fields, by their key.

    folders: uploads, unpacked archives and results; they are deleted when the page is closed.
    sessions: how many have it: a tab that closes it leaves it to the others.
    """

    folders: list[OpenFolder] = field(default_factory=list, kw_only=True)
    sessions: int = field(default=1, kw_only=True)
    drafts: dict[str, str] = field(default_factory=dict, kw_only=True)

    @abstractmethod
    def tasks(self) -> Iterable[Task[Any]]:
        """All work on it."""

    def would_lose(self) -> bool:
        """Whether something that a person wrote would be lost if the page were closed now."""
        return any(text.strip() for key, text in self.drafts.items() if key.endswith(ADDENDUM))

    def let_go(self, session: Session, left: PageState | None = None) -> None:
        """Stop the work and delete the folders, unless another session has them too. left: what goes on with a part of it."""
        self.sessions -= 1
        if self.sessions > 0:
            return
        kept = list(left.tasks()) if left is not None else []
        session.forget(task for task in self.tasks() if not any(task is other for other in kept))
        for folder in self.folders:
            folder.remove()


@dataclass(frozen=True)
class Arrived(Generic[R]):
    """What was read, and the folder in which its files lie."""

    read: R
    folder: OpenFolder

    def let_go(self, session: Session) -> None:
        """Nobody looked at it."""
        self.folder.remove()


@dataclass(frozen=True)
class OpenPage(Generic[R, S]):
    """How a page opens and closes. name: its place on the session. verb: what the sidebar calls the work ("Opening").

    read: from what is wanted, a folder for what has to be unpacked, and progress, to what was read; raises the reason where nothing was.
    add: puts that into what is open, None where nothing is, and returns what is open then; may raise the reason why nothing is.
    """

    name: str
    verb: str
    read: Callable[[Wanted, OpenFolder, JobProgress], R]
    add: Callable[[Session, S | None, R], S]

    def arrival(self, session: Session) -> Task[Arrived[R]]:
        """The task in which files are being read."""
        task: Task[Arrived[R]] = session.task(session.places.setdefault(f"{self.name}.arrival", {}), self.name)
        return task

    def open(self, session: Session, wanted: Wanted) -> None:
        """Begin to read what the user wants; what is open gets it added."""
        self.arrival(session).start(f"{self.verb} {wanted.title}", partial(self._arrived, session.browser, wanted), "files")

    def state(self, session: Session) -> S | None:
        """What is open, with what was read since the last look; None where nothing is."""
        task = self.arrival(session)
        task.settle()
        found = cast("S | None", session.places.get(self.name))
        arrived, task.value = task.value, None
        if arrived is None:
            return found
        try:
            here = self.add(session, found, arrived.read)
        except SightlineError as error:
            task.failed = words_of(error)
            arrived.folder.remove()
            return found
        here.folders.append(arrived.folder)
        session.places[self.name] = here
        return here

    def close(self, session: Session) -> None:
        """Let go of everything: work is stopped; uploads, unpacked archives and results are deleted from this machine."""
        arriving = self.arrival(session)
        arriving.settle()
        del session.places[f"{self.name}.arrival"]
        session.forget([arriving])
        for held in (arriving.value, cast("S | None", session.places.pop(self.name, None))):
            if held is not None:
                held.let_go(session)
        session.forget_tabs()

    def close_here(self, session: Session, left: S | None = None) -> None:
        """Close it for this tab; another tab that is open at the same address keeps it, and this one gets a session of its own.

        left: what stays open in this tab, a part of what was; its folders are shared.
        """
        if not is_seen_elsewhere(session):
            return self.close(session) if left is None else self._keep(session, left)
        own = Session(browser=session.browser, owner=session.owner)
        for name, place in session.places.items():
            if isinstance(place, PageState) and name != self.name:
                own.places[name] = place
                own.tasks += place.tasks()
                place.sessions += 1
        if left is not None:
            own.places[self.name] = left
            own.tasks += left.tasks()
        return move(session, own)

    def _keep(self, session: Session, left: S) -> None:
        here = cast("S", session.places[self.name])
        session.places[self.name] = left
        here.let_go(session, left)

    def _arrived(self, browser: str, wanted: Wanted, progress: JobProgress) -> Arrived[R]:
        folder = wanted.folder or OpenFolder(browser)
        try:
            return Arrived(self.read(wanted, folder, progress), folder)
        except BaseException:
            folder.remove()
            raise
