"""Which models of this machine read the scenes of the Earth page, why one cannot read a scene, and how much there is to read."""

from __future__ import annotations

from core.errors import MissingBands, NoGrid, SightlineError
from core.prepare.domains import image_domain
from core.prepare.grid.bands import resolve_bands
from core.prepare.grid.ground import pixel_metres, refuse_off_earth, refuse_too_coarse
from core.ui.earth.page_state import EarthState
from core.ui.models.own import known_models
from core.ui.state.errors import Words, words_of
from models.registry import ModelSummary


def land_cover_models() -> dict[str, ModelSummary]:
    """The models of land cover on this machine, by id."""
    try:
        return {model.id: model for model in known_models() if image_domain(model.preprocess.domain).makes_maps}
    except SightlineError:
        return {}


def change_model() -> ModelSummary | None:
    """The first change model on this machine, None where there is none."""
    try:
        return next((model for model in known_models() if image_domain(model.preprocess.domain).dates > 1), None)
    except SightlineError:
        return None


def unreadable_dates(here: EarthState, number: int) -> Words | None:
    """Why the model cannot read a scene, for want of bands or of ground that it could know; None where it can."""
    scene, model = here.groups[number].scene, land_cover_models().get(here.model)
    if model is None:
        return None
    try:
        refuse_off_earth(scene)
        refuse_too_coarse(scene, model.preprocess)
    except NoGrid as error:
        return words_of(error)
    try:
        resolve_bands(scene, model.preprocess.channels, model.preprocess.reflectance_top)
    except MissingBands as error:
        hint = f"This model reads {', '.join(model.preprocess.channels)}: say in the tab Scenes which bands those are."
        return Words(words_of(error).title, error.message, hint, is_lasting=True)
    return None


def megapixels(here: EarthState, number: int) -> float:
    """How much there is to do for a scene, in millions of pixels of the model."""
    scene, model = here.groups[number].scene, land_cover_models().get(here.model)
    metres, wanted = pixel_metres(scene), model.preprocess.ground_sample_distance_m if model else None
    share = metres[0] * metres[1] / wanted**2 if metres and wanted else 1.0
    return scene.width * scene.height * share / 1e6


def megapixels_read(here: EarthState, number: int) -> float:
    """How much is read of a scene, in millions of its own pixels; a coarse scene is enlarged for the model, which reads no more of it."""
    scene = here.groups[number].scene
    return scene.width * scene.height / 1e6
