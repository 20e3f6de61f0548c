"""The report of a land-cover map: a warning first where one is due, areas, confidence, and how it was made."""

from __future__ import annotations

from core.report.composer import Composer
from core.report.language import language_of
from core.report.model_facts import ModelFacts
from core.report.scenes import is_listed, say_parameters, say_scene, say_scene_model, say_warnings, withheld
from core.report.sections import say_limits
from core.types import WARN_OUTSIDE_SHARE, ClassArea, LandCoverMap, Report


def map_report(result: LandCoverMap, model: ModelFacts | None = None, *, language: str = "en", created: str | None = None) -> Report:
    """Facts and sentences of one map. Raises NotFound for a language without templates."""
    composer = Composer(language_of(language))
    _say_findings(composer, result, model is not None and model.is_calibrated)
    say_scene(composer, result.scene)
    say_scene_model(composer, result.model, result.weights, model)
    say_parameters(composer, result.parameters)
    composer.say("limits", "area_caveat")
    assumed = [each for each in result.assumptions if each not in result.warnings]
    say_limits(composer, model, (*result.scene.assumptions, *assumed))
    parameters = {**result.parameters, "model": result.model, "weights": result.weights, "sha256": result.scene.sha256}
    return composer.report("map", composer.language.titles["map"], parameters, created)


def _say_findings(composer: Composer, result: LandCoverMap, is_calibrated: bool) -> None:
    pixels = composer.fact("map.valid_pixels", result.valid_pixels, "count", "map")
    if result.valid_pixels == 0:
        composer.say("findings", "map_empty", pixels=pixels)
        return say_warnings(composer, result.warnings, "map")
    outside = composer.fact("map.outside_share", result.outside_share, "share", "map")
    reason = withheld(result.outside_share, is_ground_known=result.is_ground_known, is_scale_known=result.is_scale_known)
    if not result.is_scale_known:
        say_warnings(composer, result.warnings, "map")  # why all of it is outside, and what to do, comes first
    if result.outside_share > WARN_OUTSIDE_SHARE:
        composer.say("findings", "map_warning", share=outside)
    if result.is_scale_known:
        say_warnings(composer, result.warnings, "map")
    if reason is not None:
        composer.withhold(reason, share=outside)
        return composer.say("findings", "withheld_files")
    if result.outside_share <= WARN_OUTSIDE_SHARE:
        composer.say("findings", "map_outside", share=outside)
    total = composer.fact("map.hectares", sum(area.hectares for area in result.areas), "ha", "map")
    composer.say("findings", "map_valid", hectares=total, pixels=pixels)
    _say_classes(composer, result)
    if result.unstable is not None:
        composer.say("findings", "map_unstable", share=composer.fact("map.unstable_share", result.unstable_share, "share", "map"))
    confidence = composer.fact("map.mean_confidence", result.mean_confidence, "score", "map")
    return composer.say("findings", "map_confidence" if is_calibrated else "map_confidence_score", confidence=confidence)


def _say_classes(composer: Composer, result: LandCoverMap) -> None:
    found = sorted((area for area in result.areas if is_listed(area.hectares)), key=lambda area: -area.hectares)
    for place, area in enumerate(found, start=1):
        if area.label in result.linear:
            _say_linear(composer, result, area, place)
            continue
        roles = {
            "label": composer.fact(f"class.{place}.label", area.label, "label", "map"),
            "hectares": composer.fact(f"class.{place}.hectares", area.hectares, "ha", "map"),
            "share": composer.fact(f"class.{place}.share", area.share, "share", "map"),
        }
        pixels = composer.fact(f"class.{place}.pixels", area.pixels, "count", "map")
        composer.say("findings", "map_class", **roles, pixels=pixels)
    absent = tuple(label for label in result.labels if label not in {area.label for area in result.areas if area.pixels})
    if absent:
        composer.say("findings", "map_absent", labels=composer.fact("map.absent", absent, "label", "map"))


def _say_linear(composer: Composer, result: LandCoverMap, area: ClassArea, place: int) -> None:
    """A road or a river was seen there; how much of a token it covers, nothing tells."""
    roles = {
        "label": composer.fact(f"class.{place}.label", area.label, "label", "map"),
        "pixels": composer.fact(f"class.{place}.pixels", area.pixels, "count", "map"),
    }
    if result.token_metres is None:
        return composer.say("findings", "map_class_linear", **roles)
    width = composer.fact("map.token_metres", result.token_metres, "m", "map")
    return composer.say("findings", "map_class_linear_width", **roles, width=width)
