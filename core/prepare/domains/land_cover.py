"""Land cover: satellite scenes at the ground scale of the model, tile by tile."""

from __future__ import annotations

from collections.abc import Mapping

from core.prepare.domains.base import ImageDomain, Places, ReadingMode
from core.prepare.kinds import modality_of
from core.prepare.scene_input import TILE_SCALE, centre_input, scene_parts, window_size
from core.prepare.suitability import Suitability
from core.types import Domain, Image, Mask, ModelInput, Picture, Preprocess, Scene, Study, notice


class LandCover(ImageDomain):
    """Scenes, and pictures of about one tile in natural colour."""

    kind = Domain.LAND_COVER
    darkest = "nodata"
    makes_maps = True
    repeats_grey = False
    places = Places.SCENE
    heatmap = "heatmap_scene"

    def study_suits(self, study: Study, preprocess: Preprocess) -> Suitability:
        """Refused."""
        return Suitability(notice("input.no-satellite-image", modality=modality_of(study)))

    def picture_suits(self, picture: Picture, preprocess: Preprocess) -> Suitability:
        """It has no ground scale: one of about the model's size is taken as a tile at the model's scale."""
        rows, columns = picture.pixels.shape[:2]
        if not picture.is_colour:
            return Suitability(notice("picture.grey"))
        metres = preprocess.ground_sample_distance_m
        assert metres is not None  # every model of land cover has one
        height, width = preprocess.size
        if rows > TILE_SCALE * height or columns > TILE_SCALE * width:
            return Suitability(
                notice("picture.too-large-for-tile", columns=columns, rows=rows, tile_columns=width, tile_rows=height, metres=metres)
            )
        return Suitability(None, (notice("picture.taken-as-tile", metres=metres),))

    def scene_input(self, scene: Scene, preprocess: Preprocess) -> ModelInput:
        """The window at the centre."""
        return centre_input(scene, preprocess)

    def parts(self, image: Image, given: ModelInput, preprocess: Preprocess) -> Mapping[str, Mask | None]:
        """Where a scene holds data, and where it does not."""
        return scene_parts(image, given, preprocess) if isinstance(image, Scene) and not given.is_empty else {}

    def is_likely(self, image: Image) -> bool:
        """A scene, or a picture in colour."""
        return isinstance(image, Scene) or (isinstance(image, Picture) and image.is_colour)

    def reading(self, image: Image, preprocess: Preprocess) -> ReadingMode:
        """Tiled where a scene covers more ground than the model's input."""
        is_larger = isinstance(image, Scene) and window_size(image, preprocess) != (image.width, image.height)
        return ReadingMode.TILED if is_larger else ReadingMode.WHOLE
