"""`sightline predict`: what a model says about each file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.cli.options import Bands, Json, Model, Offset, Paths, Scale, scene_options
from core.cli.output import Assumptions, about, print_json, print_line, say_aside
from core.errors import NotFound
from core.report.notices import say as words_of
from core.report.notices import say_all

if TYPE_CHECKING:
    from core.types import Prediction
    from core.workflows.files import FileAnswer


_MOST_LABELS = 12
"""Labels that a line of words names, the most probable first; --json has them all."""


def predict(
    paths: Paths,
    model: Model,
    bands: Bands = "",
    scale: Scale = None,
    offset: Offset = None,
    as_json: Json = False,
) -> int:
    """Predict each file: one line a file, or with --json one object a line."""
    from core.cli.sources import files_of, workspace
    from core.inference.engine import engine_for
    from core.workflows.files import predict_files

    options = scene_options(bands, scale, offset)
    engine = engine_for(model)
    assumptions, answered, count = Assumptions(), 0, 0
    with workspace() as work:
        for answer in predict_files(files_of(paths, work), engine, options):
            count += 1
            answered += answer.prediction is not None
            _tell(answer, assumptions, as_json)
    if not count:
        raise NotFound(f"{', '.join(paths)}: no files.", "Give images, or folders or zip archives that hold some.")
    return 0 if answered else 2


def prediction_values(prediction: Prediction) -> dict[str, Any]:
    """A prediction as JSON tells it."""
    return {
        "model": prediction.model,
        "weights": prediction.weights,
        "labels": prediction.labels,
        "probabilities": None if prediction.probabilities is None else prediction.probabilities.tolist(),
        "prediction": prediction.prediction,
        "set": prediction.conformal_set,
        "outside": {
            "score": prediction.outside.score,
            "threshold": prediction.outside.threshold,
            "is_outside": prediction.outside.is_outside,
            "reason": words_of(prediction.outside.reason),
        },
        "assumptions": say_all(prediction.assumptions),
        "seconds": dict(prediction.seconds),
        **({} if prediction.frame is None else {"frame": prediction.frame + 1}),
        **({} if prediction.heads is None else {"heads": dict(prediction.heads)}),
        **({} if prediction.candidates is None else {"candidates": [one.as_read() for one in prediction.candidates]}),
    }


def prediction_words(prediction: Prediction) -> str:
    """A prediction in one line."""
    if prediction.outside.is_outside or prediction.probabilities is None:
        return f"outside what the model knows. {words_of(prediction.outside.reason)}"
    by_probability = sorted(zip(prediction.labels, prediction.probabilities, strict=True), key=lambda one: -one[1])
    ranked = ", ".join(f"{label} {probability:.2f}" for label, probability in by_probability[:_MOST_LABELS])
    ranked += f", {len(by_probability) - _MOST_LABELS:,} more" if len(by_probability) > _MOST_LABELS else ""
    if prediction.prediction is None:
        return f"no answer, the set {'holds every label' if prediction.conformal_set else 'is empty'} ({ranked})"
    held = f"; set: {', '.join(prediction.conformal_set)}" if prediction.conformal_set else ""
    return f"{prediction.prediction} ({ranked}{held})"


def _tell(answer: FileAnswer, assumptions: Assumptions, as_json: bool) -> None:
    if answer.error is not None:
        say_aside(about(answer.label, answer.error))
        if as_json:
            print_json({"path": answer.label, "error": answer.error.as_json()})
    if answer.prediction is not None:
        assumptions.tell(answer.label, say_all(answer.prediction.assumptions))
        if as_json:
            print_json({"path": answer.label, **prediction_values(answer.prediction)})
        else:
            print_line(f"{answer.label}: {prediction_words(answer.prediction)}")
