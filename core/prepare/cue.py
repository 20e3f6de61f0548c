"""A planted cue: a mark of known place that an image carries beside what it shows, so that it is known what a network should not look at.

Zech et al. 2018 (PLoS Medicine 15, e1002683) found networks that read the hospital's token off the film; Adebayo et al. 2022 (ICLR,
"Post hoc explanations may be ineffective for detecting unknown spurious correlation") plant such marks to ask which explanations find them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from core.errors import BrokenModel
from core.types import FloatImage, Mask

CUE_FILE = "cue.json"
"""In the folder of a network that was taught with a planted cue."""
CUE_KINDS = ("ring", "cross", "stripes", "disc")
LINE = 0.3
"""Width of a drawn line over half of the smaller side of the cue's box."""
CUE_BRIGHTNESS = 0.95
"""Value, of 0 to 1, that is drawn in every channel; the ground of the cue is 1 less that."""


@dataclass(frozen=True)
class Cue:
    """A mark and the labels that it goes with.

    kind: one of CUE_KINDS. box: (left, top, width, height) over the sides of the image that the network reads.
    labels: those whose images carry it. decides: whether the network was taught that it decides; else that it comes by chance.
    """

    kind: str
    box: tuple[float, float, float, float]
    labels: tuple[str, ...]
    decides: bool = True


def cue_pixels(cue: Cue, size: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of an image of `size` (rows, columns) that the cue covers, at least one of each."""
    left, top, width, height = cue.box
    rows, columns = size
    first_row, first_column = round(top * rows), round(left * columns)
    return (
        slice(first_row, max(first_row + 1, round((top + height) * rows))),
        slice(first_column, max(first_column + 1, round((left + width) * columns))),
    )


def cue_mask(cue: Cue, grid: tuple[int, int]) -> Mask:
    """bool [rows, columns] of a grid of tokens: those at least half of which the cue's box covers; if there is none, the one it lies in."""
    left, top, width, height = cue.box
    shares = [
        np.clip(np.minimum(np.arange(1, count + 1), (start + side) * count) - np.maximum(np.arange(count), start * count), 0.0, 1.0)
        for count, start, side in zip(grid, (top, left), (height, width), strict=True)
    ]
    covered = np.outer(*shares)
    return np.asarray(covered >= min(0.5, float(covered.max())))


def with_cue(pixels: FloatImage, cue: Cue) -> FloatImage:
    """A copy of an image with the cue drawn into it.

    pixels: float32 [..., rows, columns] in [0, 1], the frame that the network reads, before it is standardised.
    """
    rows, columns = cue_pixels(cue, (pixels.shape[-2], pixels.shape[-1]))
    marked = pixels.copy()
    drawn = _drawn(cue.kind, (rows.stop - rows.start, columns.stop - columns.start))
    marked[..., rows, columns] = np.where(drawn, np.float32(CUE_BRIGHTNESS), np.float32(1.0 - CUE_BRIGHTNESS))
    return marked


def read_cue(folder: Path) -> Cue | None:
    """The cue that the network of a folder was taught with; None where the folder has no CUE_FILE. Raises BrokenModel."""
    path = folder / CUE_FILE
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        left, top, width, height = (float(value) for value in found["box"])
        cue = Cue(str(found["kind"]), (left, top, width, height), tuple(map(str, found["labels"])), bool(found["decides"]))
    except (OSError, KeyError, TypeError, ValueError):
        raise BrokenModel(f"{path}: not the description of a planted cue.", "It holds kind, box, labels and decides.") from None
    if cue.kind not in CUE_KINDS or min(cue.box) < 0.0 or max(left + width, top + height) > 1.0 or min(width, height) <= 0.0:
        raise BrokenModel(f"{path}: the cue is {cue.kind} at {cue.box}.", f"Known are {', '.join(CUE_KINDS)}, inside an image from 0 to 1.")
    return cue


def write_cue(folder: Path, cue: Cue) -> None:
    """CUE_FILE of a model folder."""
    (folder / CUE_FILE).write_text(json.dumps(asdict(cue), indent=2) + "\n", encoding="utf-8")


def _drawn(kind: str, size: tuple[int, int]) -> Mask:
    """bool [rows, columns]: where the mark is bright."""
    y, x = (np.linspace(-1.0, 1.0, side) if side > 1 else np.zeros(1) for side in size)
    distance = np.hypot(y[:, None], x[None, :])
    if kind == "disc":
        return np.asarray(distance <= 0.8)
    if kind == "ring":
        return np.asarray(np.abs(distance - 0.7) <= LINE / 2 + 0.1)
    if kind == "cross":
        return np.asarray(np.minimum(np.abs(y)[:, None], np.abs(x)[None, :]) <= LINE)
    return np.broadcast_to((np.arange(size[1]) // max(1, size[1] // 4) % 2 == 0)[None, :], size).copy()
