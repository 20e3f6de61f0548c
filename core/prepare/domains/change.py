"""Two dates of one place: what compares them answers for no single image (core/change)."""

from __future__ import annotations

from core.prepare.domains.base import ImageDomain, Places
from core.prepare.suitability import Suitability, no_input
from core.types import Domain, ModelInput, Picture, Preprocess, Scene, Study, notice


class Change(ImageDomain):
    """Pairs of scenes. One image alone becomes no input."""

    kind = Domain.CHANGE
    dates = 2
    places = Places.SCENE
    heatmap = "heatmap_scene"

    def study_suits(self, study: Study, preprocess: Preprocess) -> Suitability:
        """Refused."""
        return Suitability(ONE_DATE)

    def picture_suits(self, picture: Picture, preprocess: Preprocess) -> Suitability:
        """Refused."""
        return Suitability(ONE_DATE)

    def scene_input(self, scene: Scene, preprocess: Preprocess) -> ModelInput:
        """Refused: two of them are needed."""
        return no_input(preprocess, ONE_DATE, scene.assumptions)


ONE_DATE = notice("input.one-date")
