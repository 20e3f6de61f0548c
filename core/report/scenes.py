"""What reports of scenes share: the grid, the bands with their scale and offset, parameters, and words for a place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.report.composer import Composer
from core.report.language import decimal
from core.report.model_facts import ModelFacts
from core.report.notices import say_all
from core.types import UNNAMED_DATE, Notice, Product, Scene

_SECTION = "technique"
WITHHOLD_OUTSIDE_SHARE = 0.5
"""Share of valid pixels outside what the model knows above which no hectares are told: most of them would mean nothing."""
LEAST_LISTED = 0.05
"""Hectares; areas are written with one decimal."""
_SECTORS = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")
_CENTRE_SHARE = 1 / 3
"""The centre is the middle third of the scene, across and down."""


def withheld(outside_share: float, *, is_ground_known: bool = True, is_scale_known: bool = True) -> str | None:
    """The template of the sentence that stands in place of a headline of hectares; None where hectares may be told.

    The one rule of maps and of change, for page, PDF, Markdown, JSON and standard error alike.
    outside_share: of the valid pixels, outside what the model knows; of two dates the larger. is_ground_known: whether the model was
    made for pixels, and for an extent, of that size on the ground. is_scale_known: whether it is known how the values become reflectance.
    """
    if not is_scale_known:
        return "withheld_scale"
    if not is_ground_known:
        return "withheld_ground"
    return "withheld_outside" if outside_share > WITHHOLD_OUTSIDE_SHARE else None


def is_listed(hectares: float) -> bool:
    """Whether an area is told one by one: what would read "0.0 ha" stands in the files alone."""
    return hectares >= LEAST_LISTED


def say_warnings(composer: Composer, warnings: Sequence[Notice], source: str) -> None:
    """Among the findings, what has to be known first."""
    for number, sentence in enumerate(say_all(warnings, composer.language.code), start=1):
        composer.say("findings", "verbatim", sentence=composer.fact(f"warning.{number}", sentence, "sentence", source))


def say_scene(composer: Composer, scene: Scene, name: str = "scene") -> None:
    """name: prefix of the facts and name of the first template: scene, scene_before, scene_after."""
    title = composer.fact(f"{name}.name", scene.name, "", "source file")
    composer.say(_SECTION, name, name=title, date=date_fact(composer, scene, name))
    if scene.product is not None:
        roles = {what: composer.fact(f"{name}.product.{what}", value, "", "product") for what, value in _product_words(scene.product)}
        composer.say(_SECTION, "scene_product", **roles)
    _say_grid(composer, scene, name)
    bands = composer.fact(f"{name}.bands", tuple(band.name for band in scene.bands), "", "source file")
    composer.say(_SECTION, "scene_bands", bands=bands)
    scales = dict.fromkeys((band.scale, band.offset) for band in scene.bands if band.scale is not None or band.offset is not None)
    for place, (scale, offset) in enumerate(scales, start=1):
        held = tuple(band.name for band in scene.bands if (band.scale, band.offset) == (scale, offset))
        roles = {
            "bands": composer.fact(f"{name}.scale.{place}.bands", held, "", "source file"),
            "scale": composer.fact(f"{name}.scale.{place}.scale", 1.0 if scale is None else scale, "", "source file"),
            "offset": composer.fact(f"{name}.scale.{place}.offset", offset or 0.0, "", "source file"),
        }
        composer.say(_SECTION, "scene_scale", **roles)


def _product_words(product: Product) -> list[tuple[str, str]]:
    evidence = say_all(dict.fromkeys([product.scale.evidence, product.offset.evidence]))
    return [("sensor", product.sensor), ("level", product.level), ("evidence", " ".join(evidence))]


def date_fact(composer: Composer, scene: Scene, name: str) -> str:
    """The date of a scene, "undated" where it has none."""
    return composer.fact(f"{name}.date", scene.when or UNNAMED_DATE, "word", "source file")


def say_parameters(composer: Composer, parameters: Mapping[str, Any]) -> None:
    """One sentence for each parameter of the work that is a word, a number or a list of words."""
    for key, value in parameters.items():
        value = tuple(_written(part) for part in value) if isinstance(value, (list, tuple)) else value
        if not isinstance(value, (bool, int, float, str, tuple)) or value in ("", ()):
            continue
        title = composer.fact(f"parameter.{key}.name", key.replace("_", " "), "word", "parameters")
        unit = "word" if isinstance(value, str) else ""
        composer.say(_SECTION, "parameter", name=title, value=composer.fact(f"parameter.{key}", value, unit, "parameters"))


def _written(part: object) -> str:
    return decimal(part) if isinstance(part, float) and math.isfinite(part) else str(part)


def say_scene_model(composer: Composer, name: str, weights: str, model: ModelFacts | None) -> None:
    """The model of a map or a change; nothing where the method needs none."""
    if not name:
        return
    title = composer.fact("model.title", model.title if model else name, "", "model card")
    roles = {"model": composer.fact("model.id", name, "", "result"), "weights": composer.fact("model.weights", weights, "hash", "result")}
    composer.say(_SECTION, "scene_model", title=title, **roles)


def place_in(scene: Scene, window: tuple[int, int, int, int]) -> str:
    """Where a window (left, top, width, height) in pixels lies in a scene: "centre", "north-east" ... by its middle."""
    left, top, width, height = window
    across = (left + width / 2) / scene.width - 0.5
    down = (top + height / 2) / scene.height - 0.5
    if max(abs(across), abs(down)) <= _CENTRE_SHARE / 2:
        return "centre"
    # Directions on the ground, so that rotated and south-up rasters are named rightly.
    east = scene.transform.a * across * scene.width + scene.transform.b * down * scene.height
    north = scene.transform.d * across * scene.width + scene.transform.e * down * scene.height
    return _SECTORS[round(math.atan2(north, east) / (math.pi / 4)) % 8]


def _say_grid(composer: Composer, scene: Scene, name: str) -> None:
    size = {
        "width": composer.fact(f"{name}.width", scene.width, "count", "source file"),
        "height": composer.fact(f"{name}.height", scene.height, "count", "source file"),
    }
    if scene.crs is None:
        return composer.say(_SECTION, "scene_grid_none", **size)
    unit = "degrees" if scene.crs.is_geographic else "m"
    factor = scene.crs.units_factor[1]  # radians of an angle, metres of a length: grads and feet are units of a CRS, too
    factor = math.degrees(factor) if scene.crs.is_geographic else factor
    across = math.hypot(scene.transform.a, scene.transform.d) * factor
    down = math.hypot(scene.transform.b, scene.transform.e) * factor
    roles = {
        "pixel_width": composer.fact(f"{name}.pixel_width", across, unit, "source file"),
        "pixel_height": composer.fact(f"{name}.pixel_height", down, unit, "source file"),
        "crs": composer.fact(f"{name}.crs", scene.crs.to_string(), "", "source file"),
    }
    return composer.say(_SECTION, "scene_grid", **size, **roles)
