"""The report of one image: what it was, what the model says, where it looked, and what to keep in mind."""

from __future__ import annotations

from core.prepare.windowing import default_window
from core.report.composer import Composer
from core.report.findings import say_findings
from core.report.inside import beside_notice
from core.report.language import language_of
from core.report.model_facts import ModelFacts
from core.report.notices import say
from core.report.sections import say_explanation, say_limits, say_model
from core.types import Explanation, Image, Notice, Picture, Prediction, Report, Scene, Study


def image_report(
    image: Image,
    prediction: Prediction,
    explanation: Explanation | None,
    model: ModelFacts,
    *,
    region: Notice | None = None,
    language: str = "en",
    created: str | None = None,
) -> Report:
    """Facts and sentences of one prediction and, where there is one, its explanation.

    region: where the map is strongest (core/explain/regions.py). An image outside what the model knows has no explanation here.
    created: ISO 8601, now by default.
    Neither the file's name nor anything else that could name a person becomes a fact.
    Raises NotFound for a language without templates.
    """
    if prediction.outside.is_outside:
        explanation = None
    composer = Composer(language_of(language))
    _say_image(composer, image, prediction)
    say_model(composer, prediction, model)
    _say_preparation(composer, image, prediction, model)
    say_findings(composer, prediction, model)
    if explanation is not None and (much := beside_notice(explanation.inside)) is not None:
        said = say(much, composer.language.code)
        composer.say("findings", "verbatim", sentence=composer.fact("warning.beside", said, "sentence", "explanation"))
    say_explanation(composer, explanation, region, model.preprocess.domain)
    say_limits(composer, model, prediction.assumptions)
    parameters = {
        "model": prediction.model,
        "weights": prediction.weights,
        "runtime": prediction.runtime,
        "precision": prediction.precision,
        "device": prediction.device,
        "sha256": image.sha256,
        "explanation": None if explanation is None else {"method": explanation.method, **explanation.parameters},
    }
    return composer.report("image", composer.language.titles[model.preprocess.domain], parameters, created)


def _say_image(composer: Composer, image: Image, prediction: Prediction) -> None:
    rows, columns = _size(image)
    kind = composer.fact("image.kind", _kind(image), "word", "source file")
    wide = composer.fact("image.columns", columns, "count", "source file")
    high = composer.fact("image.rows", rows, "count", "source file")
    composer.say("technique", "image", kind=kind, columns=wide, rows=high)
    if isinstance(image, Study):
        _say_header(composer, image, prediction)
    source = composer.fact("image.sha256", image.sha256, "hash", "source file")
    composer.say("technique", "source", sha256=source)


def _say_header(composer: Composer, study: Study, prediction: Prediction) -> None:
    if study.body_part:
        composer.say("technique", "body_part", part=composer.fact("study.body_part", study.body_part, "word", "study header"))
    if study.view:
        composer.say("technique", "view", view=composer.fact("study.view", study.view, "word", "study header"))
    frames = study.shape[0]
    if frames > 1 and prediction.frame is not None and not (prediction.candidates is not None and prediction.outside.is_outside):
        template, one = ("frame", "frame") if prediction.candidates is None else ("slice_best", "slice")
        number = composer.fact(f"image.{one}", prediction.frame + 1, "count", "prediction")
        count = composer.fact(f"image.{one}s", frames, "count", "study header")
        composer.say("technique", template, **{one: number, f"{one}s": count})


def _say_preparation(composer: Composer, image: Image, prediction: Prediction, model: ModelFacts) -> None:
    if prediction.probabilities is None:
        return None
    rows, columns = model.preprocess.size
    high = composer.fact("input.rows", rows, "count", "model card")
    wide = composer.fact("input.columns", columns, "count", "model card")
    if model.preprocess.pixel_spacing_mm is not None:
        spacing = composer.fact("input.pixel_spacing", model.preprocess.pixel_spacing_mm, "mm", "model card")
        return composer.say("technique", "windows", input_rows=high, input_columns=wide, spacing=spacing)
    if isinstance(image, Study):
        _say_display(composer, image, prediction)
    if isinstance(image, Scene) and model.preprocess.ground_sample_distance_m is not None:
        gsd = composer.fact("input.ground_sample_distance", model.preprocess.ground_sample_distance_m, "m", "model card")
        return composer.say("technique", "cut", input_rows=high, input_columns=wide, gsd=gsd)
    return composer.say("technique", "resized", input_rows=high, input_columns=wide)


def _say_display(composer: Composer, study: Study, prediction: Prediction) -> None:
    frame = prediction.frame or 0
    photometric = str(study.frame_header(frame).get("PhotometricInterpretation", study.photometric))
    shown = composer.fact("study.photometric", photometric, "word", "study header")
    window = default_window(study, frame)
    if window is None:
        composer.say("technique", "full_range", photometric=shown)
    else:
        centre = composer.fact("study.window.centre", window.centre, "", "study header")
        width = composer.fact("study.window.width", window.width, "", "study header")
        composer.say("technique", "window", centre=centre, width=width)
    if photometric == "MONOCHROME1":
        composer.say("technique", "inverted", photometric=shown)


def _kind(image: Image) -> str:
    if isinstance(image, Study):
        return image.modality or "study"
    return "picture" if isinstance(image, Picture) else "scene"


def _size(image: Image) -> tuple[int, int]:
    """(rows, columns)."""
    if isinstance(image, Study):
        return image.shape[1:]
    return image.pixels.shape[:2] if isinstance(image, Picture) else (image.height, image.width)
