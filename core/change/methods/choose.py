"""Which way to tell change a name means, with the models that are at hand."""

from __future__ import annotations

from pathlib import Path

from core.change.methods.base import Method
from core.change.methods.classes import ByClasses
from core.change.methods.embedding import ByEmbedding
from core.change.methods.index import INDEX, by_index
from core.change.methods.mad import MAD, by_mad
from core.change.methods.model import MODEL, ByModel
from core.errors import InputError, OutOfRange
from core.inference.engine import ChangeEngine, Engine, compares_dates
from core.inference.scenes.pair_statistics import PairStatistics

BY_TOKENS = {method.name: method for method in (ByClasses, ByEmbedding)}
"""Methods of a land-cover model, the usual one first."""


WITHOUT_MODEL = (INDEX, MAD)
"""Methods that need no model."""


def bands_method(name: str, index: str = "", threshold: str = "", sample: Path | None = None) -> Method:
    """A method that needs no model. index: for the method of that name. threshold: a number, "otsu", or "" for the usual one.

    sample: a vector file of changed and unchanged places that gives the threshold instead.

    Raises OutOfRange.
    """
    if name == INDEX:
        return by_index(index, threshold, sample)
    if name == MAD:
        return by_mad(threshold, sample)
    raise OutOfRange("method", name, f"one of {', '.join(WITHOUT_MODEL)}")


def method_for(
    engine: Engine | ChangeEngine, name: str | None = None, classes: Engine | None = None, statistics: PairStatistics | None = None
) -> Method:
    """The method of that name; the model's own by default: classes for a land-cover model, model for a change model.

    classes: a land-cover model beside a change model. statistics: for a change model, those of the whole of which the dates are a part.
    Raises OutOfRange for a name that does not go with the model, InputError for statistics that do not.
    """
    if compares_dates(engine):
        if name not in (None, MODEL):
            raise OutOfRange("method", name, f"{MODEL}, since {engine.model.id} is a change model")
        return ByModel(engine, classes, statistics)
    if statistics is not None:
        raise InputError(f"The model {engine.model.id} uses no statistics of whole scenes.", "Leave --statistics out.")
    if name is not None and name not in BY_TOKENS:
        raise OutOfRange("method", name, f"one of {', '.join(BY_TOKENS)}")
    return BY_TOKENS[name or next(iter(BY_TOKENS))](engine)
