"""The files of one or several DICOM series become Studies: a volume where the slices prove to be one, separate slices otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydicom import Dataset

from core.errors import InputError, NotFound
from core.readers.dicom.frames import SliceFrames
from core.readers.dicom.image import ReadObject, read_object
from core.readers.dicom.overlays import SliceOverlays
from core.readers.dicom.stacks import SliceGroup, groups_of
from core.readers.digest import sha256_of_all
from core.types import Notice, Study, notice

_Told = TypeVar("_Told")
_NAMED_LEFT_OUT = 3
OF_ONE_SLICE = frozenset({"ImagePositionPatient", "InstanceNumber"})
"""What the header of a series does not say, since it is of one slice."""


def read_series(paths: Sequence[Path], name: str) -> tuple[Study, ...]:
    """Read the headers of all files, group them by series, and order the slices by their position along the normal.

    Pixels stay in the files. Each regular stack becomes one Study with is_volume; slices that are no regular stack become one
    Study of separate slices with the reason in its assumptions; a multi-frame object, a localizer or a projection stands alone.
    Files that are no DICOM images are left out and counted in the assumptions.
    Raises what the first file raises where none can be read; NotFound for no paths.
    """
    if not paths:
        raise NotFound(f"{name} holds no files.", "Choose a folder with DICOM files.")
    objects, left_out = _read(paths)
    studies = [_study(group, name) for group in _groups(objects)]
    note = _left_out(left_out)
    return tuple(
        replace(
            study,
            name=name if len(studies) == 1 else f"{name} ({index} of {len(studies)})",
            assumptions=(*study.assumptions, *note),
        )
        for index, study in enumerate(studies, start=1)
    )


def _read(paths: Sequence[Path]) -> tuple[list[ReadObject], list[tuple[Path, InputError]]]:
    objects, left_out = [], []
    for path in paths:
        try:
            objects.append(read_object(path))
        except InputError as error:
            left_out.append((path, error))
    if not objects:
        raise left_out[0][1]
    return objects, left_out


def _groups(objects: Sequence[ReadObject]) -> list[SliceGroup]:
    by_series: dict[str, list[ReadObject]] = defaultdict(list)
    for number, read in enumerate(objects):
        is_alone = not read.series_uid or read.layout.frames > 1
        by_series[f"alone {number}" if is_alone else read.series_uid].append(read)
    return [
        group
        for members in by_series.values()
        for group in ([SliceGroup((members[0],))] if members[0].layout.frames > 1 else groups_of(members))
    ]


def _study(group: SliceGroup, name: str) -> Study:
    first = group.members[0].study
    notes = list(group.notes)
    if len(group.members) == 1:
        return replace(first, assumptions=(*first.assumptions, *notes))
    if group.reason is not None:
        notes.insert(0, notice("dicom.no-volume", slices=len(group.members), reason=group.reason))
    studies = [member.study for member in group.members]
    overlays = tuple(member.overlays for member in group.members)
    header = Dataset()
    for element in first.header:
        if element.keyword not in OF_ONE_SLICE:
            header[element.tag] = element
    return Study(
        name=name,
        sha256=sha256_of_all(study.sha256 for study in studies),
        frames=SliceFrames(tuple(member.layout for member in group.members)),
        overlays=SliceOverlays(overlays) if any(overlays) else None,
        header=header,
        frame_headers=_display_headers(studies),
        modality=first.modality,
        body_part=first.body_part,
        view=first.view,
        photometric=first.photometric,
        sop_class_uid=first.sop_class_uid,
        age_years=first.age_years,
        sex=first.sex,
        spacing_mm=first.spacing_mm,
        slice_spacing_mm=group.spacing_mm,
        orientation=first.orientation,
        positions=tuple(position for study in studies for position in study.positions),
        series=first.series,
        instance_numbers=_of_all([study.instance_numbers for study in studies]),
        kernels=_of_all([study.kernels for study in studies]),
        is_volume=group.reason is None,
        sources=tuple(source for study in studies for source in study.sources),
        assumptions=tuple(dict.fromkeys([*(note for study in studies for note in study.assumptions), *notes])),
    )


def _of_all(told: Sequence[tuple[_Told, ...]]) -> tuple[_Told, ...]:
    """What each of the slices tells; () where one of them does not."""
    return tuple(one[0] for one in told) if all(told) else ()


def _display_headers(studies: Sequence[Study]) -> tuple[Dataset, ...]:
    """One a slice; equal ones are one object, as most slices of a scanner differ in nothing."""
    headers: list[Dataset] = []
    for study in studies:
        own = study.frame_headers[0]
        headers.append(headers[-1] if headers and headers[-1] == own else own)
    return (headers[0],) if all(header is headers[0] for header in headers) else tuple(headers)


def _left_out(left_out: Sequence[tuple[Path, InputError]]) -> tuple[Notice, ...]:
    if not left_out:
        return ()
    files = tuple(path.name for path, _ in left_out[:_NAMED_LEFT_OUT])
    more = len(left_out) - len(files)
    return (notice("dicom.left-out-more", files=files, more=more) if more else notice("dicom.left-out", files=files),)
