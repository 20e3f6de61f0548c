"""One image: from files to what is open, from there to a prediction, an explanation, and a report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError, OutOfRange, SightlineError
from core.explain.inside import with_inside
from core.explain.regions import region_of
from core.explain.views import what_differs
from core.inference.engine import Engine, engine_for
from core.inference.prediction import predict_input
from core.jobs import Lane
from core.prepare.ct import plane_of, window_about
from core.prepare.domains import image_domain
from core.prepare.inputs import frame_answered, to_input
from core.prepare.scene_input import input_at
from core.prepare.sides import side_at_right
from core.readers import Kind, SceneOptions, read_dicom, read_image, read_series, sniff
from core.report.image import image_report
from core.report.model_facts import model_facts
from core.report.notices import say
from core.sources import Source, Unusable, walk
from core.types import Explanation, Image, ModelInput, Notice, Picture, Prediction, Preprocess, Progress, Report, Scene, Study, Target
from core.workflows.ct_search import is_searched_by, search_ct, slab_words
from core.workflows.faults import our_fault
from core.workflows.large_images import is_large, predict_large

if TYPE_CHECKING:
    from core.explain.registry import Told


@dataclass(frozen=True)
class Opened:
    """What could be read, in the order of the files, and what could not: (label, why)."""

    images: tuple[Image, ...]
    refused: tuple[tuple[str, SightlineError], ...]


def open_images(
    paths: Sequence[Path], workspace: Path, watch: Progress, options: SceneOptions | None = None, *, as_series: bool = True
) -> Opened:
    """Read files, folders and zip archives. Nothing that is wrong with one file keeps the others from being opened.

    workspace: where archives are unpacked; it must live as long as the images. watch: told (done, total) in files; what it raises ends
    the work. as_series: DICOM files of one series become one Study; else each file stands alone.
    """
    found = list(walk(paths, workspace))
    refused = [(item.label, item.error) for item in found if isinstance(item, Unusable)]
    sources = [item for item in found if isinstance(item, Source)]
    slices = [source for source in sources if as_series and sniff(source.path) is Kind.DICOM]
    images: list[Image] = []
    watch(0, len(sources))
    if len(slices) > 1:
        series, unread = _as_series(slices, _name(paths, slices))
        images += series
        refused += unread
    for done, source in enumerate(sources, start=1):
        if len(slices) < 2 or source not in slices:
            try:
                images.append(read_image(source.path, options=options))
            except SightlineError as error:
                refused.append((source.label, error))
            except Exception as error:  # of one file; the others go on
                refused.append((source.label, our_fault(error)))
        watch(done, len(sources))
    return Opened(tuple(images), tuple(refused))


def lane_of(image: Image) -> Lane:
    """Where an answer for it waits: a series is searched slice by slice."""
    return Lane.HEAVY if isinstance(image, Study) and image.shape[0] > 1 else Lane.SHORT


def predict(image: Image, model: str, frame: int | None = None, watch: Progress | None = None) -> Prediction:
    """What a model says about an image: of a scene larger than its input the mean over tiles, of CT its best window.

    frame: of a study of several frames, from 0; the middle one by default, of CT all. watch: told (done, total) in tiles or slices.
    Raises NotFound for an unknown model, OutOfRange for a frame that is not there, UnreadableFile for pixels that cannot be decoded.
    """
    engine = engine_for(model)
    if is_large(image, engine.model.preprocess):
        return predict_large(image, engine, frame, watch)
    began = time.perf_counter()
    given = to_input(image, engine.model.preprocess, frame)
    seconds = {"prepare": time.perf_counter() - began}
    return predict_input(engine.interactive, given, seconds=seconds, frame=frame_answered(image, given))


def explain_image(
    image: Image,
    model: str,
    method: str,
    target: str | None = None,
    frame: int | None = None,
    at: tuple[float, float] | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Where a model looked, and how far that can be believed.

    target: a label, the most probable that may be named by default. frame: from 0, the middle one by default. at: (column, row) of the
    window of a scene or of a CT slice; the centre of the one, the best window of the other by default. progress: told (done, total) in
    forward passes; what it raises ends the work.
    Raises NotFound for an unknown model, method or label; OutOfRange; InputError where the image cannot become an input,
    and for an image outside what the model knows where no target is named.
    """
    engine = engine_for(model).interactive
    given = explained_input(image, engine, frame, at)
    check_explainable(given)
    return explain_input(image, engine, given, method, target or named_target(engine, given), progress=progress)


def explain_input(
    image: Image,
    engine: Engine,
    given: ModelInput,
    method: str,
    target: Target | str,
    *,
    parameters: Mapping[str, Any] | None = None,
    random_maps: int | None = None,
    reported: Prediction | None = None,
    progress: Progress | None = None,
    told: Told | None = None,
) -> Explanation:
    """The explanation of one input of an image, with where its weight lies, and with what of the reported answer it is not of.

    parameters, random_maps, progress, told: as of core.explain.registry.explain, and raises as it does.
    reported: what people are told of the image, where that is not the answer to this input alone.
    """
    from core.explain.registry import explain  # torch, which an answer alone does without

    made = explain(engine, given, method, target, parameters=parameters, random_maps=random_maps, progress=progress, told=told)
    differs = what_differs(engine, given, made.target, reported)
    return with_inside(replace(made, assumptions=(*made.assumptions, *differs)), image, given, engine.model.preprocess)


def named_target(engine: Engine, given: ModelInput) -> str:
    """What is explained where nobody chose: the most probable label that may be named. Raises InputError for a refused image."""
    prediction = predict_input(engine, given)
    if prediction.outside.is_outside:
        reason = f"The image is outside what the model knows. {say(prediction.outside.reason)}".strip()
        raise InputError(reason, "Name a label to see how the model reacts; that is not a finding.")
    return prediction.named.likeliest


def check_explainable(given: ModelInput) -> None:
    """Raises InputError, with the reason, where an image could not become an input."""
    if given.is_empty:
        raise InputError(f"There is no input to explain. {say(given.refusal)}".strip(), "Choose an image that the model can read.")


def explained_input(
    image: Image, engine: Engine, frame: int | None = None, at: tuple[float, float] | None = None, watch: Progress | None = None
) -> ModelInput:
    """The input that `explain_image` explains. watch: told (done, total) in slices while CT is searched for it.

    Raises OutOfRange for a place in an image that has no windows, or outside it.
    """
    preprocess = engine.model.preprocess
    if not isinstance(image, Scene) and is_searched_by(image, preprocess):
        return _ct_window(image, engine, frame, at, watch)
    if at is None:
        return to_input(image, preprocess, frame)
    if not isinstance(image, Scene) or not image_domain(preprocess.domain).makes_maps:
        allowed = "a place in a satellite scene or a CT slice, for a model that reads such images"
        raise OutOfRange("at", f"{at[0]:g} {at[1]:g}", allowed)
    return input_at(image, preprocess, int(at[0]), int(at[1]))


def _ct_window(
    image: Study | Picture, engine: Engine, frame: int | None, at: tuple[float, float] | None, watch: Progress | None
) -> ModelInput:
    """The window about a place of a slice, the middle one of a series by default; without a place the best window of all."""
    if at is None:
        window = search_ct(image, engine, frame, watch).window
    else:
        chosen = frame if frame is not None else image.shape[0] // 2 if isinstance(image, Study) else 0
        window = window_about(plane_of(image, engine.model.preprocess, chosen), *at, engine.model.preprocess)
    return replace(window, assumptions=(*image.assumptions, *slab_words(image), *window.assumptions))


def compose(image: Image, prediction: Prediction, explanation: Explanation | None, model: str, language: str = "en") -> Report:
    """The report of one image. Raises NotFound for an unknown model, or a language without templates."""
    engine = engine_for(model)
    preprocess = engine.model.preprocess
    is_told = explanation is not None and not is_large(image, preprocess) and not prediction.outside.is_outside  # no word suits a window
    region = _region(image, prediction, explanation, preprocess) if explanation is not None and is_told else None
    return image_report(image, prediction, explanation, model_facts(engine.model), region=region, language=language)


def _region(image: Image, prediction: Prediction, explanation: Explanation, preprocess: Preprocess) -> Notice | None:
    """Where the map of a whole image is strongest, by lung fields where they were found."""
    given = to_input(image, preprocess, prediction.frame)
    lungs = image_domain(preprocess.domain).parts(image, given, preprocess).get("lungs")
    fits = lungs if lungs is not None and lungs.shape == explanation.saliency.shape else None
    return region_of(explanation.saliency, preprocess.domain, side_at_right(image), fits)


def _as_series(slices: Sequence[Source], name: str) -> tuple[list[Image], list[tuple[str, SightlineError]]]:
    """Studies, and what is wrong with the files that are in none of them (exact copies of others are no fault)."""
    try:
        studies = read_series([source.path for source in slices], name)
    except SightlineError:
        studies = ()
    if not name:
        studies = tuple(replace(study, name=_name_of_files(study)) for study in studies)
    used = {path for study in studies for path in study.sources}
    refused = []
    for source in slices:
        if source.path not in used:
            try:
                read_dicom(source.path)
            except SightlineError as error:
                refused.append((source.label, error))
    return list(studies), refused


def _name_of_files(study: Study) -> str:
    first, others = study.sources[0].name, len(study.sources) - 1
    return f"{first} and {others:,} more" if others else first


def _name(paths: Sequence[Path], slices: Sequence[Source]) -> str:
    """What the series in one folder or archive are called; "" for a heap of files, of which each series is called after its own."""
    return paths[0].name if len(paths) == 1 else ""
