"""The sections that reports of every kind share: the model, where it looked, and the limits."""

from __future__ import annotations

from collections.abc import Sequence

from core.explain.overlay import drawn_map
from core.prepare.domains import image_domain
from core.report.composer import Composer
from core.report.inside import inside_notices
from core.report.map_words import scale_ends
from core.report.model_facts import ModelFacts
from core.report.notices import say, say_all
from core.types import Correlation, Domain, Explanation, Gain, Notice, Prediction, RemovalScore, Sanity, Verdict

VERDICTS = {
    Verdict.SUPPORTED: "gain_supported",
    Verdict.WITHIN_RANDOM: "gain_within_random",
    Verdict.BELOW_OPPONENT: "gain_below_opponent",
    Verdict.WITHOUT_OPPONENT: "gain_without_opponent",
}
"""Which sentence the ranks support."""


def say_model(composer: Composer, prediction: Prediction, model: ModelFacts) -> None:
    """Which weights answered, and on what they ran."""
    title = composer.fact("model.title", model.title, "", "model card")
    name = composer.fact("model.id", prediction.model, "", "prediction")
    weights = composer.fact("model.weights", prediction.weights, "hash", "prediction")
    composer.say("technique", "model", title=title, model=name, weights=weights)
    runtime = composer.fact("run.runtime", prediction.runtime, "word", "prediction")
    precision = composer.fact("run.precision", prediction.precision, "", "prediction")
    device = composer.fact("run.device", prediction.device, "word", "prediction")
    composer.say("technique", "runtime", runtime=runtime, precision=precision, device=device)


def say_explanation(composer: Composer, explanation: Explanation | None, region: Notice | None, domain: Domain) -> None:
    """The method, where its map is strongest and its weight lies, and then what the measurements of the map allow to believe."""
    if explanation is None:
        return composer.say("explanation", "no_explanation")
    _say_method(composer, explanation)
    low, high = scale_ends(drawn_map(explanation), composer.language.code)
    ends = {"low": composer.fact("map.low", low, "", "explanation"), "high": composer.fact("map.high", high, "", "explanation")}
    composer.say("explanation", "colours", **ends, signed=composer.fact("map.signed", explanation.is_signed, "", "explanation"))
    if region is not None:
        words = say(region, composer.language.code)
        place = composer.fact("explanation.region", words, "sentence", "explanation")
        composer.say("explanation", "region", region=words, place=place)
    _say_inside(composer, explanation)
    _say_gain(composer, explanation.gain)
    if explanation.worth is not None:
        told = say(explanation.worth, composer.language.code)
        composer.say("explanation", "verbatim", sentence=composer.fact("model.worth", told, "sentence", "model card"))
    _say_removal(composer, "deletion", explanation.deletion)
    _say_removal(composer, "insertion", explanation.insertion)
    if explanation.completeness_error is not None:
        error = composer.fact("explanation.completeness_error", explanation.completeness_error, "relative error", "explanation")
        composer.say("explanation", "completeness", error=error)
    if explanation.sanity is not None:
        _say_sanity(composer, explanation.sanity)
    return composer.say("explanation", image_domain(domain).heatmap)


def say_limits(composer: Composer, model: ModelFacts | None, assumptions: Sequence[Notice]) -> None:
    """What the model knows, what was assumed, and what none of this is for."""
    if model is not None:
        _say_card(composer, model)
    for number, sentence in enumerate(dict.fromkeys(say_all(assumptions, composer.language.code)), start=1):
        composer.say("limits", "verbatim", sentence=composer.fact(f"assumption.{number}", sentence, "sentence", "assumption"))
    composer.say("limits", "intended_use")


def _say_card(composer: Composer, model: ModelFacts) -> None:
    if model.trained_on:
        composer.say("limits", "trained_on", trained_on=composer.fact("model.trained_on", model.trained_on, "sentence", "model card"))
    if model.preprocess.age_years is not None:
        youngest = composer.fact("model.age.youngest", model.preprocess.age_years[0], "", "model card")
        oldest = composer.fact("model.age.oldest", model.preprocess.age_years[1], "", "model card")
        composer.say("limits", "age", youngest=youngest, oldest=oldest)
    if not model.is_calibrated:
        composer.say("limits", "uncalibrated", calibrated=composer.fact("model.calibrated", False, "", "calibration"))
    for number, sentence in enumerate(model.limits, start=1):
        composer.say("limits", "verbatim", sentence=composer.fact(f"model.limit.{number}", sentence, "sentence", "model card"))
    if model.licence:
        composer.say("limits", "licence", licence=composer.fact("model.licence", model.licence, "", "model card"))


def _say_method(composer: Composer, explanation: Explanation) -> None:
    method = composer.fact("explanation.method", explanation.method, "method", "explanation")
    target = composer.fact("explanation.target", explanation.target.name, "label", "explanation")
    specific = composer.fact("explanation.class_specific", explanation.class_specific, "", "explanation")
    template = "method" if explanation.class_specific else "method_agnostic"
    composer.say("explanation", template, method=method, target=target, specific=specific)


def _say_inside(composer: Composer, explanation: Explanation) -> None:
    """Where the weight of the map lies, and what of the reported answer it is not of."""
    language, of_view = composer.language.code, [one for one in explanation.assumptions if one.code.startswith("explanation.")]
    for number, one in enumerate((*inside_notices(explanation.inside), *of_view), start=1):
        composer.say("explanation", "verbatim", sentence=composer.fact(f"inside.{number}", say(one, language), "sentence", "explanation"))


def _say_sanity(composer: Composer, sanity: Sanity) -> None:
    def kept(name: str, correlation: Correlation) -> str:
        value = correlation if isinstance(correlation, float) else say(correlation, composer.language.code)
        return composer.fact(f"sanity.{name}", value, "score", "explanation")

    if sanity.randomised:
        ids = [kept(f"randomised.{part.replace(' ', '-')}", each) for part, each in zip(sanity.parts, sanity.randomised, strict=True)]
        composer.say("explanation", "sanity_randomised", first=ids[0], last=ids[-1])
    composer.say("explanation", "sanity_stability", value=kept("stability", sanity.stability))
    if sanity.other:
        other = composer.fact("sanity.other", sanity.other, "label", "explanation")
        composer.say("explanation", "sanity_target", other=other, value=kept("target", sanity.target))


def _say_removal(composer: Composer, name: str, score: RemovalScore) -> None:
    unit, source = "area under the curve", "explanation"
    roles = {
        "value": composer.fact(f"{name}.value", score.value, unit, source),
        "mean": composer.fact(f"{name}.random_mean", score.random_mean, unit, source),
        "low": composer.fact(f"{name}.random_low", score.random_low, unit, source),
        "high": composer.fact(f"{name}.random_high", score.random_high, unit, source),
        "maps": composer.fact(f"{name}.random_maps", score.random_maps, "count", source),
        "p": composer.fact(f"{name}.p", score.p, "p", source),
    }
    composer.say("explanation", name, **roles)


def _say_gain(composer: Composer, gain: Gain) -> None:
    """The gain, what it stands beside, and what the ranks support."""
    unit, source = "area under the curve", "explanation"
    roles = {
        "value": composer.fact("gain.value", gain.value, unit, source),
        "low": composer.fact("gain.random_low", gain.random_low, unit, source),
        "high": composer.fact("gain.random_high", gain.random_high, unit, source),
        "maps": composer.fact("gain.random_maps", gain.random_maps, "count", source),
        "p": composer.fact("gain.p", gain.p, "p", source),
    }
    composer.say("explanation", "gain", **roles)
    for name, value in gain.opponents.items():
        if value is not None:
            composer.say("explanation", f"gain_{name}", value=composer.fact(f"gain.{name}", value, unit, source))
    supported = composer.fact("gain.supported", gain.is_supported, "", source)
    composer.say("explanation", VERDICTS[gain.verdict], supported=supported, p=roles["p"])
