"""Real nodules set into a real CT series, since no series with known nodules is at hand; and healthy tissue set in likewise.

A crop tells the nodule's middle slice alone, in grey values scaled by themselves: its lung is taken for that of AIRY_HU, the denser part of
the nodule for that of DENSE_HU, and above and below the middle the same crop is shrunk as a sphere is. The edge of what is set in is
blurred. That a network does not find the edge instead is asked by planting crops of the same outlines in which no reader drew anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from scipy import ndimage

from core.prepare.ct import Plane, plane_of
from core.prepare.windowing import modality_values
from core.types import FloatImage, Mask, Preprocess, Study
from training.data.nodules import Crops

CROP_MM = 0.7
"""Side of a pixel of the crops."""
READERS = 2
"""Of the four, who must have drawn a pixel."""
SMALLEST_PX, LARGEST_MM = 12, 12.0
"""Area of the smallest nodule that is planted, radius of the largest."""
AIRY_HU, DENSE_HU = -850.0, 30.0
LEAST_CONTRAST = 25.0
"""Grey values between lung and nodule, of 255, below which a crop says nothing of Hounsfield units."""
LUNG_HU = -600.0
"""Healthy tissue that is planted is mostly airier than this."""
RIM_PX, SOFT_PX = 2, 1.0
"""What is set in reaches so far beyond the outline; deviation of the Gaussian that blurs its edge."""
APART_MM, FROM_EDGE_MM = 35.0, 2.0
"""Between two that are planted, and from the edge of the lung."""
TRIES = 200


@dataclass(frozen=True)
class Plant:
    """What is set in. values: float32 [rows, columns], Hounsfield units at CROP_MM. share: how much of it shows, in [0, 1].
    middle: (row, column) in it. radius_mm: of the circle of the nodule's area. is_sham: whether it is healthy tissue."""

    values: FloatImage
    share: FloatImage
    middle: tuple[float, float]
    radius_mm: float
    is_sham: bool


@dataclass(frozen=True)
class Planted:
    """Where something was set in: frame from 0, row and column of the source."""

    frame: int
    row: float
    column: float
    radius_mm: float
    is_sham: bool


@dataclass(frozen=True)
class VolumeFrames:
    """Frames in Hounsfield units that lie in memory, [frames, rows, columns]."""

    volume: FloatImage

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""
        frames, rows, columns = self.volume.shape
        return frames, rows, columns

    def read(self, index: int) -> FloatImage:
        """One of them."""
        return np.asarray(self.volume[index])


def middle_crops(crops: Crops) -> list[int]:
    """The places of the middle slice of each nodule that is large enough."""
    nodules: dict[str, list[int]] = {}
    for place, path in enumerate(crops.paths):
        nodules.setdefault(path.as_posix().rpartition("_slice-")[0], []).append(place)
    middles = [places[len(places) // 2] for places in nodules.values()]
    return [place for place in middles if (crops.readers[place] >= READERS).sum() >= SMALLEST_PX]


def plant_of(image: NDArray[np.uint8], readers: NDArray[np.uint8], random: np.random.Generator, *, is_sham: bool) -> Plant | None:
    """What a crop gives to plant; None where it cannot be had. image, readers: [rows, columns] of Crops."""
    outline = _largest(readers >= READERS)
    radius = float(np.sqrt(outline.sum() / np.pi))
    values = _hounsfield(image.astype(np.float32), outline, readers)
    if values is None or radius * CROP_MM > LARGEST_MM:
        return None
    row, column = (float(each) for each in ndimage.center_of_mass(outline))
    if is_sham:
        place = _healthy(values, readers, radius, random)
        if place is None:
            return None
        outline = ndimage.shift(outline.astype(np.float32), (place[0] - row, place[1] - column), order=0) > 0.5
        row, column = place
    share = ndimage.gaussian_filter(ndimage.binary_dilation(outline, iterations=RIM_PX).astype(np.float32), SOFT_PX)
    return Plant(values, share, (row, column), radius * CROP_MM, is_sham)


def with_plants(study: Study, preprocess: Preprocess, plants: list[Plant], random: np.random.Generator) -> tuple[Study, list[Planted]]:
    """The series with each set into a place of its lungs, as far as there is room. study: a true volume of CT."""
    assert study.spacing_mm is not None and study.slice_spacing_mm is not None
    volume = np.stack([modality_values(study, frame) for frame in range(study.shape[0])])
    depth = cache(lambda frame: _depth(plane_of(study, preprocess, frame), preprocess))
    done: list[Planted] = []
    for plant in plants:
        place = _place(study, depth, plant, done, random)
        if place is not None:
            _set_in(volume, study, plant, place)
            done.append(Planted(*place, plant.radius_mm, plant.is_sham))
    return replace(study, frames=VolumeFrames(volume), frame_headers=(Dataset(),)), done  # no rescale: the frames are Hounsfield units


def _largest(mask: Mask) -> Mask:
    names, count = ndimage.label(mask)
    sizes = np.bincount(names.ravel(), minlength=count + 1)
    return np.asarray(names == 1 + int(np.argmax(sizes[1:])), dtype=np.bool_)


def _hounsfield(image: FloatImage, outline: Mask, readers: NDArray[np.uint8]) -> FloatImage | None:
    about = ndimage.binary_dilation(outline, iterations=6) & ~ndimage.binary_dilation(readers >= 1, iterations=RIM_PX)
    if not about.any():
        return None
    around = image[about]
    lung, dense = float(np.median(around[around <= np.median(around)])), float(np.percentile(image[outline], 90))
    if dense - lung < LEAST_CONTRAST:
        return None
    return np.asarray(AIRY_HU + (image - lung) / (dense - lung) * (DENSE_HU - AIRY_HU), dtype=np.float32)


def _healthy(values: FloatImage, readers: NDArray[np.uint8], radius: float, random: np.random.Generator) -> tuple[float, float] | None:
    """(row, column) in a crop of lung that no reader drew in, well away from what they drew."""
    away = ndimage.distance_transform_edt(readers == 0)
    inner = np.zeros(values.shape, dtype=np.bool_)
    inner[30:-30, 30:-30] = True
    airy = ndimage.median_filter(values, size=9) < LUNG_HU
    places = np.argwhere(inner & airy & (away > 2.0 * radius + 8.0))
    return None if not len(places) else tuple(float(each) for each in places[random.integers(len(places))])  # type: ignore[return-value]


def _depth(plane: Plane, preprocess: Preprocess) -> tuple[FloatImage, float, float]:
    """How deep in the lung each pixel of a plane lies, in mm, and what a pixel covers of the source, (down, across)."""
    depth = ndimage.distance_transform_edt(plane.searched) * (preprocess.pixel_spacing_mm or 1.0)
    return depth.astype(np.float32), plane.down, plane.across


def _place(
    study: Study,
    depth: Callable[[int], tuple[FloatImage, float, float]],
    plant: Plant,
    done: list[Planted],
    random: np.random.Generator,
) -> tuple[int, float, float] | None:
    """(frame, row, column) of a place that is far enough from the lung's edge and from the others."""
    assert study.spacing_mm is not None
    for _ in range(TRIES):
        frame = int(random.integers(study.shape[0]))
        deep, down, across = depth(frame)
        places = np.argwhere(deep > plant.radius_mm + FROM_EDGE_MM)
        if not len(places):
            continue
        row, column = places[random.integers(len(places))] * (down, across)
        if all(np.hypot((row - one.row) * study.spacing_mm[0], (column - one.column) * study.spacing_mm[1]) > APART_MM for one in done):
            return frame, float(row), float(column)
    return None


def _set_in(volume: FloatImage, study: Study, plant: Plant, place: tuple[int, float, float]) -> None:
    assert study.spacing_mm is not None and study.slice_spacing_mm is not None
    frame, row, column = place
    for index in range(len(volume)):
        height = abs(index - frame) * study.slice_spacing_mm
        if height < plant.radius_mm:
            _draw(volume[index], study.spacing_mm, plant, (row, column), float(np.sqrt(1.0 - (height / plant.radius_mm) ** 2)))


def _draw(pixels: FloatImage, spacing_mm: tuple[float, float], plant: Plant, place: tuple[float, float], size: float) -> None:
    """Set the crop into one slice, shrunk to `size`."""
    steps = [CROP_MM * size / side for side in spacing_mm]  # pixels of the slice that one of the crop covers
    reach = [int(np.ceil(step * side / 2)) + 1 for step, side in zip(steps, plant.values.shape, strict=True)]
    bounds = [(max(0, round(at) - far), min(side, round(at) + far + 1)) for at, far, side in zip(place, reach, pixels.shape, strict=True)]
    rows, columns = (np.arange(*bound) for bound in bounds)
    there = np.meshgrid((rows - place[0]) / steps[0] + plant.middle[0], (columns - place[1]) / steps[1] + plant.middle[1], indexing="ij")
    share = ndimage.map_coordinates(plant.share, there, order=1, cval=0.0)
    values = ndimage.map_coordinates(plant.values, there, order=1, mode="nearest")
    own = pixels[bounds[0][0] : bounds[0][1], bounds[1][0] : bounds[1][1]]
    own[...] = own * (1.0 - share) + values * share
