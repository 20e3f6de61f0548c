"""AttnLRP: the target's logit, shared out layer by layer, through attention as well.

Achtibat et al. 2024, "AttnLRP: Attention-Aware Layer-wise Relevance Propagation for Transformers" (rules in core/explain/backward.py).
Linear layers and convolutions have the plain rule (epsilon of 0), without the gamma that the paper adds for convolutions. What biases,
positions and the softmax take is not in the map: the conservation error says how much. Its authors state that layer-wise
relevance propagation is patented, and free for personal and scientific use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import NoAttention
from core.explain.backward import shared_out
from core.explain.cost import Cost, attention_gradient_cost
from core.explain.evidence import MethodResult
from core.inference.engine import Engine
from core.types import ModelInput, Progress, Target
from models.bert_image.linear_attention import LINEAR
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = {"layer": 0}
"""layer: how many layers the tokens have gone through that the answer is shared out over, 0 for those of the stem. None: pixels,
over which a stem of convolutions scatters what it is given (on the models of this project such maps rank no better than random ones)."""


def explain_attn_lrp(engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress) -> MethodResult:
    """Signed shares of the target's number, of pixels or tokens, and the conservation error. Raises NoAttention, OutOfRange."""
    if getattr(engine.model.network.config, "attention", "") == LINEAR:
        raise NoAttention(
            f"The model {engine.model.id} has linear attention, for whose features AttnLRP has no rule.", "Choose libra-grad."
        )
    found = engine.run(lambda model: shared_out(model, given, target, parameters["layer"], attention_is_held=False))
    progress(1, 1)
    return found.as_result(engine.model.patch, parameters)


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """One pass with gradients."""
    return attention_gradient_cost(model, given)
