"""Parametric map (PS3.3 A.75): where the model looked, as 32-bit floats on the plane of the slice, for CT."""

from __future__ import annotations

import numpy as np
from highdicom.content import VOILUTTransformation
from highdicom.pm import ParametricMap, RealWorldValueMapping
from pydicom import Dataset
from pydicom.sr.codedict import codes

from core.errors import InputError
from core.export.dicom.codes import map_quantity
from core.export.dicom.content import ExportContent
from core.export.dicom.objects import CREATOR, Naming, refused_by_highdicom


def parametric_map(content: ExportContent) -> tuple[Dataset, ...]:
    """One object of one frame. Raises InputError where there is no map, or no plane in a frame of reference to lay it on."""
    if content.map is None or content.explanation is None:
        raise InputError("There is no map: the model does not answer this image.", "Take sr, sc or pdf: they say why.")
    if not content.source.is_placed or len(content.source.images) != content.study.shape[0]:
        raise InputError("A parametric map needs slices that say where they lie in a frame of reference.", "Take sc: it shows the map.")
    naming = Naming("pm", content)
    method = content.explanation.method
    mapping = RealWorldValueMapping(
        lut_label="ATTRIBUTION", lut_explanation=f"{method}, strongest is 1, no probability"[:64], unit=codes.UCUM.NoUnits,
        value_range=(0.0, 1.0), slope=1.0, intercept=0.0, quantity_definition=map_quantity(method),
    )  # fmt: skip
    with refused_by_highdicom("A parametric map"):
        made = ParametricMap(
            source_images=[content.source.image(content.map_frame)],
            pixel_array=np.asarray(content.map[np.newaxis], dtype=np.float32),
            contains_recognizable_visual_features=False,
            real_world_value_mappings=[mapping],
            voi_lut_transformations=[VOILUTTransformation(window_center=0.5, window_width=1.0)],
            content_label="ATTRIBUTION",
            content_description="Where the model looked; no outline of a lesion",
            content_creator_name=CREATOR,
            derived_pixel_contrast="NONE",
            **naming.arguments(),
            **naming.device(),
        )
    return (made,)
