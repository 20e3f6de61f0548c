"""What digital numbers stand for: reflectance as it is assumed where no file tells a scale, and when that cannot be right.

Float files of digital numbers, Landsat Collection 2 and 16-bit exports of EO Browser hold values that the usual scale makes no reflectance:
everything would be white, and nothing found. Sentinel-2 from baseline 04.00 has 1,000 added to every number.
"""

from __future__ import annotations

import numpy as np

from core.types import Band, Notice, ScaleState, Scene, notice

SENTINEL_2_SCALE = 0.0001
"""Reflectance a digital number of Sentinel-2 (ESA, Sentinel-2 Products Specification Document), before the offset of baseline 04.00."""
SENTINEL_2_OFFSET = 1_000.0
"""Digital numbers that baseline 04.00 adds (RADIO_ADD_OFFSET, BOA_ADD_OFFSET)."""
MEDIAN_REFLECTANCE = (-0.2, 0.7)
"""Half of a scene is rarely brighter: that is snow or cloud, which is asked about too. Below lies a nodata value that no file names."""
LARGEST_REFLECTANCE = 2.0
RENDERED = ("uint8", "int8")
"""Types that hold pictures for display where the file tells no scale."""
NOT_REFLECTED = frozenset({"thermal infrared 1", "thermal infrared 2", "cirrus", "water vapour"})
"""What a band shows that is not ground in the light of the sun."""


def assumed_scale(dtype: str, reflectance_top: float) -> tuple[float, Notice]:
    """Reflectance a digital number where no file tells. reflectance_top: what 255 of an 8-bit file stands for."""
    if dtype in RENDERED:
        return reflectance_top / 255.0, notice("scene.rendering-assumed")
    if np.issubdtype(np.dtype(dtype), np.floating):
        return 1.0, notice("scene.reflectance-assumed")
    return SENTINEL_2_SCALE, notice("scene.scale-assumed", scale=SENTINEL_2_SCALE)


def scale_doubt(scene: Scene) -> Notice | None:
    """Why the values cannot be reflectance by the scale that is told or assumed; None where they can."""
    values = [band.values for band in _judged(scene) if band.values is not None]
    scale, offset = _scale_of(scene)
    if not values or scale is None:
        return None
    middle = float(np.median([one.middle for one in values])) * scale + offset
    highest = max(one.high for one in values) * scale + offset
    is_assumed = any(band.scale is None for band in _judged(scene))
    darkest, brightest = MEDIAN_REFLECTANCE
    if darkest <= middle <= (brightest if is_assumed else LARGEST_REFLECTANCE) and (highest <= LARGEST_REFLECTANCE or not is_assumed):
        return None
    return notice("scene.scale-not-known", middle=middle, highest=highest)


def offset_doubt(scene: Scene) -> Notice | None:
    """Why an offset of baseline 04.00 is likely: no number below 1,000 in any band of a file that tells no scale; None where it is not."""
    values = [band.values for band in scene.bands if band.values is not None]
    is_assumed = all(band.scale is None for band in _judged(scene)) and _scale_of(scene)[0] == SENTINEL_2_SCALE
    if not values or not is_assumed or scale_doubt(scene) is not None or min(one.low for one in values) < SENTINEL_2_OFFSET:
        return None
    return notice("scene.offset-not-known", lowest=min(one.low for one in values))


def value_doubts(scene: Scene) -> tuple[Notice, ...]:
    """What has to be asked about the values of a scene, or warned of where nobody can be asked."""
    return tuple(doubt for doubt in (scale_doubt(scene), offset_doubt(scene), product_doubt(scene)) if doubt is not None)


def product_doubt(scene: Scene) -> Notice | None:
    """Why the metadata of a product leave its offset open; None where they tell it."""
    if scene.product is None or scene.product.offset.state is not ScaleState.UNKNOWN:
        return None
    return scene.product.offset.evidence


def _judged(scene: Scene) -> tuple[Band, ...]:
    """The bands that show reflected light; all where none is known to."""
    return tuple(band for band in scene.bands if band.common_name and band.common_name not in NOT_REFLECTED) or scene.bands


def _scale_of(scene: Scene) -> tuple[float | None, float]:
    """Scale and offset of the first band that counts, as told or as assumed; None for pictures, which are rendered to fit."""
    band = _judged(scene)[0]
    if band.scale is not None:
        return band.scale, band.offset or 0.0
    return (None if scene.dtype in RENDERED else assumed_scale(scene.dtype, 1.0)[0]), 0.0
