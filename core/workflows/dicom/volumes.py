"""The geometry of series: which of them are volumes, and why the others are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.errors import InputError, SightlineError
from core.readers import Kind, read_dicom, read_series, sniff
from core.readers.dicom.ways_out import WayOut, ways_out
from core.sources import Source, Unusable
from core.types import Study
from core.workflows.series import check_volume, hint_of, resolved


@dataclass(frozen=True)
class SeriesGeometry:
    """Of one series, or of one file that is in none.

    label: its first file. shape: (slices, rows, columns). spacing_mm: in that order. orientation: the six direction cosines of rows and
    columns (PS3.3 C.7.6.2.1.1). kernel, thickness_mm: "" and None where not told. error: why it is no volume, in place of the others.
    ways_out: what can be done where it is no volume.
    """

    label: str
    shape: tuple[int, int, int] | None = None
    spacing_mm: tuple[float, float, float] | None = None
    orientation: tuple[float, ...] | None = None
    kernel: str = ""
    thickness_mm: float | None = None
    ways_out: tuple[WayOut, ...] = ()
    error: SightlineError | None = None


def series_geometry(items: Iterable[Source | Unusable], way: WayOut | None = None) -> Iterator[SeriesGeometry]:
    """A line for each series among the files, then one for each that cannot be read; what is no DICOM at all is left out.

    way: the way out that is taken where slices are no volume.
    """
    every = list(items)
    label_of = {one.path: one.label for one in every if isinstance(one, Source) and sniff(one.path) is Kind.DICOM}
    try:
        studies = read_series(list(label_of), "series") if label_of else ()
    except SightlineError:
        studies = ()  # each file says for itself what is wrong with it
    for study in studies:
        try:
            for part in resolved(study, way):
                yield _geometry(part, label_of[part.sources[0]])
        except SightlineError as error:
            yield SeriesGeometry(label_of[study.sources[0]], error=error)
    used = {path for study in studies for path in study.sources}
    for path in label_of.keys() - used:
        try:
            read_dicom(path)  # an exact copy of another, which is no fault
        except SightlineError as error:
            yield SeriesGeometry(label_of[path], error=error)
    yield from (SeriesGeometry(one.label, error=one.error) for one in every if isinstance(one, Unusable))


def _geometry(study: Study, label: str) -> SeriesGeometry:
    try:
        check_volume(study, hint_of(study, "Look at its slices one by one.", WayOut.SLICES))
        if not study.is_volume or study.spacing_mm is None or study.slice_spacing_mm is None:
            raise InputError("One image alone is no volume.", "Give a folder that holds the slices of a series.")
    except SightlineError as error:
        offered = tuple(offer.way for offer in ways_out(study) if offer.way is not WayOut.SLICES)
        return SeriesGeometry(label, kernel=study.kernel, thickness_mm=study.thickness_mm, ways_out=offered, error=error)
    orientation = tuple(study.orientation) if study.orientation else None
    spacing = (study.slice_spacing_mm, *study.spacing_mm)
    return SeriesGeometry(label, study.shape, spacing, orientation, study.kernel, study.thickness_mm)
