"""What one user has open: held by the job registry under a token in the address bar, so that a page switch or F5 loses nothing.

The token alone opens nothing: it is of use to the browser that made it, by its cookie (core/ui/shell/request_guard.py) and the secret of
its origin (core/ui/shell/origin_key.py), and to those that it lets in when they ask (core/ui/state/guests.py). A link that was copied, or
planted together with a cookie, neither shows what another has open nor has anything put where another looks.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import streamlit as st

from core.errors import Cancelled
from core.jobs import Job, JobProgress, Lane, jobs
from core.ui.shell import private_streamlit, sign_in
from core.ui.state.errors import Words, words_of
from core.ui.state.guests import Guest

_T = TypeVar("_T")

LEFT_SECONDS = 300.0
"""Without a browser for so long, work is no longer waited for: a reload, another network, a short sleep of a laptop take less."""
_TOKEN = "session.token"
_OWNER = "session.owner"
_PARAMETER = "session"


@dataclass
class Task(Generic[_T]):
    """One thing that is under way, there, or failed. title: what the work is called in the sidebar.

    was_stopped: the user cancelled it; it does not begin anew by itself. is_announced: its progress was drawn.
    user: among whose jobs its work counts.
    """

    title: str = ""
    job: Job[_T] | None = None
    value: _T | None = None
    failed: Words | None = None
    was_stopped: bool = False
    is_announced: bool = False
    user: str = ""
    _begun: tuple[Callable[[JobProgress], _T], str, Lane] | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing asked for yet, or stopped."""
        return self.job is None and self.value is None and self.failed is None

    def start(self, title: str, work: Callable[[JobProgress], _T], unit: str, lane: Lane = Lane.SHORT) -> None:
        """Begin the work; what the task held before is dropped."""
        self.title, self.value, self.failed, self.was_stopped, self.is_announced = title, None, None, False, False
        self._begun = (work, unit, lane)
        self.job = jobs().start(work, unit, lane, self.user)

    def start_again(self) -> None:
        """Begin the same work once more."""
        if self._begun is not None:
            self.start(self.title, *self._begun)

    def ensure(self, title: str, work: Callable[[JobProgress], _T], unit: str, lane: Lane = Lane.SHORT) -> None:
        """Begin the work unless it was ever begun: what failed or was stopped waits until the user asks for it."""
        if self.is_empty and not self.was_stopped:
            self.start(title, work, unit, lane)

    def wait(self, seconds: float) -> None:
        """Give the work a moment, and take over what it left where it ended by then. It counts as announced: nobody waits for it again."""
        job = self.job
        if job is not None and not self.is_announced:
            self.is_announced = True
            job.wait(seconds)
        self.settle()

    def cancel(self) -> None:
        """Stop its work, where it has any."""
        job = self.job  # another tab may settle it meanwhile
        if job is not None:
            job.cancel()

    @property
    def is_running(self) -> bool:
        """Whether its work goes on."""
        job = self.job
        return job is not None and not job.is_done

    def settle(self) -> None:
        """Take over what the job left when it ended. Work that the user stopped leaves the task empty."""
        job = self.job
        if job is None or not job.is_done:
            return
        self.job = None
        if job.error is None:
            self.value = job.result
        elif isinstance(job.error, Cancelled):
            self.was_stopped = True
        else:
            self.failed = words_of(job.error)


@runtime_checkable
class Releasable(Protocol):
    """What holds more than memory."""

    def let_go(self, session: Session) -> None:
        """Stop its work and delete what lies on disk, unless another session has it too."""


@dataclass
class Session:
    """State of the pages. places: by page name, whatever the page keeps. tasks: all work that the sidebar shows.

    tabs: ids of Streamlit's sessions that came here, those that are gone included. browser: the cookie of the one that has it.
    owner: that with the secret of its origin, "" where it keeps none: then what is open belongs to its tab alone.
    linked: the token in the address that its browser came with, where that opened nothing: it is gone, or another browser's.
    guests: the others that asked for what is open here, by their `owner`.
    """

    places: dict[str, Any] = field(default_factory=dict)
    tasks: list[Task[Any]] = field(default_factory=list)
    tabs: set[str] = field(default_factory=set)
    browser: str = ""
    owner: str = ""
    linked: str = ""
    guests: dict[str, Guest] = field(default_factory=dict)
    _left_at: float | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing was put here yet, or all of it was closed."""
        books = [list(place.values()) if isinstance(place, dict) else [place] for place in self.places.values()]
        return all(isinstance(each, Task) and each.job is None and each.value is None for book in books for each in book)

    def task(self, book: dict[Any, Task[Any]], key: Any) -> Task[Any]:
        """The task of a book of tasks, made when it is first asked for."""
        if key not in book:
            book[key] = Task(user=self.owner or str(id(self)))
            self.tasks.append(book[key])
        return book[key]

    def forget(self, tasks: Iterable[Task[Any]]) -> None:
        """Stop the work of these tasks and drop them."""
        gone = list(tasks)
        for task in gone:
            task.cancel()
        self.tasks = [task for task in self.tasks if not any(task is other for other in gone)]

    def stop_others(self, book: dict[Any, Task[Any]], wanted: Container[Any]) -> None:
        """Stop the work of a book's tasks that is not wanted any more; it begins anew when it is asked for. What is done stays."""
        for task in book.values():
            task.settle()
        self.forget(book.pop(key) for key in [key for key, task in book.items() if task.job is not None and key not in wanted])

    def let_go(self) -> None:
        """Nobody comes back: work is stopped, and whatever lies on disk is deleted."""
        held = [*self.places.values(), *(task.value for task in self.tasks)]
        self.forget(list(self.tasks))
        for each in held:
            if isinstance(each, Releasable):
                each.let_go(self)
        self.forget_tabs()

    def forget_tabs(self) -> None:
        """What Streamlit keeps of it goes too: uploaded bytes with their names, and what its tabs show under /media."""
        for tab in tuple(self.tabs):
            private_streamlit.forget_tab(tab)

    def is_waited_for(self) -> bool:
        """Whether work goes on for somebody: where no browser has shown it for some time it is stopped, since others wait for its place."""
        running, now = self.running(), monotonic()
        if not running or not self.tabs or any(map(private_streamlit.is_connected, tuple(self.tabs))):
            self._left_at = None
            return bool(running)
        self._left_at = self._left_at or now
        if now - self._left_at < LEFT_SECONDS:
            return True
        for task in running:
            task.cancel()
        return False

    def running(self) -> list[Task[Any]]:
        """The tasks whose work goes on."""
        return [task for task in self.tasks if task.is_running]


def session() -> Session:
    """The session of this user: of this tab, else of the token in the address bar, else a new one. Nobody gets to it without signing in."""
    sign_in.guard()
    owner, linked = sign_in.owner(), st.query_params.get(_PARAMETER)
    held, token = _known(st.session_state.get(_OWNER, ""), st.session_state.get(_TOKEN))
    if held is None and owner:  # without a cookie or a secret only this very tab is known again
        held, token = _known(owner, linked)
    if held is None and owner:
        held, token = _let_in(owner, linked)
    if held is None:
        held = Session(browser=sign_in.browser(), owner=owner, linked=linked or "")
        token = _hold(held)
    _sit_at(held, token)
    return held


def move(here: Session, other: Session) -> None:
    """From now on this tab has another session; whoever else sits at the old one stays there."""
    here.tabs.discard(private_streamlit.tab())
    _sit_at(other, _hold(other))


def join(token: str, other: Session) -> None:
    """From now on this tab has the session of another browser, which let it in."""
    here = jobs().held(str(st.session_state.get(_TOKEN, "")), st.session_state.get(_OWNER, ""))
    if isinstance(here, Session):
        here.tabs.discard(private_streamlit.tab())
    _sit_at(other, token)


def is_seen_elsewhere(here: Session) -> bool:
    """Whether another tab that is open in a browser has this session too."""
    return any(private_streamlit.is_connected(tab) for tab in here.tabs - {private_streamlit.tab()})


def _known(owner: str, token: str | None) -> tuple[Session | None, str]:
    held = jobs().held(token, owner) if token else None
    return (held, str(token)) if isinstance(held, Session) else (None, "")


def _let_in(owner: str, token: str | None) -> tuple[Session | None, str]:
    """The session of another browser that let this one in."""
    other = host(token or "")
    guest = other.guests.get(owner) if other is not None else None
    return _known(other.owner, token) if other is not None and guest is not None and guest.is_let_in else (None, "")


def host(token: str) -> Session | None:
    """The session that a link names, whosever it is; None where nothing is open there."""
    other = jobs().peek(token) if token else None
    return other if isinstance(other, Session) and not other.is_empty else None


def _hold(held: Session) -> str:
    return jobs().hold(held, is_busy=held.is_waited_for, dropped=held.let_go, owner=held.owner)


def _sit_at(held: Session, token: str) -> None:
    held.tabs.add(private_streamlit.tab())
    st.session_state[_TOKEN], st.session_state[_OWNER] = token, held.owner
    wanted: str | None = token
    if not held.is_empty:
        held.linked = ""  # it has something of its own
    else:  # there is nothing to come back to but what another browser may share
        wanted = held.linked if held.owner and host(held.linked) is not None else None
    if st.query_params.get(_PARAMETER) == wanted:
        return
    if wanted:
        st.query_params[_PARAMETER] = wanted
    else:
        del st.query_params[_PARAMETER]
