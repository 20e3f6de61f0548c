"""Which models of this machine may answer on the Radiology page, and what is said where none may."""

from __future__ import annotations

from core.prepare.domains import DOMAINS, image_domain
from core.prepare.kinds import modality_of
from core.report.notices import word
from core.types import Picture, Study
from core.ui.models.own import known_models
from models.registry import ModelSummary

_Shown = Study | Picture


def models_for(image: _Shown) -> list[str]:
    """Ids of the models that were made for this kind of image; a picture does not say what it is, and every model may try."""
    made = _medical()
    kind = modality_of(image) if isinstance(image, Study) else ""
    return [model.id for model in made if not kind or not model.preprocess.modalities or kind in model.preprocess.modalities]


def _medical() -> list[ModelSummary]:
    """The models of this machine that read medical images, those of radiographs first."""
    made = [model for model in known_models() if image_domain(model.preprocess.domain).is_medical]
    return sorted(made, key=lambda model: list(DOMAINS).index(model.preprocess.domain))


def why_no_model(image: _Shown) -> tuple[str, str]:
    """A title and a sentence."""
    made = _medical()
    if not made or isinstance(image, Picture):
        return "There is no model of such images on this machine", "A model is a folder in models/zoo, or wherever SIGHTLINE_ZOO points."
    kind = modality_of(image)
    read = sorted({modality for model in made for modality in model.preprocess.modalities})
    title, this = f"No model on this machine reads {kind}", word("modality", kind)
    return title, f"This is {this}; the models here read {', '.join(read)}. It can be looked at, windowed and scrolled."
