"""What digital numbers stand for: reflectance as it is assumed where no file tells a scale, and when that cannot be right.

Float files of digital numbers, Landsat Collection 2 and 16-bit exports of EO Browser hold values that the usual scale makes no reflectance:
everything would be white, and nothing found. Sentinel-2 from baseline 04.00 has 1,000 added to every number.
"""

from __future__ import annotations

import numpy as np

from core.types import Band, Notice, ScaleState, Scaling, Scene, notice

SENTINEL_2_SCALE = 0.0001
"""Reflectance a digital number of Sentinel-2 (ESA, Sentinel-2 Products Specification Document), before the offset of baseline 04.00."""
SENTINEL_2_OFFSET = 1_000.0
"""Digital numbers that baseline 04.00 adds (RADIO_ADD_OFFSET, BOA_ADD_OFFSET)."""
MEDIAN_REFLECTANCE = (-0.2, 0.7)
"""Half of a scene is rarely brighter: that is snow or cloud, which is asked about too. Below lies a nodata value that no file names."""
LARGEST_REFLECTANCE = 2.0
BASELINE_4_OFFSET = -0.1
"""The same as reflectance."""
KNOWN_SCALES = ((SENTINEL_2_SCALE, 0.0), (2.75e-05, -0.2), (0.001, 0.0), (1 / 65_535, 0.0), (1.0, 0.0))
"""Scales and offsets of Sentinel-2, Landsat Collection 2, reflectance in thousandths, 16-bit exports, and what is reflectance already."""
DARK_MEDIAN = 0.005
"""Half of a scene is hardly darker: a scale that makes it so is another's."""
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
    values = [band.values for band in judged_bands(scene) if band.values is not None]
    scale, offset = _scale_of(scene)
    if not values or scale is None:
        return None
    middle = float(np.median([one.middle for one in values])) * scale + offset
    highest = max(one.high for one in values) * scale + offset
    is_assumed = any(band.scale is None for band in judged_bands(scene))
    darkest, brightest = MEDIAN_REFLECTANCE
    if darkest <= middle <= (brightest if is_assumed else LARGEST_REFLECTANCE) and (highest <= LARGEST_REFLECTANCE or not is_assumed):
        return None
    return notice("scene.scale-not-known", middle=middle, highest=highest)


def offset_doubt(scene: Scene) -> Notice | None:
    """Why an offset of baseline 04.00 is likely: no number below 1,000 in any band of a file that tells no scale; None where it is not."""
    values = [band.values for band in scene.bands if band.values is not None]
    is_assumed = all(band.scale is None for band in judged_bands(scene)) and _scale_of(scene)[0] == SENTINEL_2_SCALE
    if not values or not is_assumed or scale_doubt(scene) is not None or min(one.low for one in values) < SENTINEL_2_OFFSET:
        return None
    return notice("scene.offset-not-known", lowest=min(one.low for one in values))


def value_doubts(scene: Scene) -> tuple[Notice, ...]:
    """What has to be asked about the values of a scene, or warned of where nobody can be asked."""
    return tuple(doubt for doubt in (scale_doubt(scene), offset_doubt(scene), product_doubt(scene)) if doubt is not None)


def is_scale_known(scene: Scene) -> bool:
    """Whether it is known how its values become reflectance, or at least nothing speaks against what is assumed."""
    return scale_doubt(scene) is None and product_doubt(scene) is None


def product_doubt(scene: Scene) -> Notice | None:
    """Why the metadata of a product leave its offset open; None where they tell it."""
    if scene.product is None or scene.product.offset.state is not ScaleState.UNKNOWN:
        return None
    return scene.product.offset.evidence


def scaling_of(scene: Scene) -> tuple[Scaling, Scaling]:
    """Of the scale and of the offset of any scene: whether they are needed, and by what that is known or guessed."""
    if scene.product is not None:
        return scene.product.scale, scene.product.offset
    return _scaling(scene, "scale"), _scaling(scene, "offset")


def _scaling(scene: Scene, which: str) -> Scaling:
    """Of a scene without metadata of a product. which: "scale" or "offset"."""
    band = judged_bands(scene)[0]
    if which in scene.given and band.scale is not None:
        return Scaling(ScaleState.NEEDED, notice("product.given"))
    is_open = which not in scene.given
    if band.scale is not None:
        told = notice("product.file-tells", scale=band.scale, offset=band.offset or 0.0)
        return Scaling(ScaleState.NEEDED, told, is_guess=scale_doubt(scene) is not None)
    if scene.dtype in RENDERED:
        return Scaling(ScaleState.APPLIED, notice("scene.rendering-assumed"), is_open)
    ranges = [one.values for one in judged_bands(scene) if one.values is not None]
    if not ranges:
        return Scaling(ScaleState.UNKNOWN, notice("product.no-values"), is_open)
    seen = notice("product.values", low=min(one.low for one in ranges), high=max(one.high for one in ranges))
    is_reflectance = np.issubdtype(np.dtype(scene.dtype), np.floating) and scale_doubt(scene) is None
    return Scaling(ScaleState.APPLIED if is_reflectance else ScaleState.UNKNOWN, seen, is_open)


def proposed_scale(scene: Scene) -> tuple[float, float] | None:
    """(scale, offset) that would make reflectance of the values, as far as these tell; None where the scale is known, or nothing fits."""
    scale, offset = scaling_of(scene)
    if not (scale.is_guess or offset.is_guess) or scene.dtype in RENDERED:
        return None
    if scene.product is not None:
        return judged_bands(scene)[0].scale or 1.0, BASELINE_4_OFFSET
    if offset_doubt(scene) is not None:
        return SENTINEL_2_SCALE, BASELINE_4_OFFSET
    if scale_doubt(scene) is None:
        return assumed_scale(scene.dtype, 1.0)[0], 0.0
    return next((known for known in KNOWN_SCALES if _fits(scene, *known)), None)


def _fits(scene: Scene, scale: float, offset: float) -> bool:
    ranges = [band.values for band in judged_bands(scene) if band.values is not None]
    middle = float(np.median([one.middle for one in ranges])) * scale + offset
    highest = max(one.high for one in ranges) * scale + offset
    return DARK_MEDIAN <= middle <= MEDIAN_REFLECTANCE[1] and highest <= LARGEST_REFLECTANCE


def judged_bands(scene: Scene) -> tuple[Band, ...]:
    """The bands that show reflected light; all where none is known to."""
    return tuple(band for band in scene.bands if band.common_name and band.common_name not in NOT_REFLECTED) or scene.bands


def _scale_of(scene: Scene) -> tuple[float | None, float]:
    """Scale and offset of the first band that counts, as told or as assumed; None for pictures, which are rendered to fit."""
    band = judged_bands(scene)[0]
    if band.scale is not None:
        return band.scale, band.offset or 0.0
    return (None if scene.dtype in RENDERED else assumed_scale(scene.dtype, 1.0)[0]), 0.0
