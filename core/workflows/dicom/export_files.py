"""Files and series on disk become files of DICOM objects: one series after another, nothing that is wrong with one keeps the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.deidentify.pseudonyms import Pseudonyms
from core.errors import InputError, SightlineError
from core.export.dicom.objects import write_object
from core.readers import Kind, read_dicom, read_series, sniff
from core.sources import Source, Unusable
from core.types import Prediction, Study
from core.workflows.dicom.export import answered_image, export_objects
from core.workflows.faults import our_fault


@dataclass(frozen=True)
class ExportedSeries:
    """Of one series: its first file, the names of the files that were written, and the answer; or the error in their place."""

    label: str
    files: tuple[str, ...] = ()
    prediction: Prediction | None = None
    error: SightlineError | None = None


def export_files(
    items: Iterable[Source | Unusable], model: str, kind: str, folder: Path, pseudonyms: Pseudonyms | None = None
) -> Iterator[ExportedSeries]:
    """Write the objects of one kind (core.workflows.dicom.export.OBJECT_KINDS) for each series among the files into `folder`, which exists.

    Raises NotFound for an unknown model, OutOfRange for another kind, DeviceError where the device gives out.
    """
    every = list(items)
    label_of = {one.path: one.label for one in every if isinstance(one, Source) and sniff(one.path) is Kind.DICOM}
    try:
        studies = read_series(list(label_of), "series") if label_of else ()
    except SightlineError:
        studies = ()  # each file says for itself what is wrong with it
    for number, study in enumerate(studies, start=1):
        yield _exported(study, label_of[study.sources[0]], model, kind, folder, number, pseudonyms)
    used = {path for study in studies for path in study.sources}
    for path in label_of.keys() - used:
        try:
            read_dicom(path)  # an exact copy of another, which is no fault
        except SightlineError as error:
            yield ExportedSeries(label_of[path], error=error)
    for one in every:
        if isinstance(one, Unusable):
            yield ExportedSeries(one.label, error=one.error)
        elif one.path not in label_of:
            wrong = InputError(f"{one.path.name} is no DICOM file.", "Objects of DICOM belong to the study of their source.")
            yield ExportedSeries(one.label, error=wrong)


def _exported(study: Study, label: str, model: str, kind: str, folder: Path, number: int, pseudonyms: Pseudonyms | None) -> ExportedSeries:
    try:
        told = answered_image(study, model, kind)
        made = export_objects(told, kind, pseudonyms)
        names = tuple(f"series-{number:03d}-{kind}{'' if len(made) == 1 else f'-{place:03d}'}.dcm" for place in range(1, len(made) + 1))
        for name, one in zip(names, made, strict=True):
            write_object(one, folder / name)
    except SightlineError as error:
        if error.exit_status != 2:  # the device, not the file
            raise
        return ExportedSeries(label, error=error)
    except Exception as error:  # of one series; the others go on
        return ExportedSeries(label, error=our_fault(error))
    return ExportedSeries(label, names, told.prediction)
