"""Slices that the viewer fetches by itself: of what is open, of nothing else, and with a sentence where one cannot be decoded."""

from __future__ import annotations

import gc
import weakref

import pytest

from core.errors import UnreadableFile
from core.jobs import jobs
from core.settings import settings
from core.ui.shell.pieces import PIECES
from core.ui.shell.request_guard import HEADERS
from tests.unit.ui.shell.test_request_guard import ask


class Stack:
    """Two slices, the second damaged, the third of a kind that nobody foresaw."""

    def piece(self, name: str) -> bytes | None:
        if name == "1":
            raise UnreadableFile("Frame 2 cannot be decoded.", "Export it again.")
        if name == "2":
            raise RuntimeError("SMITH^JOHN")
        return b"pixels" if name == "0" else None


def held(stack: Stack) -> str:
    return jobs().hold(weakref.ref(stack))


def test_a_slice_comes_for_its_token_and_is_kept_by_nobody() -> None:
    stack = Stack()
    status, headers = ask(f"{PIECES}{held(stack)}/0")
    assert (status, headers["cache-control"], headers["content-length"]) == (200, "no-store", "6")
    assert {name.lower() for name in HEADERS} <= set(headers)


def test_behind_a_base_path_it_comes_too() -> None:
    stack = Stack()
    assert ask(f"/hospital{PIECES}{held(stack)}/0")[0] == 200


@pytest.mark.parametrize(("name", "status"), [("1", 422), ("2", 422), ("3", 204)])
def test_a_slice_that_cannot_be_shown_has_a_status_of_its_own(name: str, status: int) -> None:
    stack = Stack()
    assert ask(f"{PIECES}{held(stack)}/{name}")[0] == status


def test_nothing_comes_once_the_image_is_closed() -> None:
    stack = Stack()
    token = held(stack)
    assert ask(f"{PIECES}{token}/0")[0] == 200
    del stack
    gc.collect()
    assert ask(f"{PIECES}{token}/0")[0] == 404


def test_another_token_opens_nothing() -> None:
    for token in ("", "guessed", jobs().hold(object()), jobs().hold("a session")):
        assert ask(f"{PIECES}{token}/0")[0] == 404


@pytest.mark.parametrize("before", ["", "/hospital"])
def test_whoever_has_not_signed_in_gets_no_slice(monkeypatch: pytest.MonkeyPatch, before: str) -> None:
    monkeypatch.setenv("SIGHTLINE_PASSWORD", "a long enough password")
    settings.cache_clear()
    stack = Stack()
    assert ask(f"{before}{PIECES}{held(stack)}/0")[0] == 403
