"""`sightline predict`: what a model says about each file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.options import Bands, Json, Model, Offset, Paths, Scale, WayOutOption, scene_options, way_out_of
from core.cli.output import Assumptions, about, print_json, print_line, say_aside
from core.cli.progress import Ticker
from core.errors import InputError, NotFound
from core.report.headline import headline_words
from core.report.notices import say as words_of
from core.report.notices import say_all

if TYPE_CHECKING:
    from core.types import Prediction
    from core.workflows.files import FileAnswer
    from core.workflows.series import SeriesAnswer


def predict(
    paths: Paths,
    model: Model,
    bands: Bands = "",
    scale: Scale = None,
    offset: Offset = None,
    as_series: Annotated[
        bool, typer.Option("--series", help="One line a DICOM series, searched as one volume, instead of one a file.")
    ] = False,
    way_out: WayOutOption = "",
    as_json: Json = False,
) -> int:
    """Predict each file: one line a file, or with --json one object a line."""
    from core.cli.sources import files_of, workspace
    from core.inference.engine import engine_for
    from core.workflows.files import predict_files
    from core.workflows.series import predict_series

    options, way = scene_options(bands, scale, offset), way_out_of(way_out)
    if way is not None and not as_series:
        raise InputError("--way-out is of series.", "Give --series too.")
    engine = engine_for(model)
    assumptions, answered, count = Assumptions(), 0, 0
    with workspace() as work, Ticker("parts") as ticker:
        files = files_of(paths, work)
        answers = predict_series(files, engine, options, way) if as_series else predict_files(files, engine, options, ticker)
        for answer in answers:
            ticker.clear()
            count += 1
            answered += answer.prediction is not None
            _tell(answer, engine.model.card.knows, assumptions, as_json)
    if not count:
        raise NotFound(f"{', '.join(paths)}: no files.", "Give images, or folders or zip archives that hold some.")
    return 0 if answered else 2


def prediction_values(prediction: Prediction, knows: str = "") -> dict[str, Any]:
    """A prediction as JSON tells it: probabilities of the model's own labels, the answer and the set in labels that may be named.

    knows: the sentence of the model's card on what it knows.
    """
    named, is_one = prediction.named, prediction.searched_for is None
    return {
        "model": prediction.model,
        "weights": prediction.weights,
        "labels": prediction.labels,
        "probabilities": None if prediction.probabilities is None or not is_one else prediction.probabilities.tolist(),
        "prediction": named.prediction if is_one else None,
        "set": named.conformal_set if is_one else None,
        "headline": headline_words(prediction, knows),
        "outside": {
            "score": prediction.outside.score,
            "threshold": prediction.outside.threshold,
            "is_outside": prediction.outside.is_outside,
            "reason": words_of(prediction.outside.reason),
        },
        "assumptions": say_all(prediction.assumptions),
        "seconds": dict(prediction.seconds),
        **({} if prediction.frame is None else {"frame": prediction.frame + 1}),
        **({} if not prediction.parents else {"parents": parent_values(prediction)}),
        **({} if not prediction.unnamed else {"unnamed": prediction.unnamed}),
        **({} if prediction.heads is None else {"heads": dict(prediction.heads)}),
        **({} if prediction.candidates is None else _found(prediction)),
    }


def _found(prediction: Prediction) -> dict[str, Any]:
    """What a search found. highest: of many windows, which is a score; null where nothing was searched."""
    label, candidates = prediction.searched_for, prediction.candidates or ()
    return {
        "candidates": [one.as_read() for one in candidates],
        "expected_false": prediction.expected_false,
        "highest": None if label is None else {"label": label, "score": prediction.probability(label)},
    }


def parent_values(prediction: Prediction) -> dict[str, float | None]:
    """The probability of each parent label; None where there are no probabilities."""
    if prediction.probabilities is None:
        return dict.fromkeys(prediction.parents)
    return {name: sum(prediction.probability(label) for label in members) for name, members in prediction.parents.items()}


def _tell(answer: FileAnswer | SeriesAnswer, knows: str, assumptions: Assumptions, as_json: bool) -> None:
    if answer.error is not None:
        say_aside(about(answer.label, answer.error))
        if as_json:
            print_json({"path": answer.label, "error": answer.error.as_json()})
    if answer.prediction is not None:
        assumptions.tell(answer.label, say_all(answer.prediction.assumptions))
        if as_json:
            slices = {"slices": answer.slices} if hasattr(answer, "slices") else {}
            print_json({"path": answer.label, **slices, **prediction_values(answer.prediction, knows)})
        else:
            print_line(f"{answer.label}: {headline_words(answer.prediction, knows)}")
