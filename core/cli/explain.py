"""`sightline explain`: where a model looked in one image, as arrays and a picture, with what measures how far it can be believed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.options import Bands, Json, Model, Offset, OnePath, Out, Scale, scene_options
from core.cli.output import Assumptions, print_json, print_line, say_aside
from core.cli.progress import Ticker
from core.errors import InputError
from core.export.json import plain

if TYPE_CHECKING:
    from core.inference.engine import Engine
    from core.types import Explanation, Image, ModelInput, Prediction, Target


def explain(
    path: OnePath,
    model: Model,
    method: Annotated[str, typer.Option("--method", metavar="M", help="A method: `sightline models` lists those of each model.")],
    out: Out,
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="LABEL", help="The label to explain, or a parent of labels; the most probable by default."),
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="LABEL", help="Explain what speaks for the target rather than for this label.")
    ] = None,
    token: Annotated[
        tuple[int, int] | None,
        typer.Option(
            "--token", metavar="X Y", help="Explain the answer for the token at this pixel of the image, not for the whole input."
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            "--region",
            metavar="FILE | X0 Y0 X1 Y1",
            help="As --token, for all tokens of the polygons of a file, or from the pixel X0 Y0 to the pixel X1 Y1: their mean answer.",
        ),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option("--like", metavar="FILE", help="Explain what makes the image like another one: the cosine of their embeddings."),
    ] = None,
    like_token: Annotated[
        tuple[int, int] | None,
        typer.Option("--like-token", metavar="X Y", help="As --like, for the patch at this pixel of that image, or of this one."),
    ] = None,
    at: Annotated[
        tuple[int, int] | None,
        typer.Option(
            "--at", metavar="COLUMN ROW", help="Middle of the window of a scene or a CT slice; its centre, or the best window, by default."
        ),
    ] = None,
    sanity: Annotated[
        bool,
        typer.Option(
            "--sanity",
            help="Also check that the map depends on the weights and on the target, and holds under noise: a map a check.",
        ),
    ] = False,
    notebook: Annotated[
        Path | None, typer.Option("--notebook", metavar="FILE", help="Also write a Jupyter notebook that makes the map again and compares.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="NAME", help="What removed pixels become: mean, blur, or air, nodata, black.")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", metavar="N", help="Of Integrated Gradients; else as many as it takes.")] = None,
    window: Annotated[int | None, typer.Option("--window", metavar="PIXELS", help="Side of what is occluded; a patch by default.")] = None,
    stride: Annotated[int | None, typer.Option("--stride", metavar="PIXELS", help="Between such windows; a patch by default.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Of random maps, weights and masks; 0 by default.")] = None,
    maps: Annotated[
        int | None, typer.Option("--maps", metavar="N", help="Random maps among which the map is ranked; 100 by default, and at least.")
    ] = None,
    knobs: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another parameter of the method, as explanation.json has them: fusion=max."),
    ] = None,
    bands: Bands = "",
    scale: Scale = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """Write saliency.npy, overlay.png, input.npy, the raw result and explanation.json into DIR; of a scene map.tif on its grid, too."""
    from core.cli.explaining.asked_target import AskedTarget
    from core.cli.explaining.knobs import knobs_of, maps_of
    from core.cli.sources import single, workspace
    from core.explain.registry import check_parameters, method_of, sanity_of
    from core.export.explanation import as_values
    from core.export.staging import check_writable
    from core.inference.engine import engine_for
    from core.readers import read_image
    from core.report.notices import say_all
    from core.workflows.explaining.map_files import map_notebook
    from core.workflows.image import check_explainable, explain_input, explained_input

    options = scene_options(bands, scale, offset)
    parameters = knobs_of(baseline, steps, window, stride, seed, knobs or ())
    check_parameters(method_of(method), parameters)
    ranked_among = maps_of(maps)
    asked = AskedTarget(target, against, token, region, like, like_token)
    asked.check()
    check_writable(out)
    engine = engine_for(model)
    with workspace() as work, Ticker("passes") as ticker:
        source = single(path, work)
        image = read_image(source.path, options=options)
        given = explained_input(image, engine, at=at)
        check_explainable(given)
        prediction = _told_outside(source.label, given, engine, like.name if like else target or ("" if asked.is_likeness else None))
        meant = asked.of(engine, image, given, prediction, options)
        explanation = explain_input(image, engine, given, method, meant, parameters=parameters, random_maps=ranked_among, progress=ticker)
    if sanity:
        with Ticker("maps") as ticker:
            explanation = replace(explanation, sanity=sanity_of(engine, given, explanation, progress=ticker))
    Assumptions().tell(source.label, say_all([*given.assumptions, *explanation.assumptions, *([given.refusal] if given.refusal else [])]))
    told = {"path": source.label, **as_values(given, explanation)}
    _write(out, image, given, explanation, told)
    if notebook is not None:
        _write_notebook(
            notebook, map_notebook(image, [explanation], model, at, (str(source.path),) if Path(path).is_file() else (), options)
        )
    if as_json:
        return print_json(told)
    return _say(explanation, out)


def _told_outside(label: str, given: ModelInput, engine: Engine, target: str | None) -> Prediction:
    """What the model says; an image outside what it knows goes with a warning. Raises InputError where no target was named for such a one:
    it has no answer."""
    from core.inference.prediction import predict_input
    from core.report.notices import say

    prediction = predict_input(engine, given)
    outside = prediction.outside
    if not outside.is_outside:
        return prediction
    reason = f"{label} is outside what the model knows. {say(outside.reason)}".strip()
    if target is None:
        raise InputError(reason, "Name a label with --target to see how the model reacts; that is not a finding.")
    say_aside(f"{reason} The map shows how the model reacts, not a finding.")
    return prediction


def _write(out: Path, image: Image, given: ModelInput, explanation: Explanation, told: dict[str, Any]) -> None:
    """The arrays, the picture, of a scene the map on its grid, and explanation.json, all at once.

    Results of another method that lie there are removed.
    """
    import numpy as np

    from core.explain.overlay import drawn_map, overlay_png
    from core.export.staging import staged
    from core.types import Scene
    from core.workflows.explaining.map_files import ARRAYS, MAP_RASTER, MapFile, map_arrays, map_file

    arrays = map_arrays(given, explanation)
    text = json.dumps(plain(told), indent=2, ensure_ascii=False, allow_nan=False)
    with staged(out, replacing=[*(f"{name}.npy" for name in ARRAYS), MAP_RASTER]) as whole:
        for name, values in arrays.items():
            np.save(whole / f"{name}.npy", values)
        if isinstance(image, Scene):
            (whole / MAP_RASTER).write_bytes(map_file(MapFile.GEOTIFF, image, given, explanation))
        (whole / "overlay.png").write_bytes(overlay_png(given.shown, drawn_map(explanation)))
        (whole / "explanation.json").write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def _write_notebook(path: Path, text: str) -> None:
    from core.export.staging import staged

    with staged(path.parent) as whole:
        (whole / path.name).write_text(text, encoding="utf-8")


def _say(explanation: Explanation, out: Path) -> None:
    from core.explain.catalogue import BANDS
    from core.report.inside import beside_notice, inside_notices
    from core.report.notices import say

    target = explanation.target
    rather = f" rather than {target.against}" if target.against else ""
    print_line(f"{explanation.method} for {target.name}{rather}{_place(target)}, in {out}")
    for one in inside_notices(explanation.inside):
        print_line(say(one))
    if (much := beside_notice(explanation.inside)) is not None:
        print_line(say(much))
    gain = explanation.gain
    opponents = ", ".join(
        f"{name.replace('_', ' ')} {'none' if value is None else f'{value:z.3f}'}" for name, value in gain.opponents.items()
    )
    print_line(f"gain: {gain.value:z.3f}; p {gain.p:.3f} of {gain.random_maps} random maps; {opponents}")
    print_line("supported" if gain.is_supported else "not supported")
    print_line(say(explanation.worth))
    for name, score in (("deletion", explanation.deletion), ("insertion", explanation.insertion)):
        random = f"{score.random_mean:z.3f} ({score.random_low:z.3f} to {score.random_high:z.3f})"
        print_line(f"{name}: {score.value:z.3f}; {score.random_maps} random maps {random}")
    if explanation.completeness_error is not None:
        print_line(f"completeness error: {explanation.completeness_error:.2g}")
    if explanation.conservation_error is not None:
        took = _took(target)
        print_line(f"conservation error: {explanation.conservation_error:.2g} of the {target.number_name}, which {took} took")
    for name, value in (explanation.by_band or {}).items():
        is_fall, number = explanation.method == BANDS, target.number_name
        print_line(f"without {name} the {number} falls by {value:z.3f}" if is_fall else f"{name}: {value:z.3f} of the {number}")
    _say_sanity(explanation)


def _took(target: Target) -> str:
    """What has shares of an answer that are in no map."""
    is_one = max(len(target.labels), len(target.against_labels)) <= 1
    return "biases, positions and tokens without a place" + ("" if is_one else ", and what makes one of several labels,")


def _say_sanity(explanation: Explanation) -> None:
    from core.report.map_words import correlation_words

    found = explanation.sanity
    if found is None:
        return
    if found.randomised is None:
        print_line("with random weights: not checked, since each map of this method takes dozens of passes or more")
    else:
        parts = ", ".join(f"{part} {correlation_words(each)}" for part, each in zip(found.parts, found.randomised, strict=True))
        print_line(f"rank correlation with weights made random from the head down: {parts}")
    print_line(f"under noise of 1 % of the range: {correlation_words(found.stability)}")
    by_construction = "" if explanation.class_specific else ", by construction"
    print_line(f"with the map for {found.other or 'another label'}: {correlation_words(found.target)}{by_construction}")


def _place(target: Target) -> str:
    if target.cells:
        return f" in {len(target.cells)} tokens"
    if target.region is not None:
        left, top, right, bottom = target.region
        return f" in tokens {left} {top} to {right} {bottom}"
    return f" at token {target.token[0]} {target.token[1]}" if target.token is not None else ""
