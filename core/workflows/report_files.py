"""A report as files: report.md for people who edit, report.pdf for people who read, report.json for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.explain.registry import explain
from core.export import json, markdown, pdf
from core.inference.change_engine import ChangeEngine
from core.inference.engine import Engine, engine_for
from core.render.report_pictures import Captioned, classes_picture, image_pictures, scene_picture
from core.report.language import language_of
from core.report.model_facts import model_facts
from core.report.scene_change import change_report
from core.report.scene_map import map_report
from core.types import ChangeMap, Explanation, Image, LandCoverMap, Prediction, Progress, Report
from core.workflows.image import compose, explained_input, predict
from models.registry import FIRST_METHOD


@dataclass(frozen=True)
class ImageReport:
    """What was found, and the files that tell it: report.md, report.pdf, report.json."""

    prediction: Prediction
    explanation: Explanation | None
    files: tuple[Path, ...]


def report_image(image: Image, model: str, folder: Path, language: str = "en", progress: Progress | None = None) -> ImageReport:
    """Predict one image, explain the answer by the model's first method, and write the report into `folder`, which exists.

    An image that cannot become an input gets its report without an explanation. progress: told (done, total) in tiles, then in passes.
    Raises NotFound for an unknown model or language, UnreadableFile.
    """
    engine = engine_for(model)
    prediction, explanation = predict(image, model, watch=progress), None
    given = explained_input(image, engine)
    if prediction.probabilities is not None:
        likeliest = prediction.labels[int(np.argmax(prediction.probabilities))]
        explanation = explain(engine, given, FIRST_METHOD, likeliest, progress=progress)
    report = compose(image, prediction, explanation, model, language)
    pictures = image_pictures(image, given, explanation, language_of(language))
    return ImageReport(prediction, explanation, write_report(report, folder, pictures))


def report_map(result: LandCoverMap, engine: Engine, folder: Path, language: str = "en") -> tuple[Report, tuple[Path, ...]]:
    """The report of a land-cover map, and its files in `folder`. Raises NotFound for a language without templates."""
    words = language_of(language)
    pictures = [
        (words.words["picture_scene"], scene_picture(result.scene, engine.model.preprocess)),
        (words.words["picture_classes"], classes_picture(result.landcover, _in_words(result.labels, words.labels))),
    ]
    report = map_report(result, model_facts(engine.model), language=language)
    return report, write_report(report, folder, pictures)


def report_change(result: ChangeMap, engine: Engine | ChangeEngine, folder: Path, language: str = "en") -> tuple[Report, tuple[Path, ...]]:
    """The report of two dates, and its files in `folder`. Raises NotFound for a language without templates."""
    words, preprocess = language_of(language), engine.model.preprocess
    states = (words.words["unchanged"], words.words["changed"])
    pictures = [
        (words.words["picture_before"], scene_picture(result.before, preprocess)),
        (words.words["picture_after"], scene_picture(result.after, preprocess)),
        (words.words["picture_change"], classes_picture(result.change, states)),
    ]
    report = change_report(result, model_facts(engine.model), language=language)
    return report, write_report(report, folder, pictures)


def write_report(report: Report, folder: Path, pictures: Sequence[Captioned] = ()) -> tuple[Path, ...]:
    """Write report.md (its pictures as PNG beside it), report.pdf and report.json into `folder`, which exists. Returns the three.

    pictures: (caption, uint8 [rows, columns, 3]) in the order in which they are shown; of an explained image the last one is the overlay.
    """
    paths = tuple(folder / f"report.{ending}" for ending in ("md", "pdf", "json"))
    markdown.write(report, paths[0], pictures)
    pdf.write(report, paths[1], pictures)
    json.write(report, paths[2])
    return paths


def _in_words(labels: Sequence[str], table: Mapping[str, str]) -> list[str]:
    return [table.get(label, label) for label in labels]
