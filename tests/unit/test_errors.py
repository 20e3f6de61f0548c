"""The error tree is what its docstring draws, and every error can be told apart by a program."""

from __future__ import annotations

import re

import pytest

from core import errors
from core.errors import MissingBands, NoOverlap, OutOfRange, SightlineError, UnreadableFile


def subclasses(root: type[SightlineError]) -> list[type[SightlineError]]:
    return [root] + [found for child in root.__subclasses__() for found in subclasses(child)]


def drawn_tree() -> list[tuple[int, str, str]]:
    """(depth, name, exit status or '') of each line of the drawing, from the top."""
    lines = (errors.__doc__ or "").splitlines()
    drawn = []
    for line in lines:
        found = re.match(r"^([│├└─ ]*)([A-Z]\w+)(?:\s{2,}(.*))?$", line)
        if found:
            drawn.append((len(found[1]) // 4, found[2], found[3] or ""))
    return drawn


TREE = [error for error in subclasses(SightlineError) if error.__module__ == errors.__name__]


def test_the_drawing_holds_every_error_under_its_parent() -> None:
    path: list[str] = []
    drawn = set()
    for depth, name, _ in drawn_tree():
        path = [*path[:depth], name]
        drawn.add((name, path[-2] if depth else "Exception"))
    assert drawn == {(error.__name__, error.__bases__[0].__name__) for error in TREE}


def test_the_exit_statuses_that_are_drawn_are_the_real_ones() -> None:
    told = {name: int(found[1]) for _, name, words in drawn_tree() if (found := re.search(r"\(exit (\d)\)", words))}
    assert told
    assert told == {name: getattr(errors, name).exit_status for name in told}


def test_the_drawing_says_what_the_docstring_of_the_error_says() -> None:
    for _, name, words in drawn_tree():
        if words and "(exit" not in words:
            first = (getattr(errors, name).__doc__ or "").splitlines()[0]
            assert first.rstrip(".").lower() == words.rstrip(".").lower(), name


def test_each_code_belongs_to_one_error() -> None:
    codes = [error.code for error in TREE]
    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.parametrize(
    "error",
    [
        UnreadableFile("a.dcm is a PDF document.", "Give a DICOM, GeoTIFF, PNG or JPEG file."),
        OutOfRange("discard", 1.5, "0 <= discard < 1"),
        MissingBands("scene.tif", ["red"], ["band 1", "band 2"]),
        NoOverlap("a.tif", "2.1, 48.7, 2.6, 49.0", "b.tif", "-101.2, 46.9, -101.0, 47.1"),
    ],
)
def test_an_error_tells_what_happened_and_what_to_do(error: SightlineError) -> None:
    told = error.as_json()
    assert set(told) == {"code", "message", "hint"}
    assert told["message"].endswith(".") and told["hint"].endswith(".")
    assert str(error) == f"{told['message']} {told['hint']}"


def test_an_error_without_a_hint_is_its_message() -> None:
    assert str(SightlineError("It happened.")) == "It happened."
