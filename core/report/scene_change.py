"""The report of two dates: how much changed, from what to what, where, and what else can make such differences."""

from __future__ import annotations

from core.report.composer import Composer
from core.report.language import language_of
from core.report.model_facts import ModelFacts
from core.report.scenes import date_fact, is_listed, place_in, say_parameters, say_scene, say_scene_model, say_warnings, withheld
from core.report.sections import say_limits
from core.types import ChangeMap, ChangePolygon, Report, TakenBack

SCORE, CHI_SQUARE_SHARE = "score", "chi_square_share"
BY_CLASSES = "classes"
"""The method by which a pixel has changed only where its class did."""
LARGEST = 5
"""How many transitions and polygons are put into words; the tables beside the report hold them all."""


def change_report(result: ChangeMap, model: ModelFacts | None = None, *, language: str = "en", created: str | None = None) -> Report:
    """Facts and sentences of one pair of dates. Raises NotFound for a language without templates."""
    composer = Composer(language_of(language))
    is_withheld = _say_withheld(composer, result)
    say_warnings(composer, result.warnings, "change")
    if is_withheld:
        composer.say("findings", "withheld_files")
    else:
        _say_total(composer, result)
        _say_severity(composer, result)
        _say_differing(composer, result)
        _say_transitions(composer, result)
        _say_polygons(composer, result)
    say_scene(composer, result.before, "scene_before")
    say_scene(composer, result.after, "scene_after")
    composer.say("technique", "change_method", method=composer.fact("change.method", result.method, "method", "change"))
    say_scene_model(composer, result.model, result.weights, model)
    if result.severities:
        composer.say("technique", "severity_source", number=composer.fact("change.severity_of", number_of(result), "word", "change"))
    say_parameters(composer, result.parameters)
    score = "change_caveat_probability" if result.is_calibrated else "change_caveat_score"
    for caveat in (score, "change_caveat_cause", "area_caveat"):
        composer.say("limits", caveat)
    assumed = [sentence for sentence in result.assumptions if sentence not in result.warnings]
    say_limits(composer, model, (*result.before.assumptions, *result.after.assumptions, *assumed))
    parameters = {
        **result.parameters,
        "method": result.method,
        "model": result.model,
        "weights": result.weights,
        "sha256": [result.before.sha256, result.after.sha256],
    }
    return composer.report("change", composer.language.titles["change"], parameters, created)


def number_of(result: ChangeMap) -> str:
    """What the number of a polygon is, a word of the templates, where it is no probability: of an index, its difference."""
    if "index" in result.parameters:
        return f"{result.parameters['index']}_difference"
    return CHI_SQUARE_SHARE if result.method == "mad" else SCORE


def _say_withheld(composer: Composer, result: ChangeMap) -> bool:
    """The sentence that stands in place of the hectares, where it is due; whether it is."""
    shares = [float(result.parameters.get(f"outside_share_{which}", 0.0)) for which in ("before", "after")]
    template = withheld(max(shares), is_ground_known=result.is_ground_known, is_scale_known=result.is_scale_known)
    if template is None or result.valid_pixels == 0:
        return False
    share = composer.fact("change.outside_share", max(shares), "share", "change")
    composer.withhold(template, share=share)
    return True


def _say_total(composer: Composer, result: ChangeMap) -> None:
    pixels = composer.fact("change.valid_pixels", result.valid_pixels, "count", "change")
    changed = composer.fact("change.changed_pixels", result.changed_pixels, "count", "change")
    dates = {
        "before": date_fact(composer, result.before, "scene_before"),
        "after": date_fact(composer, result.after, "scene_after"),
    }
    if result.before.when == result.after.when:  # both undated, or of one year: their names tell them apart
        scenes = {"before": result.before, "after": result.after}
        dates = {which: composer.fact(f"scene_{which}.name", scene.name, "", "source file") for which, scene in scenes.items()}
    if result.valid_pixels == 0:
        return composer.say("findings", "change_empty", pixels=pixels)
    if result.changed_pixels == 0:
        return composer.say("findings", "change_none", **dates, pixels=pixels, changed=changed)
    hectares = composer.fact("change.hectares", result.changed_hectares, "ha", "change")
    share = composer.fact("change.share", result.changed_pixels / result.valid_pixels, "share", "change")
    roles = {**dates, "hectares": hectares, "changed": changed, "pixels": pixels, "share": share}
    least = float(result.parameters.get("min_area_hectares", 0.0))
    if not least or result.outlined_hectares is None:
        return composer.say("findings", "change_area", **roles)
    roles["least"] = composer.fact("change.least", least, "", "parameters")
    roles["outlined"] = composer.fact("change.outlined", result.outlined_hectares, "ha", "change")
    return composer.say("findings", "change_area_least", **roles)


def _say_severity(composer: Composer, result: ChangeMap) -> None:
    """The area of each class of burn severity, the most severe first."""
    for place, area in enumerate((area for area in reversed(result.severities) if area.pixels), start=1):
        roles = {
            "label": composer.fact(f"severity.{place}.label", area.label, "label", "change"),
            "hectares": composer.fact(f"severity.{place}.hectares", area.hectares, "ha", "change"),
            "share": composer.fact(f"severity.{place}.share", area.share, "share", "change"),
        }
        pixels = composer.fact(f"severity.{place}.pixels", area.pixels, "count", "change")
        composer.say("findings", "change_severity", **roles, pixels=pixels)


def _say_differing(composer: Composer, result: ChangeMap) -> None:
    """How far the two maps differ: more than what counts as change, where a date is not sure of its class."""
    differing = [each for each in result.transitions if each.before != each.after]
    if not differing or result.method != BY_CLASSES or "threshold" not in result.parameters:
        return
    roles = {
        "hectares": composer.fact("change.differing_hectares", sum(each.hectares for each in differing), "ha", "change"),
        "threshold": composer.fact("change.threshold", float(result.parameters["threshold"]), "score", "parameters"),
    }
    pixels = composer.fact("change.differing_pixels", sum(each.pixels for each in differing), "count", "change")
    composer.say("findings", "change_differing", **roles, pixels=pixels)


def _say_transitions(composer: Composer, result: ChangeMap) -> None:
    moved = (transition for transition in result.became if transition.before != transition.after and is_listed(transition.hectares))
    for place, transition in enumerate(sorted(moved, key=lambda one: -one.hectares)[:LARGEST], start=1):
        roles = {
            "before": composer.fact(f"transition.{place}.before", transition.before, "label", "change"),
            "after": composer.fact(f"transition.{place}.after", transition.after, "label", "change"),
        }
        roles["pixels"] = composer.fact(f"transition.{place}.pixels", transition.pixels, "count", "change")
        if {transition.before, transition.after} & set(result.linear):
            composer.say("findings", "change_transition_linear", **roles)
            continue
        roles["hectares"] = composer.fact(f"transition.{place}.hectares", transition.hectares, "ha", "change")
        composer.say("findings", "change_transition", **roles)


def _say_polygons(composer: Composer, result: ChangeMap) -> None:
    listed = (polygon for polygon in result.polygons if is_listed(polygon.hectares))
    for place, polygon in enumerate(sorted(listed, key=lambda one: -one.hectares)[:LARGEST], start=1):
        _say_polygon(composer, result, polygon, f"polygon.{place}")
        if polygon.taken_back is not None:
            _say_taken_back(composer, polygon.taken_back, place_in(result.before, polygon.window), f"polygon.{place}")


def _say_taken_back(composer: Composer, found: TakenBack, where: str, name: str) -> None:
    """Whether the change is in the polygon's own pixels, by the numbers that say so."""
    shares = {"undone": found.undone, "kept": found.kept, "first": found.first, "second": found.second}
    told = {
        role: composer.fact(f"{name}.taken_back.{role}", share, "share", "change") for role, share in shares.items() if share is not None
    }
    id_ = composer.fact(f"{name}.taken_back.id", found.polygon, "count", "change")
    composer.say("findings", "change_undone", region=where, id=id_, undone=told["undone"])
    if found.kept is not None:
        composer.say("findings", "change_kept", region=where, kept=told["kept"])
    if found.first is not None and found.second is not None:
        composer.say("findings", "change_halves", region=where, first=told["first"], second=told["second"])
    composer.say("findings", "change_proved" if found.is_proved else "change_not_proved", region=where)
    if not found.is_gone:
        composer.say("findings", "change_surroundings", region=where)


def _say_polygon(composer: Composer, result: ChangeMap, polygon: ChangePolygon, name: str) -> None:
    where = place_in(result.before, polygon.window)
    roles = {
        "id": composer.fact(f"{name}.id", polygon.id, "count", "change"),
        "place": composer.fact(f"{name}.place", where, "word", "change"),
    }
    is_linear = polygon.is_linear(result.linear)
    if not is_linear:
        roles["hectares"] = composer.fact(f"{name}.hectares", polygon.hectares, "ha", "change")
    kind = "probability" if result.is_calibrated else "score"
    number = number_of(result)
    roles[kind] = composer.fact(f"{name}.{kind}", polygon.probability, number if number == CHI_SQUARE_SHARE else kind, "change")
    if not result.is_calibrated:
        roles["number"] = composer.fact("change.number", number, "word", "change")
    ending = ("_linear" if is_linear else "") + ("_probability" if result.is_calibrated else "")
    if polygon.before is None or polygon.after is None:
        return composer.say("findings", f"change_polygon_plain{ending}", region=where, **roles)
    roles["before"] = composer.fact(f"{name}.before", polygon.before, "label", "change")
    if polygon.before == polygon.after:
        return composer.say("findings", f"change_polygon_same{ending}", region=where, **roles)
    roles["after"] = composer.fact(f"{name}.after", polygon.after, "label", "change")
    return composer.say("findings", f"change_polygon{ending}", region=where, **roles)
