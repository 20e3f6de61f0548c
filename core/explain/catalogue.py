"""Which methods of explanation there are, what each needs of a model, and which is best for one: without the libraries that run them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core.errors import NoAttention
from core.types import Capability, MapUnit, Target
from models.measured import read_measured
from models.registry import LoadedModel, ModelSummary

FIRST_METHOD = "integrated-gradients"
"""What explains where nobody chose a method and none was measured (ranked_methods)."""


@dataclass(frozen=True)
class Offered:
    """A method. unit: what its numbers are for a label. needs: what it asks of a model.

    is_usual: whether it is among those that explain where nobody chose. is_by_passes: whether it takes some dozens of passes or more, so
    that what makes many maps leaves it out.
    """

    name: str
    unit: MapUnit
    needs: frozenset[Capability]
    is_usual: bool = False
    is_by_passes: bool = False

    @property
    def class_specific(self) -> bool:
        """Whether the map depends on the target: attention and activations alone are the same whatever is asked."""
        return self.unit not in (MapUnit.ATTENTION, MapUnit.ACTIVATION)


ATTENTION, GRADIENT, FORWARD = (frozenset({each}) for each in (Capability.ATTENTION, Capability.GRADIENT, Capability.FORWARD))
UNMET = {
    Capability.ATTENTION: "forms no attention between all of its tokens",
    Capability.GRADIENT: "gives no gradients",
    Capability.FORWARD: "answers no changed inputs",
}

OFFERED: Mapping[str, Offered] = MappingProxyType(
    {
        method.name: method
        for method in (
            Offered("rollout", MapUnit.ATTENTION, ATTENTION, is_usual=True),
            Offered("relevance", MapUnit.RELEVANCE, ATTENTION | GRADIENT, is_usual=True),
            Offered("grad-cam", MapUnit.LOGIT, GRADIENT, is_usual=True),
            Offered("integrated-gradients", MapUnit.LOGIT, GRADIENT, is_usual=True),
            Offered("occlusion", MapUnit.LOGIT, FORWARD, is_usual=True, is_by_passes=True),
            Offered("raw-attention", MapUnit.ATTENTION, ATTENTION),
            Offered("gradient-rollout", MapUnit.RELEVANCE, ATTENTION | GRADIENT),
            Offered("attn-lrp", MapUnit.LOGIT, ATTENTION | GRADIENT),
            Offered("libra-grad", MapUnit.LOGIT, ATTENTION | GRADIENT),
            Offered("eigen-cam", MapUnit.ACTIVATION, GRADIENT),
            Offered("activation-patching", MapUnit.LOGIT, ATTENTION | GRADIENT, is_by_passes=True),
            Offered("rise", MapUnit.LOGIT, FORWARD, is_by_passes=True),
            Offered("band-ablation", MapUnit.LOGIT, FORWARD, is_by_passes=True),
            Offered("saliency", MapUnit.SENSITIVITY, GRADIENT),
            Offered("input-x-gradient", MapUnit.LOGIT, GRADIENT),
            Offered("smooth-grad", MapUnit.SENSITIVITY, GRADIENT),
        )
    }
)
"""By name, in the order in which they are offered."""


REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "deep-lift": "DeepLIFT has rules for sums and for functions of one number, and none for what a transformer multiplies: attention "
        "by values, queries by keys. Its maps would not add up to the answer"
    }
)
"""Methods that others offer and that are not offered here: why."""
BANDS = "band-ablation"
"""The method that needs more than one band."""


_OF_A_LIKENESS: Mapping[MapUnit, MapUnit] = MappingProxyType(
    {MapUnit.LOGIT: MapUnit.COSINE, MapUnit.SENSITIVITY: MapUnit.COSINE_SENSITIVITY}
)


def unit_of(method: str, target: Target) -> MapUnit:
    """What the numbers of a map are: of a likeness, shares of a cosine."""
    unit = OFFERED[method].unit
    return unit if target.likeness is None else _OF_A_LIKENESS.get(unit, unit)


def methods_for(model: LoadedModel | ModelSummary) -> tuple[str, ...]:
    """The methods that explain a model: those whose needs it offers."""
    has_bands = len(model.preprocess.channels) > 1
    return tuple(name for name, method in OFFERED.items() if method.needs <= model.capabilities and (has_bands or name != BANDS))


def usual_methods(model: LoadedModel | ModelSummary) -> tuple[str, ...]:
    """Those of methods_for that explain where nobody chose: few, so that what makes a map of each stays quick."""
    return tuple(name for name in methods_for(model) if OFFERED[name].is_usual)


def ranked_methods(model: LoadedModel, label: str | None) -> tuple[str, ...]:
    """The methods that explain a model, the one first whose maps were supported most often where it answered `label`.

    By measured.json of its folder: the share of supported maps, then the mean gain. For a label of which nothing was measured the means
    over the others count; without any measurement FIRST_METHOD goes first. Raises BrokenModel for a file that cannot be used.
    """
    known = [one for measured in read_measured(model.folder) for one in measured.methods]
    told = [one for one in known if one.label == label] or known

    def worth(method: str) -> tuple[float, float, bool]:
        own = [one for one in told if one.method == method]
        if not own:
            return 0.0, float("-inf"), method == FIRST_METHOD
        return sum(one.supported for one in own) / len(own), sum(one.gain for one in own) / len(own), method == FIRST_METHOD

    return tuple(sorted(methods_for(model), key=worth, reverse=True))


def check_explained_by(model: LoadedModel, method: str) -> None:
    """Raises NoAttention for a method that the model's network has nothing for."""
    missing = sorted(OFFERED[method].needs - model.capabilities)
    if missing:
        raise NoAttention(f"The model {model.id} {UNMET[missing[0]]}.", f"It has: {', '.join(methods_for(model))}.")
