"""Grayscale Softcopy Presentation State (PS3.3 A.33.1): outlines and words over the images of the source, whose pixels stay as they are."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom.color import CIELabColor
from highdicom.pr import (
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GrayscaleSoftcopyPresentationState,
    SoftcopyVOILUTTransformation,
    TextObject,
)
from pydicom import Dataset

from core.errors import InputError
from core.export.dicom.content import ExportContent, Region
from core.export.dicom.objects import CREATOR, Naming, intended_use, refused_by_highdicom
from core.export.dicom.seg import segment_label, tracking_uid
from core.prepare.windowing import default_window, is_colour

COLOUR = CIELabColor(85.0, -10.0, 70.0)
"""A yellow that stands out from grey, in CIELab."""
WORDS_BELOW = 14.0
"""Pixels between an outline and its words."""


def presentation_state(content: ExportContent) -> tuple[Dataset, ...]:
    """One object for the series: every region on each of its frames, and the intended use on the frames that are pictured.

    Raises InputError for images in colour, which have no such state.
    """
    study, naming = content.study, Naming("pr", content)
    if is_colour(study, 0):
        raise InputError("A grayscale presentation state needs grey images.", "Take sc or pdf.")
    layer = GraphicLayer("SIGHTLINE", 1, "What a model points at; for research", COLOUR)
    frames = sorted({frame for region in content.regions for frame in region.masks} | set(content.frames))
    window = content.window or default_window(study, content.frames[0])
    with refused_by_highdicom("A presentation state"):
        made = GrayscaleSoftcopyPresentationState(
            referenced_images=list(content.source.images),
            content_label="SIGHTLINE",
            content_description="Outlines of a model's answer; for research",
            content_creator_name=CREATOR,
            graphic_layers=[layer],
            graphic_annotations=[_annotation(content, layer, frame) for frame in frames],
            voi_lut_transformations=None if window is None else [
                SoftcopyVOILUTTransformation(window_center=window.centre, window_width=window.width, voi_lut_function=window.function)
            ],
            **naming.arguments(),
            **naming.device(),
        )  # fmt: skip
    return (made,)


def _annotation(content: ExportContent, layer: GraphicLayer, frame: int) -> GraphicAnnotation:
    shown = [region for region in content.regions if frame in region.masks]
    return GraphicAnnotation(
        referenced_images=[content.source.image(frame)],
        referenced_frame_number=content.source.number_in(frame),
        graphic_layer=layer,
        graphic_objects=[_outline(content, region, frame) for region in shown] or None,
        text_objects=[*(_words(content, region, frame) for region in shown), _corner(content)],
    )


def _outline(content: ExportContent, region: Region, frame: int) -> GraphicObject:
    return GraphicObject(
        graphic_type="POLYLINE",
        graphic_data=region.outline(frame),
        units="PIXEL",
        tracking_id=segment_label(region),
        tracking_uid=tracking_uid(content, region.number),
    )


def _words(content: ExportContent, region: Region, frame: int) -> TextObject:
    low, high = region.outline(frame).min(axis=0), region.outline(frame).max(axis=0)
    rows, columns = content.study.shape[1:]
    below = min(float(high[1]) + WORDS_BELOW, float(rows))
    anchor = (float(min((low[0] + high[0]) / 2, columns)), below)
    return TextObject(segment_label(region), units="PIXEL", anchor_point=anchor, anchor_point_visible=False)


def _corner(content: ExportContent) -> TextObject:
    lines: Sequence[str] = [content.prediction.model, intended_use(content)]
    if content.prediction.outside.is_outside:
        lines = [*lines, "Outside what the model knows."]
    return TextObject("\r\n".join(lines), units="DISPLAY", bounding_box=(0.02, 0.9, 0.98, 0.98), text_justification="LEFT")
