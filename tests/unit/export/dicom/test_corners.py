"""A marker in the corner of a slice stands in the corner of that slice in every object, in whatever plane, by the object's own geometry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from core.types import Study
from tests.unit.export.dicom.exported import CORNER, PLANES, SIDE, SLICES, content, ct_study, exported, radiograph

FRAMES = (0, SLICES // 2, SLICES - 1)
MIDDLE = (CORNER[0] + (SIDE - 1) / 2, CORNER[1] + (SIDE - 1) / 2)
"""(row, column) of the marker's middle, middles of pixels at whole numbers."""
PIXEL_MM = 0.8


def in_patient(place: Any, cosines: Any, spacing: Any, row: float, column: float) -> NDArray[np.float64]:
    """PS3.3 C.7.6.2.1.1: where a pixel lies in the patient, in mm."""
    along, down = np.array(cosines[:3], float), np.array(cosines[3:], float)
    return np.asarray(np.array(place, float) + along * float(spacing[1]) * column + down * float(spacing[0]) * row)


def wanted(study: Study, frame: int) -> NDArray[np.float64]:
    assert study.orientation and study.spacing_mm
    return in_patient(study.positions[frame], study.orientation, study.spacing_mm, *MIDDLE)


def middle(mask: NDArray[Any]) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return float(rows.mean()), float(columns.mean())


@pytest.fixture(params=list(PLANES))
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Study:
    return ct_study(tmp_path / "source", request.param)


@pytest.mark.parametrize("frame", FRAMES)
def test_of_a_segmentation(study: Study, frame: int, tmp_path: Path) -> None:
    seg = exported(content(study, frame), "seg", tmp_path)
    assert int(seg.NumberOfFrames) == SLICES, "empty frames included"
    shared = seg.SharedFunctionalGroupsSequence[0]
    spacing = shared.PixelMeasuresSequence[0].PixelSpacing
    cosines = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    marked = []
    for mask, groups in zip(np.atleast_3d(seg.pixel_array), seg.PerFrameFunctionalGroupsSequence, strict=True):
        if mask.any():
            marked.append(in_patient(groups.PlanePositionSequence[0].ImagePositionPatient, cosines, spacing, *middle(mask)))
            reference = groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
    assert len(marked) == 1
    np.testing.assert_allclose(marked[0], wanted(study, frame), atol=0.01)
    assert reference == content(study).source.image(frame).SOPInstanceUID


@pytest.mark.parametrize("frame", FRAMES)
def test_of_a_parametric_map(study: Study, frame: int, tmp_path: Path) -> None:
    made = exported(content(study, frame), "pm", tmp_path)
    values = np.frombuffer(made.FloatPixelData, "<f4").reshape(made.Rows, made.Columns)
    shared, own = made.SharedFunctionalGroupsSequence[0], made.PerFrameFunctionalGroupsSequence[0]
    where = next(groups for groups in (own, shared) if "PlanePositionSequence" in groups).PlanePositionSequence[0].ImagePositionPatient
    cosines = (
        next(groups for groups in (own, shared) if "PlaneOrientationSequence" in groups).PlaneOrientationSequence[0].ImageOrientationPatient
    )
    spacing = next(groups for groups in (own, shared) if "PixelMeasuresSequence" in groups).PixelMeasuresSequence[0].PixelSpacing
    np.testing.assert_allclose(in_patient(where, cosines, spacing, *middle(values > 0.5)), wanted(study, frame), atol=0.01)


@pytest.mark.parametrize("frame", FRAMES)
def test_of_a_secondary_capture(study: Study, frame: int, tmp_path: Path) -> None:
    made = exported(content(study, frame), "sc", tmp_path)
    assert (
        "FrameOfReferenceUID" in made
        and made.SourceImageSequence[0].ReferencedSOPInstanceUID == content(study).source.image(frame).SOPInstanceUID
    )
    pixels = made.pixel_array.astype(int)
    drawn = (pixels[: CORNER[0] + SIDE + 2, : CORNER[1] + SIDE + 1, 0] - pixels[: CORNER[0] + SIDE + 2, : CORNER[1] + SIDE + 1, 2]) > 60
    there = in_patient(made.ImagePositionPatient, made.ImageOrientationPatient, made.PixelSpacing, *middle(drawn))
    assert np.linalg.norm(there - wanted(study, frame)) <= PIXEL_MM


@pytest.mark.parametrize("frame", FRAMES)
def test_of_a_presentation_state_and_a_report(study: Study, frame: int, tmp_path: Path) -> None:
    told = content(study, frame)
    state = exported(told, "pr", tmp_path)
    (annotation,) = state.GraphicAnnotationSequence
    assert annotation.ReferencedImageSequence[0].ReferencedSOPInstanceUID == told.source.image(frame).SOPInstanceUID
    outline = np.array(annotation.GraphicObjectSequence[0].GraphicData).reshape(-1, 2)
    report = highdicom.sr.Comprehensive3DSR.from_dataset(exported(told, "sr", tmp_path))
    (group,) = report.content.get_planar_roi_measurement_groups()
    region = group.roi
    assert region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == told.source.image(frame).SOPInstanceUID
    for points in (outline, region.value):
        low, high = points.min(axis=0), points.max(axis=0)  # from the corner of the first pixel: its middle is at 0.5
        row, column = (low[1] + high[1]) / 2 - 0.5, (low[0] + high[0]) / 2 - 0.5
        assert abs(row - MIDDLE[0]) <= 0.01 and abs(column - MIDDLE[1]) <= 0.01
        np.testing.assert_array_equal(points[0], points[-1])
        np.testing.assert_allclose(high - low, [SIDE, SIDE], atol=1.01)


@pytest.mark.parametrize("kind", ["seg", "sc", "pr", "sr"])
def test_of_a_radiograph_which_has_no_frame_of_reference(kind: str, tmp_path: Path) -> None:
    made = exported(content(radiograph(tmp_path / "source")), kind, tmp_path)
    if kind == "seg":
        assert middle(made.pixel_array) == MIDDLE
    elif kind == "pr":
        points = np.array(made.GraphicAnnotationSequence[0].GraphicObjectSequence[0].GraphicData).reshape(-1, 2)
        np.testing.assert_allclose((points.min(axis=0) + points.max(axis=0)) / 2 - 0.5, MIDDLE[::-1], atol=0.01)
    elif kind == "sc":
        assert "ImagePositionPatient" not in made and list(made.PatientOrientation) == ["L", "F"]
    else:
        assert isinstance(made, Dataset) and made.Modality == "SR"
