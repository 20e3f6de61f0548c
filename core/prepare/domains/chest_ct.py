"""CT of the chest: slices that are searched window by window (core/prepare/ct.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from core.prepare.ct import centre_window, ct_picture, ct_study, is_searched, window_parts
from core.prepare.domains.base import ImageDomain, Places, ReadingMode
from core.prepare.domains.radiograph import grey_scene
from core.prepare.kinds import modality_of
from core.prepare.suitability import Suitability
from core.types import Domain, Image, Mask, ModelInput, Picture, Preprocess, Scene, Study


class ChestCt(ImageDomain):
    """Slices of CT, alone or in a series, and pictures of them."""

    kind = Domain.CHEST_CT
    darkest = "air"
    is_searched = True
    is_medical = True
    places = Places.WINDOW

    def study_suits(self, study: Study, preprocess: Preprocess) -> Suitability:
        """By modality, body part and kind."""
        return ct_study(study, preprocess)

    def picture_suits(self, picture: Picture, preprocess: Preprocess) -> Suitability:
        """A grey one is taken as a piece of a slice."""
        return ct_picture(picture, preprocess)

    def scene_input(self, scene: Scene, preprocess: Preprocess) -> ModelInput:
        """Refused."""
        return grey_scene(scene, preprocess)

    def is_likely(self, image: Image) -> bool:
        """By modality."""
        return isinstance(image, Study) and modality_of(image) == "CT"

    def reading(self, image: Image, preprocess: Preprocess) -> ReadingMode:
        """Searched, but for a picture of about the window's size, and what is no image."""
        return ReadingMode.SEARCHED if not isinstance(image, Scene) and is_searched(image, preprocess) else ReadingMode.WHOLE

    def parts(self, image: Image, given: ModelInput, preprocess: Preprocess) -> Mapping[str, Mask | None]:
        """The lungs, what else is of the body, and what is not, of a slice in Hounsfield units."""
        return window_parts(image, given, preprocess) if isinstance(image, Study) else {}

    def to_input(self, image: Image, preprocess: Preprocess, frame: int | None = None) -> ModelInput:
        """The window about the middle of what is searched."""
        if isinstance(image, Scene):
            return self.scene_input(image, preprocess)
        given = centre_window(image, preprocess, frame)
        return replace(given, assumptions=image.assumptions + given.assumptions)
