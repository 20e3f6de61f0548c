"""The stops of the road, each a frozen value that carries pixels and what they mean.

    bytes -> Study | Scene | Picture -> ModelInput -> Prediction -> Explanation -> Report -> files

A function takes the value of one stop and returns the next. Nobody reaches back, nobody mutates.
Axes are named in every docstring; lengths are in millimetres (medical) or metres (earth) unless the name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom import Dataset
    from rasterio.crs import CRS
    from rasterio.transform import Affine

FloatImage = NDArray[np.float32]
Mask = NDArray[np.bool_]

UNNAMED_DATE = "undated"


# ---------------------------------------------------------------- images as read


class FrameSource(Protocol):
    """Frames that are decoded when asked for, so that a long series costs no memory until it is looked at."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""

    def read(self, index: int) -> NDArray[Any]:
        """Frame `index` (from 0) in stored units: [rows, columns], or uint8 [rows, columns, 3] for a colour object.

        Raises UnreadableFile where the frame cannot be decoded.
        """


@dataclass(frozen=True)
class Window:
    """A VOI window: DICOM PS3.3 C.11.2.1.2. centre and width are in output units of the modality transform (HU for CT)."""

    centre: float
    width: float
    function: str = "LINEAR"
    explanation: str = ""


@dataclass(frozen=True)
class Study:
    """One DICOM image, or one series put in order, without anything that names a person.

    name: the file's or folder's own name, as the user gave it. Shown to the user, never logged.
    frames: lazy pixels [frames, rows, columns] in stored units, first slice first.
    header: the attributes on the allow-list of core/readers/dicom.py, and no others.
    frame_headers: one a frame (or a single one for all): rescale, modality LUT, VOI windows and LUT, photometric interpretation.
    spacing_mm: (row, column) spacing of pixels, None where the file does not tell; at the detector for projection radiographs.
    slice_spacing_mm: distance of neighbouring slices, None for a single frame or an irregular stack.
    orientation: the six direction cosines of PS3.3 C.7.6.2.1.1, None where there are none.
    is_volume: whether the frames were proven to be one regular stack.
    age_years: age at the study, None where the file does not tell. The only fact kept of the person, besides sex.
    sha256: of the source bytes (of the concatenated sha256 of every file in order, for a series).
    sources: the files that the frames came from, in frame order (one file for a multi-frame object).
    assumptions: sentences about what had to be assumed while reading.
    """

    name: str
    sha256: str
    frames: FrameSource
    header: Dataset
    frame_headers: tuple[Dataset, ...]
    modality: str
    body_part: str = ""
    view: str = ""
    photometric: str = "MONOCHROME2"
    sop_class_uid: str = ""
    age_years: float | None = None
    sex: str = ""
    spacing_mm: tuple[float, float] | None = None
    slice_spacing_mm: float | None = None
    orientation: tuple[float, ...] | None = None
    positions: tuple[tuple[float, float, float], ...] = ()
    is_volume: bool = False
    sources: tuple[Path, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""
        return self.frames.shape

    def frame_header(self, index: int) -> Dataset:
        """The display attributes of frame `index` (from 0)."""
        return self.frame_headers[index if len(self.frame_headers) > 1 else 0]


@dataclass(frozen=True)
class Picture:
    """A PNG or JPEG: pixels without a header that could say what they show.

    pixels: uint8 [rows, columns] for grey, [rows, columns, 3] for red, green, blue.
    """

    name: str
    sha256: str
    pixels: NDArray[np.uint8]
    source: Path | None = None
    assumptions: tuple[str, ...] = ()

    @property
    def is_colour(self) -> bool:
        """Whether the file holds three channels that differ."""
        return self.pixels.ndim == 3 and bool(np.ptp(self.pixels.astype(np.int16), axis=2).max() > 0)


@dataclass(frozen=True)
class Band:
    """One band of a scene.

    name: the field's own name where known ("B04", "red"), else "band 1".
    colour: "red", "green", "blue", "near infrared", "short-wave infrared 1", ... or "" where unknown.
    file, index: which GeoTIFF holds it and its number there, from 1.
    scale, offset: reflectance = digital number * scale + offset; None where the file does not tell.
    nodata: the digital number that means nothing, None where there is none.
    """

    name: str
    colour: str
    file: Path
    index: int
    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None


@dataclass(frozen=True)
class Scene:
    """One place at one date, on one grid. Pixels stay on disk and are read by window (core/prepare/bands.py).

    width, height, crs, transform: the grid of the finest band; crs is None where the file has none.
    footprint: (west, south, east, north) in degrees of longitude and latitude, None without a CRS.
    """

    name: str
    sha256: str
    bands: tuple[Band, ...]
    width: int
    height: int
    crs: CRS | None
    transform: Affine
    dtype: str
    date: date | None = None
    footprint: tuple[float, float, float, float] | None = None
    assumptions: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the scene, each once, in band order."""
        return tuple(dict.fromkeys(band.file for band in self.bands))


Image = Study | Scene | Picture


# ---------------------------------------------------------------- what a model needs and says


class Domain(StrEnum):
    """What kind of image a model was made for. PICTURE: it does not say, and any image may be shown to it."""

    RADIOGRAPH = "radiograph"
    LAND_COVER = "land-cover"
    CHEST_CT = "chest-ct"
    CHANGE = "change"
    PICTURE = "picture"


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes the network's input: preprocess.json beside the weights.

    size: (rows, columns) of the input.
    channels: names in order: ("luminance",) or ("red", "green", "blue").
    standardise: "image" (each input by its own mean and deviation over all channels), "fixed" (by mean and deviation below) or "scene"
        (each band of a date by its mean and deviation over the whole scene; change models).
    mean, deviation: one a channel, of values in [0, 1]; unused for "image".
    ground_sample_distance_m: metres a pixel that the model was trained at; None for radiographs.
    reflectance_top: reflectance that is rendered as 1.0 (0 is 0.0); None for radiographs.
    preferred: channels that are compared alone where both dates have all of them, since the others made it worse on what was held back; ()
        where all that both dates have are compared. Change models only.
    age_years: (youngest, oldest) of the training's patients, None where it does not apply.
    pixel_spacing_mm: millimetres a pixel that a model of CT was trained at; None for the others.
    enlarged: of change models, the factor of a second look at each pair of tiles, upside down, whose logits are averaged with those of the
        first (models/bert_image/looks.py); 0 where there is none.
    turns: whether the answer is the mean over the quarter turns and mirror images of an input, which must be square.
    """

    domain: Domain
    size: tuple[int, int]
    channels: tuple[str, ...]
    standardise: str
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    ground_sample_distance_m: float | None = None
    reflectance_top: float | None = None
    age_years: tuple[float, float] | None = None
    pixel_spacing_mm: float | None = None
    turns: bool = False
    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    enlarged: float = 0.0


@dataclass(frozen=True)
class ModelInput:
    """The Tensor stop: what goes into the network, and how it lies on the source.

    values: float32 [channels, rows, columns], standardised.
    shown: float32 [channels, rows, columns] in [0, 1], the same pixels before standardisation (for overlays and baselines).
    box: (left, top, width, height) of the input in source pixels.
    frame: index of the source's frame, from 0.
    valid_share: share of source pixels that hold data, in [0, 1].
    refusal: why the model is not made for this image, by its header or its kind; "" where nothing speaks against it.
    """

    values: FloatImage
    shown: FloatImage
    box: tuple[float, float, float, float]
    frame: int = 0
    valid_share: float = 1.0
    refusal: str = ""
    assumptions: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no input could be made at all; `refusal` then says why."""
        return self.values.size == 0


@dataclass(frozen=True)
class Calibration:
    """calibration.json beside the weights: what validation taught.

    temperature: logits are divided by it before the softmax (Guo et al. 2017).
    conformal_threshold: a label joins the 90 % set where 1 - probability <= threshold (split conformal, Vovk et al. 2005).
    coverage: what the sets were made for, 0.9.
    """

    temperature: float
    conformal_threshold: float
    coverage: float = 0.9


@dataclass(frozen=True)
class ChangeCalibration:
    """calibration.json beside the weights of a change model: what cities that were held back taught.

    temperature, offset: the probability of change is the logistic function of (logit - level - offset) / temperature (Platt 1999).
    threshold: probability from which a pixel counts as changed, that of the best pooled F1.
    level_quantile: the level of a pair of dates is this quantile of its logits, in (0, 1); None where it is 0 for every pair.
    lowest_level, highest_level: what the level was in the cities of the training; it is held within.
    """

    temperature: float
    offset: float
    threshold: float
    level_quantile: float | None = None
    lowest_level: float = 0.0
    highest_level: float = 0.0


@dataclass(frozen=True)
class Outside:
    """Whether the model was made for this image.

    score: distance from the training, growing with strangeness; NaN where no input could be made.
    threshold: scores above it are outside.
    reason: a sentence where is_outside, else "".
    """

    score: float
    threshold: float
    is_outside: bool
    reason: str = ""


@dataclass(frozen=True)
class Prediction:
    """What a model says about one image.

    logits: float32 [labels], uncalibrated. probabilities: float32 [labels], calibrated, summing to 1; None where no input could be made.
    token_logits: float32 [rows, columns, labels] on the token grid, None where the head does not speak for tokens.
    conformal_set: labels of the 90 % set, most probable first.
    prediction: the most probable label; None where outside or abstaining (the set is empty or holds every label).
    seconds: {"read", "prepare", "forward"}.
    heads: a probability for a parent label, {"labels", "probabilities"} for a further head. candidates: places of a CT image, best first:
    x, y (column and row of the source, from 0, whole numbers in the middle of a pixel), slice (from 1), score in [0, 1].
    runtime, precision, device: what computed it: "torch", "fp32" | "bf16" | "fp16", "cpu" | the GPU's name.
    """

    model: str
    weights: str
    labels: tuple[str, ...]
    logits: NDArray[np.float32] | None
    probabilities: NDArray[np.float32] | None
    conformal_set: tuple[str, ...]
    prediction: str | None
    outside: Outside
    token_logits: FloatImage | None = None
    frame: int | None = None
    assumptions: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    runtime: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    heads: Mapping[str, Any] | None = None
    candidates: tuple[Mapping[str, float], ...] | None = None

    def probability(self, label: str) -> float:
        """Calibrated probability of one label. Raises ValueError for a label that the model does not know."""
        if self.probabilities is None:
            return float("nan")
        return float(self.probabilities[self.labels.index(label)])


# ---------------------------------------------------------------- explanation


@dataclass(frozen=True)
class TokenMap:
    """A number for each token, as a method found it, unscaled.

    values: float32 [rows, columns], the token grid, row 0 at the top of the image.
    patch: (height, width) of a token in pixels of the network's input.
    """

    values: FloatImage
    patch: tuple[int, int]

    def at_pixels(self) -> FloatImage:
        """[rows * height, columns * width]: each pixel gets its token's number (no smoothing, which would invent detail)."""
        return self.values.repeat(self.patch[0], axis=0).repeat(self.patch[1], axis=1)


@dataclass(frozen=True)
class RemovalScore:
    """Area under a deletion or insertion curve, beside what random maps score (same steps, same baseline).

    value: of the map. random_mean, random_low, random_high: mean, 2.5th and 97.5th percentile over `random_maps` random maps.
    curve: probability of the target after each step, float32 [steps + 1].
    """

    value: float
    random_mean: float
    random_low: float
    random_high: float
    random_maps: int
    curve: NDArray[np.float32]
    random_curve: NDArray[np.float32]

    @property
    def verdict(self) -> str:
        """ "above", "below" or "within" what random maps score."""
        if self.value > self.random_high:
            return "above"
        return "below" if self.value < self.random_low else "within"


@dataclass(frozen=True)
class Explanation:
    """Where a model looked, and how far that picture can be believed.

    saliency: float32 [rows, columns] in [0, 1] on the network's input grid; low, high: its range before scaling.
    tokens: the raw result of token methods. attribution: the raw signed result [channels, rows, columns] of the others.
    baseline: float32 [channels, rows, columns], what "removed" meant, for methods that need one.
    target: the label whose raw logit was attributed; class-agnostic methods (rollout) still name it, since faithfulness needs one.
    completeness_error: |sum of attributions - (f(x) - f(baseline))| / |f(x) - f(baseline)|, None where it does not apply.
    """

    method: str
    parameters: Mapping[str, Any]
    target: str
    saliency: FloatImage
    low: float
    high: float
    deletion: RemovalScore
    insertion: RemovalScore
    model: str
    weights: str
    tokens: TokenMap | None = None
    attribution: FloatImage | None = None
    baseline: FloatImage | None = None
    completeness_error: float | None = None
    sanity: float | None = None
    class_specific: bool = True
    runtime: str = "torch"
    precision: str = "fp32"
    seconds: float = 0.0


# ---------------------------------------------------------------- scenes: map and change


@dataclass(frozen=True)
class ClassArea:
    """Area of one class: pixels, hectares on the ellipsoid, share of the valid pixels in [0, 1]."""

    label: str
    pixels: int
    hectares: float
    share: float


@dataclass(frozen=True)
class LandCoverMap:
    """What `sightline map` made; rasters stay on disk.

    landcover: COG uint8, index into labels, 255 nodata. confidence, outside: COG float32, NaN nodata.
    outside_share: share of valid pixels whose tile is outside what the model knows.
    """

    scene: Scene
    model: str
    weights: str
    labels: tuple[str, ...]
    landcover: Path
    confidence: Path
    outside: Path
    classes: Path
    areas: tuple[ClassArea, ...]
    valid_pixels: int
    outside_share: float
    mean_confidence: float
    parameters: Mapping[str, Any]
    assumptions: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Transition:
    """Pixels and hectares that went from one label to another (the same label where nothing changed)."""

    before: str
    after: str
    pixels: int
    hectares: float


@dataclass(frozen=True)
class ChangePolygon:
    """One connected patch of change, in the grid's CRS.

    window: (left, top, width, height) in pixels of the first date's grid. probability: mean score inside.
    """

    id: int
    hectares: float
    before: str | None
    after: str | None
    probability: float
    window: tuple[int, int, int, int]
    centre: tuple[float, float]


@dataclass(frozen=True)
class ChangeMap:
    """What `sightline change` made of two dates; rasters stay on disk.

    labels: of the land cover of both dates; () where no classes are known, and no transitions.
    change: COG uint8, 1 changed, 0 not, 255 nodata. score: COG float32, NaN nodata (change_score.tif, or change_probability.tif where
    is_calibrated says that it is a probability).
    """

    before: Scene
    after: Scene
    model: str
    weights: str
    method: str
    labels: tuple[str, ...]
    change: Path
    score: Path
    polygons_file: Path
    transitions: tuple[Transition, ...]
    polygons: tuple[ChangePolygon, ...]
    changed_pixels: int
    valid_pixels: int
    changed_hectares: float
    parameters: Mapping[str, Any]
    assumptions: tuple[str, ...] = ()
    landcover_before: Path | None = None
    landcover_after: Path | None = None
    is_calibrated: bool = False
    seconds: float = 0.0


# ---------------------------------------------------------------- report


@dataclass(frozen=True)
class Fact:
    """One thing that is known, with where it comes from ("prediction", "study header", "model card", ...)."""

    id: str
    value: float | str | bool | tuple[str, ...]
    unit: str
    source: str


@dataclass(frozen=True)
class Sentence:
    """One sentence of a report, and the facts it states.

    section: "technique", "findings", "explanation", "limits". region: words for a place in the image, or "".
    """

    section: str
    text: str
    facts: tuple[str, ...]
    region: str = ""


@dataclass(frozen=True)
class Report:
    """Facts, and sentences that say no more than the facts.

    edited: the user's own wording of a section, by section; it replaces the sentences there and is marked as edited.
    signed_by, signed_at: empty until sign-off.
    """

    language: str
    kind: str
    title: str
    facts: tuple[Fact, ...]
    sentences: tuple[Sentence, ...]
    created: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    edited: Mapping[str, str] = field(default_factory=dict)
    signed_by: str = ""
    signed_at: str = ""

    def fact(self, fact_id: str) -> Fact:
        """The fact of that id. Raises KeyError where there is none."""
        for fact in self.facts:
            if fact.id == fact_id:
                return fact
        raise KeyError(fact_id)
