"""A Jupyter notebook that makes the maps of an image again and compares every number: nbformat 4.5, written as plain JSON.

Its code cells call what other programs may call, hold no pixels, and name files without their folders: what was uploaded lies nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pprint import pformat
from textwrap import dedent
from typing import Any

from core.readers import SceneOptions
from core.types import Explanation, Image, Picture, Scene, Study

_RULER = """## The ruler

Gain is insertion minus deletion on one baseline (symmetric relevance gain), ranked among random maps as smooth as the map. A map is
supported where at most 5 % of them do as well and no opponent does: a centred prior, the edges of the image, the same method on random
weights."""
WIDTH_OF_CODE = 110
TOLERANCE = 1e-4
"""Within which numbers of another machine are the same: other libraries add up in another order."""


@dataclass(frozen=True)
class Recipe:
    """How an input was made of an image. model: an id, folder or hub id. files: as they are to be found beside the notebook.

    at: (column, row) of the window of a scene or CT slice, None for the default. options: what the user said of a scene.
    parameters: of each explanation, those that a method can be given.
    """

    model: str
    files: tuple[str, ...]
    at: tuple[float, float] | None = None
    options: SceneOptions = field(default_factory=SceneOptions)
    parameters: tuple[dict[str, Any], ...] = ()


def file_names(image: Image) -> tuple[str, ...]:
    """Names of the files of an image, without their folders."""
    paths = image.files if isinstance(image, Scene) else image.sources if isinstance(image, Study) else (image.source,)
    return tuple(path.name for path in paths if path is not None) or (image.name,)


def notebook_text(image: Image, explanations: Sequence[Explanation], recipe: Recipe) -> str:
    """The file's text. explanations: of one input of the image by one model, at least one."""
    first = explanations[0]
    cells = [
        _words(_title(image, explanations)),
        _code(_constants(image, explanations, recipe)),
        _code(_MODEL),
        _code(_reading(image, recipe)),
        _code(_EXPLAIN),
        *(_code(f"picture({number})") for number in range(len(explanations))),
        _words(_RULER),
        _code(_COMPARE),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    whole = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
            "sightline": {"model": first.model, "weights": first.weights, "source": first.source},
        },
        "cells": cells,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _title(image: Image, explanations: Sequence[Explanation]) -> str:
    first = explanations[0]
    methods = ", ".join(each.method for each in explanations)
    files = len(file_names(image))
    return (
        f"# Where {first.model} looked\n\n"
        f"The maps of {methods} for `{first.target.name}` are made again from the weights `{first.weights}`, and every number is compared "
        f"with what Sightline said. Put the image ({files} file(s), named below) beside this notebook, and run it where Sightline is "
        "installed.\n\nFor research and development. Not for clinical decisions."
    )


def _constants(image: Image, explanations: Sequence[Explanation], recipe: Recipe) -> str:
    first = explanations[0]
    told = [
        {
            "method": each.method,
            "parameters": parameters,
            "random_maps": each.gain.random_maps,
            "gain": each.gain.value,
            "p": each.gain.p,
            "deletion": each.deletion.value,
            "insertion": each.insertion.value,
            "opponents": dict(each.gain.opponents),
            "range": (each.low, each.high),
        }
        for each, parameters in zip(explanations, recipe.parameters, strict=True)
    ]
    lines = [
        "from pathlib import Path",
        "",
        "from core.readers import SceneOptions",
        "from core.types import Likeness, Target",
        "",
        f"FILES = {_plain([*recipe.files])}",
        f"SOURCE = {image.sha256!r}  # sha256 of the image",
        f"MODEL = {recipe.model!r}  # an id of the zoo, a folder, or a hub id",
        f"WEIGHTS = {first.weights!r}  # first digits of the sha256 of model.safetensors",
        f"RUNTIME = {sorted({each.runtime for each in explanations})!r}  # what computed these numbers, in {first.precision}",
        f"AT = {recipe.at!r}  # (column, row) of the window, None for the default",
        f"OPTIONS = {recipe.options!r}",
        f"TARGET = {first.target!r}",
        f"TOLD = {_plain(told)}",
    ]
    if recipe.options.date is not None:
        lines.insert(0, "import datetime")
    return "\n".join(lines)


_MODEL = dedent(
    """
    from core.inference.engine import engine_for

    engine = engine_for(MODEL)
    assert engine.model.weights_hash == WEIGHTS, f"{MODEL} has the weights {engine.model.weights_hash}, and not {WEIGHTS}"
    """
).strip()

_EXPLAIN = dedent(
    f"""
    import io

    import numpy as np
    from PIL import Image as Picture

    from core.explain.overlay import drawn_map, overlay_png
    from core.workflows.image import explain_input, explained_input

    given = explained_input(image, engine, at=AT)
    explanations = [
        explain_input(image, engine, given, told["method"], TARGET, parameters=told["parameters"], random_maps=told["random_maps"])
        for told in TOLD
    ]
    TOLERANCE = {TOLERANCE}


    def picture(number):
        "The map over what the network reads, enlarged."
        drawn = Picture.open(io.BytesIO(overlay_png(given.shown, drawn_map(explanations[number]))))
        print(explanations[number].method)
        return drawn.resize((448, round(448 * drawn.height / drawn.width)), Picture.Resampling.NEAREST)
    """
).strip()

_COMPARE = dedent(
    """
    for told, made in zip(TOLD, explanations):
        pairs = {
            "gain": (told["gain"], made.gain.value),
            "p": (told["p"], made.gain.p),
            "deletion": (told["deletion"], made.deletion.value),
            "insertion": (told["insertion"], made.insertion.value),
            "lowest": (told["range"][0], made.low),
            "highest": (told["range"][1], made.high),
            **{name: (value, made.gain.opponents[name]) for name, value in told["opponents"].items() if value is not None},
        }
        for name, (before, now) in pairs.items():
            print(f"{told['method']:22} {name:16} {before: .6f} {now: .6f}")
            assert np.isclose(before, now, rtol=TOLERANCE, atol=TOLERANCE), (told["method"], name, before, now)
        print(f"{told['method']:22} {'supported' if made.gain.is_supported else 'not supported'}")
    """
).strip()


def _reading(image: Image, recipe: Recipe) -> str:
    """How the image is read, by its kind."""
    find = [
        "def found(name):",
        '    "A file beside the notebook, or where its name says."',
        "    path = Path(name)",
        '    assert path.is_file(), f"put {name} beside this notebook"',
        "    return path",
        "",
        "",
    ]
    is_many = len(recipe.files) > 1
    if is_many and isinstance(image, Scene):
        head = ["import tempfile", "", "from core.sources.scenes import group_scenes", "", ""]
        read = [
            "groups, refused = group_scenes([found(name) for name in FILES], Path(tempfile.mkdtemp()), lambda done, total: None)",
            "image = next(group.scene for group in groups if group.scene.sha256 == SOURCE)",
        ]
    elif is_many and not isinstance(image, Picture):
        head = ["from core.readers import read_series", "", ""]
        read = ['image = next(each for each in read_series([found(name) for name in FILES], "") if each.sha256 == SOURCE)']
    else:
        head = ["from core.readers import read_image", "", ""]
        read = ["image = read_image(found(FILES[0]), options=OPTIONS)"]
    check = 'assert image.sha256 == SOURCE, f"{FILES} is another image: its sha256 is {image.sha256}"'
    return "\n".join([*head, *find, *read, check])


def _plain(value: Any) -> str:
    return pformat(value, width=WIDTH_OF_CODE, sort_dicts=False)


def _words(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": "", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": "",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }
