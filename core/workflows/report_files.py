"""A report as files: report.md for people who edit, report.pdf for people who read, report.json for programs.

A map or a comparison of dates and its report appear together: a folder never holds the rasters of one run and the report of another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from core.change.methods.bands import read_by
from core.change.methods.base import Method
from core.explain.catalogue import ranked_methods
from core.export import json, markdown, pdf
from core.export.staging import PREFIX, resumable_folder, staged
from core.inference.engine import ChangeEngine, Engine, engine_for
from core.inference.scenes.tasks import decided_by
from core.inference.scenes.workers import Workers
from core.render.change_details import change_details
from core.render.report_pictures import Captioned, image_pictures
from core.render.report_scenes import change_pictures, map_pictures
from core.report.language import language_of
from core.report.model_facts import model_facts
from core.report.scene_change import change_report
from core.report.scene_map import map_report
from core.types import ChangeMap, Explanation, Image, LandCoverMap, Prediction, Preprocess, Report, Scene
from core.workflows.bands.severity import SEVERITY_FILES
from core.workflows.change import detect_change
from core.workflows.change_files import OPTIONAL_FILES
from core.workflows.change_series import change_series
from core.workflows.image import compose, explain_input, explained_input, predict
from core.workflows.scene_map import map_scene
from core.workflows.zones.files import ZONE_FILES
from models.change_registry import LoadedChangeModel
from models.registry import LoadedModel

PICTURES = "report-*.png"
KEY_DIGITS = 16
"""Of the hash in the name of a folder of strips."""
_Map = TypeVar("_Map", LandCoverMap, ChangeMap)


@dataclass(frozen=True)
class ImageReport:
    """What was found, and the files that tell it: report.md, report.pdf, report.json."""

    prediction: Prediction
    explanation: Explanation | None
    files: tuple[Path, ...]


def report_image(
    image: Image, model: str, folder: Path, language: str = "en", progress: Callable[[int, int], None] | None = None
) -> ImageReport:
    """Predict one image, explain the answer by the method that was found best for it, and write the report into `folder`, which exists.

    An image outside what the model knows gets its report without an explanation. progress: told (done, total) in tiles, then in passes.
    Raises NotFound for an unknown model or language, UnreadableFile.
    """
    engine = engine_for(model)
    prediction, explanation = predict(image, model, watch=progress), None
    given = explained_input(image, engine)
    if prediction.probabilities is not None and not prediction.outside.is_outside:
        target = prediction.named.likeliest
        explanation = explain_input(
            image, engine, given, ranked_methods(engine.model, target)[0], target, reported=prediction, progress=progress
        )
    report = compose(image, prediction, explanation, model, language)
    pictures = image_pictures(image, given, explanation, language_of(language))
    return ImageReport(prediction, explanation, write_report(report, folder, pictures))


@dataclass(frozen=True)
class PairFiles:
    """Of two dates: the name of their sub-folder ("" where there is none), what changed, and the report with its three files."""

    name: str
    change: ChangeMap
    report: Report
    files: tuple[Path, ...]


def write_map(
    scene: Scene, engine: Engine, out: Path, language: str = "en", workers: int | None = None, **wishes: Any
) -> tuple[LandCoverMap, Report, tuple[Path, ...]]:
    """The land cover of a scene and its report in `out`, all at once. wishes: as of map_scene, which raises what this raises.

    workers: so many processes compute it, and a run that is killed leaves the strips that are done in a hidden folder of `out`. The next
    run of processes whose map is decided by the same (core.inference.scenes.tasks.decided_by) goes on from them; whatever else is written
    into `out` supersedes them.
    """
    kept = "" if workers is None else f"{PREFIX}strips-{decided_by(scene, engine)[:KEY_DIGITS]}"
    with staged(out, replacing=(PICTURES, *ZONE_FILES), keeping=kept) as whole, ExitStack() as stack:
        if workers is not None:
            wishes["workers"] = Workers(workers, stack.enter_context(resumable_folder(out, kept)))
        result = map_scene(scene, engine, whole, **wishes)
        report, files = report_map(result, engine, whole, language)
    return _moved(result, whole, out), report, tuple(out / file.name for file in files)


def write_changes(
    scenes: Sequence[Scene], method: Method, engine: Engine | ChangeEngine | None, out: Path, language: str = "en", **wishes: Any
) -> tuple[PairFiles, ...]:
    """What differs between two dates and its report in `out`, all at once; of more dates, each pair in a sub-folder.

    engine: as of report_change. wishes: as of detect_change, which raises what this raises.
    """
    with staged(out, replacing=(PICTURES, *OPTIONAL_FILES, *SEVERITY_FILES)) as whole:
        if len(scenes) > 2:
            results = change_series(scenes, method, whole, **wishes)
        else:
            results = (("", detect_change(scenes[0], scenes[1], method, whole, **wishes)),)
        told = [report_change(result, engine, whole / name, language) for name, result in results]
    return tuple(
        PairFiles(name, _moved(result, whole / name, out / name), report, tuple(out / name / file.name for file in files))
        for (name, result), (report, files) in zip(results, told, strict=True)
    )


def _moved(result: _Map, whole: Path, out: Path) -> _Map:
    """The same result, whose files lie in `out` now."""
    paths = {name: value for name, value in vars(result).items() if isinstance(value, Path) and value.parent == whole}
    files: dict[str, Any] = {name: out / path.name for name, path in paths.items()}
    return replace(result, **files)


def report_map(result: LandCoverMap, engine: Engine, folder: Path, language: str = "en") -> tuple[Report, tuple[Path, ...]]:
    """The report of a land-cover map, and its files in `folder`. Raises NotFound for a language without templates."""
    pictures = map_pictures(result, engine.model.preprocess, language_of(language))
    report = map_report(result, model_facts(engine.model), language=language)
    return report, write_report(report, folder, pictures)


def report_change(
    result: ChangeMap, engine: Engine | ChangeEngine | None, folder: Path, language: str = "en"
) -> tuple[Report, tuple[Path, ...]]:
    """The report of two dates, and its files in `folder`. engine: None for a method without a model.

    Raises NotFound for a language without templates.
    """
    pictured, words = pictured_by(result, engine.model if engine is not None else None), language_of(language)
    report = change_report(result, model_facts(engine.model) if engine is not None else None, language=language)
    details = change_details(result, pictured, words) if report.withheld is None else ()
    return report, write_report(report, folder, change_pictures(result, pictured, words), details)


def pictured_by(result: LandCoverMap | ChangeMap, model: LoadedModel | LoadedChangeModel | None) -> Preprocess:
    """Which bands the pictures of a result show: those of its model, or those that were compared without one."""
    return model.preprocess if model is not None else read_by(result.parameters["bands"]).preprocess


def write_report(report: Report, folder: Path, pictures: Sequence[Captioned] = (), details: Sequence[Captioned] = ()) -> tuple[Path, ...]:
    """Write report.md (its pictures as PNG beside it), report.pdf and report.json into `folder`, all at once. Returns the three.

    pictures: (caption, uint8 [rows, columns, 3]) in the order in which they are shown; of an explained image the last one is the overlay.
    details: those that come last: where the largest changes lie, and each of them.
    """
    names = tuple(f"report.{ending}" for ending in ("md", "pdf", "json"))
    with staged(folder, replacing=(PICTURES,)) as whole:
        markdown.write(report, whole / names[0], [*pictures, *details])
        pdf.write(report, whole / names[1], pictures, details)
        json.write(report, whole / names[2])
    return tuple(folder / name for name in names)
