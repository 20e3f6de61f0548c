"""Segmentation (PS3.3 A.51): binary, a segment a region, with a frame for every image of the source, empty ones included.

Frames that are left out were lost or shifted by readers that expect one for each slice, so none is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from highdicom.content import AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr import CodedConcept
from pydicom import Dataset
from pydicom.sr.codedict import codes

from core.export.dicom.codes import finding, site
from core.export.dicom.content import ExportContent, Region
from core.export.dicom.objects import CREATOR, MANUFACTURER, Naming, refused_by_highdicom
from core.export.dicom.source import hashed_uid, patient_letters

_NOTHING = "Nothing was outlined"
MOST_LABEL = 64


def segmentation(content: ExportContent) -> tuple[Dataset, ...]:
    """One object. Where nothing was found its one segment is empty, and says so. Raises InputError where the source has no such frames."""
    naming, study = Naming("seg", content), content.study
    count = max(1, len(content.regions))
    pixels = np.zeros((*study.shape, count), dtype=np.uint8)  # [frames, rows, columns, segments]
    for place, region in enumerate(content.regions):
        for frame, mask in region.masks.items():
            pixels[frame, :, :, place] = mask
    with refused_by_highdicom("A segmentation"):
        made = Segmentation(
            source_images=list(content.source.images),
            pixel_array=pixels,
            segmentation_type="BINARY",
            segment_descriptions=_descriptions(content),
            omit_empty_frames=False,
            content_label="SIGHTLINE",
            content_description="Regions that a model points at; for research",
            content_creator_name=CREATOR,
            **naming.arguments(),
            **naming.device(),
        )
    if not content.source.is_placed:  # it has no plane, but its rows and columns may still say where they run to (type 2C)
        letters = patient_letters(content.study)
        made.PatientOrientation = list(letters) if all(letters) else None
    return (made,)


def _descriptions(content: ExportContent) -> list[SegmentDescription]:
    prediction = content.prediction
    algorithm = AlgorithmIdentificationSequence(
        name=prediction.model[:64], family=codes.DCM.ArtificialIntelligence, version=prediction.weights[:64], source=MANUFACTURER
    )
    if not content.regions:
        why = ": outside what the model knows" if prediction.outside.is_outside else ""
        return [_description(1, f"{_NOTHING}{why}", None, algorithm, content)]
    return [_description(region.number, segment_label(region), region, algorithm, content) for region in content.regions]


def segment_label(region: Region) -> str:
    """ "Candidate 2, score 0.93", "Map of attribution, no outline"."""
    if region.label == "attribution":
        return "Strongest attribution, no outline of a lesion"
    score = f", score {region.score:.2f}" if region.score is not None else ""
    return f"Candidate {region.number}{score}{'' if region.is_measured else ', place only'}"


def _description(
    number: int, label: str, region: Region | None, algorithm: AlgorithmIdentificationSequence, content: ExportContent
) -> SegmentDescription:
    is_lesion = region is not None and region.label != "attribution"
    return SegmentDescription(
        segment_number=number,
        segment_label=label[:MOST_LABEL],
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure if is_lesion else codes.SCT.SpatialAndRelationalConcept,
        segmented_property_type=finding(region.label if region is not None else "attribution"),
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_id=f"{content.prediction.model} {number}"[:64],
        tracking_uid=tracking_uid(content, number),
        anatomic_regions=_regions(content),
    )


def _regions(content: ExportContent) -> Sequence[CodedConcept] | None:
    return [site("chest")] if "CHEST" in content.study.body_part.upper() else None


def tracking_uid(content: ExportContent, number: int) -> str:
    """The same for one region in every object that shows it."""
    return hashed_uid(content.study.sha256, content.prediction.weights, "region", str(number))
