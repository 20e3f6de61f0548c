"""Small, whole values of each stop, for tests of what is written about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from rasterio.crs import CRS
from rasterio.transform import Affine

from core.explain.measure.verdict import is_rare, verdict_of
from core.report.model_facts import ModelFacts
from core.types import (
    Band,
    ChangeMap,
    ChangePolygon,
    ClassArea,
    Domain,
    Explanation,
    Gain,
    LandCoverMap,
    MapUnit,
    Outside,
    Picture,
    Prediction,
    Preprocess,
    RemovalScore,
    Report,
    Scene,
    Study,
    Target,
    Transition,
    notice,
)

CHEST = Preprocess(
    domain=Domain.RADIOGRAPH,
    size=(224, 224),
    channels=("luminance",),
    standardise="image",
    age_years=(1.0, 5.0),
    modalities=("CR", "DX"),
    body_parts=("CHEST",),
    views=("PA", "AP"),
)
LAND = Preprocess(
    domain=Domain.LAND_COVER,
    size=(64, 64),
    channels=("red", "green", "blue"),
    standardise="fixed",
    mean=(0.35, 0.38, 0.41),
    std=(0.2, 0.14, 0.12),
    ground_sample_distance_m=10.0,
    reflectance_top=0.275,
)
CHEST_LABELS = ("normal", "bacterial-pneumonia", "viral-pneumonia")
PNEUMONIA = {"pneumonia": ("bacterial-pneumonia", "viral-pneumonia")}
CHEST_MODEL = ModelFacts(
    title="Chest radiographs of children",
    task="normal, bacterial or viral pneumonia",
    modality="CR, DX",
    licence="Apache-2.0",
    trained_on="5,216 radiographs of children of one hospital (Kermany et al. 2018).",
    limits=("Made for frontal views.",),
    preprocess=CHEST,
    coverage=0.9,
    is_calibrated=True,
)
LAND_MODEL = ModelFacts(
    title="Land cover from Sentinel-2",
    task="ten classes of land cover",
    modality="Sentinel-2",
    licence="Apache-2.0",
    trained_on="EuroSAT, Europe only.",
    limits=("One label a tile.",),
    preprocess=LAND,
    coverage=0.9,
    is_calibrated=True,
)
INSIDE = Outside(score=12.5, threshold=30.25, is_outside=False)
UNLIKE = notice("outside.image", domain="radiograph", score=80.5, threshold=30.25)
OUTSIDE = Outside(score=80.5, threshold=30.25, is_outside=True, reason=UNLIKE)
NOON = "2025-03-01T12:00:00+00:00"


class Frames:
    """Frames in memory, where a reader would decode them when asked."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.pixels = pixels

    @property
    def shape(self) -> tuple[int, int, int]:
        frames, rows, columns = self.pixels.shape[:3]
        return frames, rows, columns

    def read(self, index: int) -> NDArray[Any]:
        return self.pixels[index]


def study(pixels: NDArray[Any] | None = None, **changes: Any) -> Study:
    """A frontal chest radiograph (DX) of a child, 48 x 64 px, MONOCHROME2, unless told otherwise."""
    if pixels is None:
        pixels = np.random.default_rng(7).integers(0, 4096, (1, 48, 64)).astype(np.uint16)
    header = Dataset()
    header.PhotometricInterpretation = changes.get("photometric", "MONOCHROME2")
    header.WindowCenter, header.WindowWidth = "2048", "4096"
    for keyword in ("PatientOrientation",):
        if keyword in changes:
            setattr(header, keyword, changes.pop(keyword))
    facts: dict[str, Any] = {"modality": "DX", "body_part": "CHEST", "view": "PA", "age_years": 3.0, **changes}
    return Study("DOE^JOHN.dcm", "a1" * 32, Frames(pixels), header, (header,), **facts)


def picture(pixels: NDArray[np.uint8] | None = None) -> Picture:
    if pixels is None:
        pixels = np.random.default_rng(7).integers(0, 256, (48, 64)).astype(np.uint8)
    return Picture("JOHN DOE.png", "b2" * 32, pixels)


def scene(name: str = "paris_2020", day: date | None = date(2020, 6, 1), **changes: Any) -> Scene:
    bands = tuple(
        Band(code, colour, Path(f"{name}.tif"), index, 0.0001, -0.1)
        for index, (code, colour) in enumerate((("B04", "red"), ("B03", "green"), ("B02", "blue")), start=1)
    )
    facts: dict[str, Any] = {"crs": CRS.from_epsg(32631), "transform": Affine(10, 0, 448000, 0, -10, 5411000), **changes}
    assumed = (notice("scene.scale-assumed", scale=0.0001),)
    return Scene(name, "c3" * 32, bands, 300, 200, dtype="uint16", date=day, assumptions=assumed, **facts)


def prediction(
    probabilities: Sequence[float] = (0.03, 0.83, 0.14),
    labels: Sequence[str] = CHEST_LABELS,
    conformal_set: Sequence[str] = ("bacterial-pneumonia", "viral-pneumonia"),
    outside: Outside = INSIDE,
    **changes: Any,
) -> Prediction:
    """What an engine would say, with the most probable label given unless outside or abstaining."""
    values = np.array(probabilities, dtype=np.float32)
    silent = outside.is_outside or not conformal_set or len(conformal_set) == len(labels)
    facts: dict[str, Any] = {
        "model": "chest-xray",
        "weights": "0a1b2c3d4e5f",
        "logits": np.log(np.maximum(values, 1e-9)),
        "probabilities": values,
        "prediction": None if silent else labels[int(values.argmax())],
        "assumptions": (notice("input.age-not-known", youngest=1.0, oldest=5.0),),
        **changes,
    }
    return Prediction(labels=tuple(labels), conformal_set=tuple(conformal_set), outside=outside, **facts)


def removal(value: float, low: float, mean: float, high: float) -> RemovalScore:
    curve = np.linspace(0.8, 0.1, 11, dtype=np.float32)
    p = 1 / 101 if value < low or value > high else 0.5
    return RemovalScore(value, mean, low, high, 100, curve, curve, p, value, is_rare(p))


def gain(value: float = 0.4, p: float = 1 / 101, **opponents: float | None) -> Gain:
    others = {"centre": 0.1, "edges": 0.05, "random_weights": 0.0, **opponents}
    return Gain(value, p, 100, -0.1, 0.2, others, verdict_of(value, p, others))


def explanation(**changes: Any) -> Explanation:
    rows, columns = np.mgrid[0:224, 0:224]
    saliency = np.exp(-((rows - 80) ** 2 + (columns - 70) ** 2) / 2500.0).astype(np.float32)
    facts: dict[str, Any] = {
        "method": "rollout",
        "parameters": {"discard": 0.0},
        "target": Target.of_label("bacterial-pneumonia"),
        "deletion": removal(0.231, 0.302, 0.354, 0.401),
        "insertion": removal(0.612, 0.450, 0.521, 0.593),
        "gain": gain(),
        "class_specific": False,
        "unit": MapUnit.ATTENTION,
        "zero": 0.25,
        **changes,
    }
    return Explanation(saliency=saliency, low=0.0, high=0.02, model="chest-xray", weights="0a1b2c3d4e5f", **facts)


def land_cover_map(**changes: Any) -> LandCoverMap:
    areas = (
        ClassArea("Forest", 30_000, 300.0, 0.5),
        ClassArea("Residential", 21_000, 210.0, 0.35),
        ClassArea("River", 9_000, 90.0, 0.15),
    )
    facts: dict[str, Any] = {
        "areas": areas,
        "valid_pixels": 60_000,
        "outside_share": 0.02,
        "unstable_share": 0.12,
        "mean_confidence": 0.71,
        "parameters": {"tile": 64, "overlap": 0.5, "runtime": "torch", "precision": "fp32"},
        "assumptions": (notice("scene.bands-assumed", colours=("red", "green", "blue")),),
        **changes,
    }
    paths = {name: Path(f"{name}.tif") for name in ("landcover", "confidence", "outside", "unstable")}
    labels = ("Forest", "Residential", "River", "Pasture")
    return LandCoverMap(scene(), "land-cover", "9f8e7d6c5b4a", labels, classes=Path("classes.gpkg"), **{**paths, **facts})


def change_map(**changes: Any) -> ChangeMap:
    facts: dict[str, Any] = {
        "transitions": (
            Transition("Forest", "Forest", 50_000, 500.0),
            Transition("Forest", "Industrial", 950, 9.5),
            Transition("Pasture", "Residential", 300, 3.0),
        ),
        "became": (Transition("Forest", "Industrial", 900, 9.0), Transition("Pasture", "Residential", 300, 3.0)),
        "polygons": (
            ChangePolygon(1, 9.0, "Forest", "Industrial", 0.82, (250, 10, 30, 30), (450500.0, 5410700.0)),
            ChangePolygon(2, 3.0, None, None, 0.44, (140, 90, 20, 20), (449500.0, 5410000.0)),
        ),
        "changed_pixels": 1_200,
        "valid_pixels": 60_000,
        "changed_hectares": 12.0,
        "parameters": {"threshold": 0.31, "tile": 64, "overlap": 0.5},
        **changes,
    }
    files = {"change": Path("change.tif"), "score": Path("change_score.tif"), "polygons_file": Path("changes.gpkg")}
    before, after = scene(), scene("paris_2023", date(2023, 6, 4))
    labels = ("Forest", "Industrial", "Pasture", "Residential")
    return ChangeMap(before, after, "land-cover", "9f8e7d6c5b4a", "classes", labels, **files, **facts)


def sentences(report: Report, section: str) -> list[str]:
    return [sentence.text for sentence in report.sentences if sentence.section == section]
