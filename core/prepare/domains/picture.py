"""Any picture: a model that does not say what it was made for is shown whatever is an image."""

from __future__ import annotations

from dataclasses import replace

from core.prepare.domains.base import ImageDomain, Places
from core.prepare.kinds import NOT_IMAGES, modality_of
from core.prepare.scene_input import centre_input, window_size
from core.prepare.suitability import UNDECLARED, Suitability
from core.types import Domain, ModelInput, Picture, Preprocess, Scene, Study, notice


class AnyPicture(ImageDomain):
    """Every image, as it lies."""

    kind = Domain.PICTURE
    is_medical = True
    reads_colour = True
    places = Places.PICTURE
    heatmap = "heatmap_picture"

    def study_suits(self, study: Study, preprocess: Preprocess) -> Suitability:
        """Whatever is an image is taken."""
        modality = modality_of(study)
        if modality in NOT_IMAGES:
            return Suitability(notice("input.no-image", modality=modality))
        return Suitability(None, (UNDECLARED,))

    def picture_suits(self, picture: Picture, preprocess: Preprocess) -> Suitability:
        """Taken."""
        return Suitability(None, (UNDECLARED,))

    def scene_input(self, scene: Scene, preprocess: Preprocess) -> ModelInput:
        """A scene for a model of any picture: the window of the model's size at its centre, pixel for pixel, which is said."""
        given = centre_input(scene, preprocess)
        width, height = window_size(scene, preprocess)
        said = [UNDECLARED]
        if not given.is_empty and (width, height) != (scene.width, scene.height):
            said.append(notice("scene.centre-read", scene_width=scene.width, scene_height=scene.height, width=width, height=height))
        return replace(given, assumptions=(*given.assumptions, *said))
