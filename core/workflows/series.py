"""Many files, one answer a DICOM series: slices that are one volume are searched as one, and others are told to be none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.errors import InputError, SightlineError
from core.inference.engine import Engine
from core.inference.prediction import predict_input
from core.prepare.inputs import frame_answered, to_input
from core.readers import Kind, SceneOptions, read_dicom, read_series, sniff
from core.readers.dicom.ways_out import WayOut, taken, ways_out
from core.report.notices import say
from core.sources import Source, Unusable
from core.types import Notice, Prediction, Study
from core.workflows.ct_search import is_searched_by, search_ct
from core.workflows.faults import our_fault
from core.workflows.files import predict_files

SEPARATELY = "Without --series each slice is read by itself."


@dataclass(frozen=True)
class SeriesAnswer:
    """Of one series, or one file that is in none: its first file, how many slices it has, and its prediction or the error in its place."""

    label: str
    slices: int
    prediction: Prediction | None = None
    error: SightlineError | None = None


def predict_series(
    items: Iterable[Source | Unusable], engine: Engine, options: SceneOptions | None = None, way: WayOut | None = None
) -> Iterator[SeriesAnswer]:
    """An answer for each series, then for each file that is no DICOM. Nothing that is wrong with one keeps the others from theirs.

    way: the way out that is taken where the slices of a series are no volume.
    Raises DeviceError where the device gives out.
    """
    every = list(items)
    slices = [one for one in every if isinstance(one, Source) and sniff(one.path) is Kind.DICOM]
    yield from _of_series(slices, engine, way)
    taken = set(slices)
    for answer in predict_files((one for one in every if one not in taken), engine, options):
        yield SeriesAnswer(answer.label, 1, answer.prediction, answer.error)


def _of_series(sources: list[Source], engine: Engine, way: WayOut | None) -> Iterator[SeriesAnswer]:
    label_of = {source.path: source.label for source in sources}
    try:
        studies = read_series(list(label_of), "series") if sources else ()
    except SightlineError:
        studies = ()  # each file says for itself what is wrong with it
    for study in studies:
        try:
            parts = resolved(study, way)
        except SightlineError as error:
            yield SeriesAnswer(label_of[study.sources[0]], study.shape[0], error=error)
            continue
        for part in parts:
            yield _answer(part, label_of[part.sources[0]], engine, is_loose=way is WayOut.SLICES)
    used = {path for study in studies for path in study.sources}
    for source in sources:
        if source.path not in used:
            try:
                read_dicom(source.path)  # an exact copy of another, which is no fault
            except SightlineError as error:
                yield SeriesAnswer(source.label, 0, error=error)


def _answer(study: Study, label: str, engine: Engine, *, is_loose: bool) -> SeriesAnswer:
    count = study.shape[0]
    try:
        if is_searched_by(study, engine.model.preprocess):
            if not is_loose:
                check_volume(study, hint_of(study))
            return SeriesAnswer(label, count, search_ct(study, engine).prediction)
        given = to_input(study, engine.model.preprocess)
        return SeriesAnswer(label, count, predict_input(engine, given, frame=frame_answered(study, given)))
    except SightlineError as error:
        if error.exit_status != 2:  # the device, not the file
            raise
        return SeriesAnswer(label, count, error=error)
    except Exception as error:  # of one series; the others go on
        return SeriesAnswer(label, count, error=our_fault(error))


def resolved(study: Study, way: WayOut | None) -> tuple[Study, ...]:
    """What a way out makes of a study: itself where it needs none or none is taken. Raises OutOfRange where that way is not offered."""
    needs_none = way is None or study.is_volume or study.shape[0] == 1
    return (study,) if way is None or needs_none else taken(study, way)


def hint_of(study: Study, otherwise: str = SEPARATELY, without: WayOut | None = None) -> str:
    """What a person can do with slices that are no volume, by the options of the command line; without: a way that is not told."""
    ways = [str(offer.way) for offer in ways_out(study) if offer.way is not without]
    return f"{otherwise} Or take a way out: --way-out {' or --way-out '.join(ways)}." if ways else otherwise


def check_volume(study: Study, hint: str = SEPARATELY) -> None:
    """Raises InputError, with the reason, for slices that are no volume; one slice needs to be none."""
    if study.shape[0] == 1 or study.is_volume:
        return
    told = next((one["reason"] for one in study.assumptions if one.code == "dicom.no-volume"), None)
    reason = say(told) if isinstance(told, Notice) else "the file does not place them one behind the other at even distances"
    raise InputError(f"The {study.shape[0]} slices are no volume: {reason}.", hint)
