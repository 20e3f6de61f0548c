"""Browsers that came by a link to what another browser has open: they ask, and are let in or refused by the one that has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.ui.shell import private_streamlit

if TYPE_CHECKING:
    from core.ui.state.session import Session

MOST_GUESTS = 8
"""Browsers that may have asked for one session: more are not put before its owner."""


@dataclass
class Guest:
    """One browser that asked. tabs: where it waits, drawn anew when it is answered. is_let_in: None while nobody has answered."""

    tabs: set[str]
    is_let_in: bool | None = None


def ask_to_join(host: Session, here: Session) -> None:
    """Have the owner of a session asked, in its tabs, whether the browser of another may come in. Who was refused is not heard again."""
    if here.owner and here.owner not in host.guests and len(host.guests) < MOST_GUESTS:
        host.guests[here.owner] = Guest(set(here.tabs))
        _draw_anew(host.tabs)


def asking(host: Session) -> list[tuple[str, Guest]]:
    """Those that wait for an answer, by whose they are."""
    return [(owner, guest) for owner, guest in host.guests.items() if guest.is_let_in is None]


def answer_guest(host: Session, owner: str, *, is_let_in: bool) -> None:
    """Let a browser in, or refuse it; it is told at once."""
    guest = host.guests[owner]
    guest.is_let_in = is_let_in
    _draw_anew(guest.tabs)


def _draw_anew(tabs: Iterable[str]) -> None:
    for tab in tuple(tabs):
        private_streamlit.draw_anew(tab)
