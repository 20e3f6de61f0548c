"""Evidence on disk, between the pass that computes it and the one that decides: a whole scene of it would not fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np

from core.change.evidence import Evidence

_PIXEL = np.dtype([("score", "<f4"), ("before", "u1"), ("after", "u1")])
STRIP_PIXELS = 4_000_000
"""Pixels that are read at a time (28 MB)."""


class EvidenceFile:
    """The evidence of every pixel, row by row; a context manager that closes the file. Removing it is up to whoever chose its place."""

    def __init__(self, path: Path, width: int) -> None:
        self._width = width
        self._file = path.open("w+b")

    def __enter__(self) -> EvidenceFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def append(self, evidence: Evidence) -> None:
        """The next strip, [rows, width]."""
        pixels = np.empty(evidence.score.shape, dtype=_PIXEL)
        for name in _PIXEL.names or ():
            pixels[name] = getattr(evidence, name)
        self._file.write(pixels.data)

    def strips(self) -> Iterator[tuple[int, Evidence]]:
        """(first row, evidence) from top to bottom, once everything was appended; the strips need not be those that were appended."""
        self._file.flush()
        self._file.seek(0)
        rows, top = max(1, STRIP_PIXELS // self._width), 0
        while held := self._file.read(rows * self._width * _PIXEL.itemsize):
            evidence = self._evidence(held)
            yield top, evidence
            top += len(evidence.score)

    def rows(self, top: int, count: int) -> Evidence:
        """So many rows from `top` on, once everything was appended."""
        self._file.flush()
        self._file.seek(top * self._width * _PIXEL.itemsize)
        return self._evidence(self._file.read(count * self._width * _PIXEL.itemsize))

    def _evidence(self, held: bytes) -> Evidence:
        pixels = np.frombuffer(held, dtype=_PIXEL).reshape(-1, self._width)
        return Evidence(*(np.ascontiguousarray(pixels[name]) for name in ("score", "before", "after")))
