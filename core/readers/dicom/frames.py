"""Frames that stay in their files until they are looked at."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, TypeVar, cast

from numpy.typing import NDArray

from core.errors import OutOfRange
from core.readers.dicom.decode import decode_frame
from core.readers.dicom.pixels import PixelLayout
from core.types import FrameSource, Picture, Study

Kept = TypeVar("Kept", bound=Study | Picture)
RECENT_BYTES = 64_000_000
"""Decoded frames that an open study keeps: six large radiographs, or 120 slices of CT."""


@dataclass(frozen=True)
class ObjectFrames:
    """The frames of one single- or multi-frame object."""

    layout: PixelLayout

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""
        return self.layout.frames, self.layout.rows, self.layout.columns

    def read(self, index: int) -> NDArray[Any]:
        """Frame `index` (from 0), as core.types.FrameSource says."""
        return decode_frame(self.layout, index)


@dataclass(frozen=True)
class SliceFrames:
    """The frames of a series of single-frame objects, one file a frame, in order; all of one size."""

    layouts: tuple[PixelLayout, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""
        return len(self.layouts), self.layouts[0].rows, self.layouts[0].columns

    def read(self, index: int) -> NDArray[Any]:
        """Frame `index` (from 0), as core.types.FrameSource says."""
        if not 0 <= index < len(self.layouts):
            raise OutOfRange("frame", index, f"0 <= frame < {len(self.layouts)}")
        return decode_frame(self.layouts[index], 0)


class RecentFrames:
    """Frames of another source, the last of which stay decoded as long as this does: what a viewer shows a model reads, and a report cites.

    Whoever asks for a frame that another thread decodes waits for it. Frames are shared, so that they cannot be written to.
    """

    def __init__(self, source: FrameSource, most_bytes: int = RECENT_BYTES) -> None:
        self._source, self._most_bytes = source, most_bytes
        self._lock = Lock()
        self._held: dict[int, Future[NDArray[Any]]] = {}  # the last that was asked for stands last

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""
        return self._source.shape

    def read(self, index: int) -> NDArray[Any]:
        """Frame `index` (from 0), as core.types.FrameSource says."""
        with self._lock:
            found = self._held.pop(index, None)
            frame = found or Future()
            self._held[index] = frame
        if found is None:
            self._decode(index, frame)
        return frame.result()

    def _decode(self, index: int, frame: Future[NDArray[Any]]) -> None:
        try:
            decoded = self._source.read(index)
            decoded.flags.writeable = False
            frame.set_result(decoded)
        except BaseException as error:  # it belongs to those who asked; the next may have better luck
            frame.set_exception(error)
        with self._lock:
            if frame.exception() is not None:
                self._held.pop(index, None)
            self._forget_the_oldest()

    def _forget_the_oldest(self) -> None:
        done = {index: frame.result().nbytes for index, frame in self._held.items() if frame.done() and frame.exception() is None}
        held = sum(done.values())
        for index, size in list(done.items())[:-1]:
            if held <= self._most_bytes:
                return
            del self._held[index]
            held -= size


def with_recent_frames(image: Kept) -> Kept:
    """An image as it is kept open: what was decoded last is not decoded again. Of many studies at once that would fill the memory."""
    kept = replace(image, frames=RecentFrames(image.frames)) if isinstance(image, Study) else image
    return cast("Kept", kept)
