"""DICOM images as screens show them: one PNG a file, at the size of its pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import OutOfRange, SightlineError
from core.prepare.windowing import default_window, full_range, has_voi_lut, render, with_overlays
from core.readers import Kind, read_dicom, sniff
from core.readers.sniff import refusal
from core.render.scene import png
from core.sources import Source, Unusable
from core.types import Study, Window
from core.workflows.faults import our_fault


@dataclass(frozen=True)
class RenderedFile:
    """Of one file: its picture, or the error in its place.

    label: the file as it was given. file: the PNG's name. frame: from 0. window: None for a colour image, a VOI LUT and an even image.
    """

    label: str
    file: str = ""
    frame: int = 0
    window: Window | None = None
    error: SightlineError | None = None


def render_files(
    items: Iterable[Source | Unusable], folder: Path, frame: int | None = None, window: Window | None = None
) -> Iterator[RenderedFile]:
    """Write <name>.png of each file into `folder`. What is wrong with one keeps no other from its picture.

    frame: from 0; the first by default. window: instead of the file's own. Overlays are drawn white. Nothing is taken off the picture.
    """
    taken: set[str] = set()
    for item in items:
        if isinstance(item, Unusable):
            yield RenderedFile(item.label, error=item.error)
            continue
        try:
            if sniff(item.path) is not Kind.DICOM:
                raise refusal(item.path, Path(item.label).name, "Give a DICOM file.")
            study = read_dicom(item.path)
            shown = _shown(study, 0 if frame is None else frame, window)
            name = _free(Path(item.label).stem or "image", taken)
            (folder / name).write_bytes(png(with_overlays(study, shown.frame, render(study, shown.frame, shown.given))))
            yield RenderedFile(item.label, name, shown.frame, shown.window)
        except SightlineError as error:
            yield RenderedFile(item.label, error=error)
        except OSError:  # of the folder that is written to
            raise
        except Exception as error:  # of one file; the others go on
            yield RenderedFile(item.label, error=our_fault(error))


@dataclass(frozen=True)
class _Shown:
    frame: int
    given: Window | None
    window: Window | None


def _shown(study: Study, frame: int, window: Window | None) -> _Shown:
    """Which frame, and through which window it is seen. Raises OutOfRange."""
    if not 0 <= frame < study.shape[0]:
        raise OutOfRange("--frame", frame + 1, f"1 to {study.shape[0]}")
    if study.frames.read(frame).ndim == 3:
        return _Shown(frame, None, None)
    if window is not None:
        return _Shown(frame, window, window)
    own = default_window(study, frame)
    return _Shown(frame, None, own if own is not None or has_voi_lut(study, frame) else full_range(study, frame))


def _free(stem: str, taken: set[str]) -> str:
    name, number = f"{stem}.png", 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}.png"
    taken.add(name.casefold())
    return name
