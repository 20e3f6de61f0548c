"""Frames of an open study are decoded once while they are looked at."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from core.errors import UnreadableFile
from core.readers.dicom.frames import RecentFrames


class Slow:
    """Six frames of 200 bytes, which wait to be let go; the last fails once."""

    shape = (6, 10, 10)

    def __init__(self, *, waits: bool = False) -> None:
        self.decoded: list[int] = []
        self.may_go = threading.Event()
        if not waits:
            self.may_go.set()

    def read(self, index: int) -> NDArray[Any]:
        self.decoded.append(index)
        assert self.may_go.wait(30)
        if index == 5 and self.decoded.count(5) == 1:
            raise UnreadableFile("It cannot be decoded.", "Export it again.")
        return np.full((10, 10), index, np.int16)


def test_threads_that_want_one_frame_wait_for_one_decoding() -> None:
    source = Slow(waits=True)
    frames = RecentFrames(source)
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(frames.read, 3) for _ in range(8)]
        source.may_go.set()
        for each in asked:
            assert_array_equal(each.result(), np.full((10, 10), 3))
    assert source.decoded == [3]


def test_the_frames_that_were_wanted_last_stay_within_their_bytes() -> None:
    source = Slow()
    frames = RecentFrames(source, most_bytes=450)
    for index in (0, 1, 0, 2, 0, 1):
        frames.read(index)
    assert source.decoded == [0, 1, 2, 1], "0 was wanted again and again, 1 gave way to 2"


def test_a_frame_larger_than_all_bytes_is_given_all_the_same() -> None:
    frames = RecentFrames(Slow(), most_bytes=10)
    assert frames.read(4)[0, 0] == 4
    assert frames.read(4)[0, 0] == 4


def test_a_failure_is_not_remembered() -> None:
    frames = RecentFrames(Slow())
    with pytest.raises(UnreadableFile):
        frames.read(5)
    assert frames.read(5)[0, 0] == 5


def test_nobody_may_write_into_what_others_read() -> None:
    with pytest.raises(ValueError, match="read-only"):
        RecentFrames(Slow()).read(0)[0, 0] = 7
