"""The report of a land-cover map: a warning first where one is due, areas, confidence, and how it was made."""

from __future__ import annotations

from core.report.composer import Composer
from core.report.language import language_of
from core.report.model_facts import ModelFacts
from core.report.scenes import say_parameters, say_scene, say_scene_model
from core.report.sections import say_limits
from core.types import WARN_OUTSIDE_SHARE, LandCoverMap, Report


def map_report(result: LandCoverMap, model: ModelFacts | None = None, *, language: str = "en", created: str | None = None) -> Report:
    """Facts and sentences of one map. Raises NotFound for a language without templates."""
    composer = Composer(language_of(language))
    _say_findings(composer, result)
    say_scene(composer, result.scene)
    say_scene_model(composer, result.model, result.weights, model)
    say_parameters(composer, result.parameters)
    composer.say("limits", "area_caveat")
    say_limits(composer, model, (*result.scene.assumptions, *result.assumptions))
    parameters = {**result.parameters, "model": result.model, "weights": result.weights, "sha256": result.scene.sha256}
    return composer.report("map", composer.language.titles["map"], parameters, created)


def _say_findings(composer: Composer, result: LandCoverMap) -> None:
    pixels = composer.fact("map.valid_pixels", result.valid_pixels, "count", "map")
    if result.valid_pixels == 0:
        return composer.say("findings", "map_empty", pixels=pixels)
    outside = composer.fact("map.outside_share", result.outside_share, "share", "map")
    composer.say("findings", "map_warning" if result.outside_share > WARN_OUTSIDE_SHARE else "map_outside", share=outside)
    total = composer.fact("map.hectares", sum(area.hectares for area in result.areas), "ha", "map")
    composer.say("findings", "map_valid", hectares=total, pixels=pixels)
    _say_classes(composer, result)
    confidence = composer.fact("map.mean_confidence", result.mean_confidence, "score", "map")
    return composer.say("findings", "map_confidence", confidence=confidence)


def _say_classes(composer: Composer, result: LandCoverMap) -> None:
    found = sorted((area for area in result.areas if area.pixels), key=lambda area: -area.hectares)
    for place, area in enumerate(found, start=1):
        roles = {
            "label": composer.fact(f"class.{place}.label", area.label, "label", "map"),
            "hectares": composer.fact(f"class.{place}.hectares", area.hectares, "ha", "map"),
            "share": composer.fact(f"class.{place}.share", area.share, "share", "map"),
        }
        pixels = composer.fact(f"class.{place}.pixels", area.pixels, "count", "map")
        composer.say("findings", "map_class", **roles, pixels=pixels)
    absent = tuple(label for label in result.labels if label not in {area.label for area in found})
    if absent:
        composer.say("findings", "map_absent", labels=composer.fact("map.absent", absent, "label", "map"))
