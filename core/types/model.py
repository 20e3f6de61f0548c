"""What a model needs and says: preprocessing, input, calibration, prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.types.arrays import FloatImage
from core.types.candidate import Candidate
from core.types.notice import Notice


class Domain(StrEnum):
    """What kind of image a model was made for. PICTURE: it does not say, and any image may be shown to it."""

    RADIOGRAPH = "radiograph"
    LAND_COVER = "land-cover"
    CHEST_CT = "chest-ct"
    CHANGE = "change"
    PICTURE = "picture"


class Capability(StrEnum):
    """What a model offers to whoever explains it, and what a method of explanation needs.

    ATTENTION: matrices between all of its tokens. GRADIENT: of its answer by its input. FORWARD: answers to inputs that were changed.
    """

    ATTENTION = "attention"
    GRADIENT = "gradient"
    FORWARD = "forward"


@dataclass(frozen=True)
class MeasuredRange:
    """The patients and views that a label was measured on; of others it is not named, but its parent label is.

    age_years: (youngest, oldest), whole years. views: AP, PA.
    """

    label: str
    age_years: tuple[float, float]
    views: tuple[str, ...]


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes the network's input: preprocess.json beside the weights.

    size: (rows, columns) of the input.
    channels: names in order: ("luminance",) or ("red", "green", "blue").
    standardise: "image" (each input by its own mean and standard deviation over all channels), "fixed" (by mean and std below) or "scene"
        (each band of a date by its mean and deviation over the whole scene; change models).
    mean, std: one a channel, of values in [0, 1]; unused for "image".
    ground_sample_distance_m: metres a pixel that the model was trained at; None for radiographs.
    coarsest_m: the coarsest pixels on the ground, in metres, that the training showed, brought to that scale; None: no other than its own.
    linear: labels of lines on the ground, narrower than what one answer covers: they have a place, and no area.
    reflectance_top: reflectance that is rendered as 1.0 (0 is 0.0); None for radiographs.
    preferred: channels that are compared alone where both dates have all of them, since the others made it worse on what was held back; ()
        where all that both dates have are compared. Change models only.
    age_years: (youngest, oldest) of the training's patients, None where it does not apply.
    pixel_spacing_mm: millimetres a pixel that a model of CT was trained at; None for the others.
    enlarged: of change models, the factor of a second look at each pair of tiles, upside down, whose logits are averaged with those of the
        first (models/bert_image/test_time_augmentation.py); 0 where there is none.
    test_time_augmentation: whether the answer is the mean over the quarter turns and mirror images of an input, which must be square.
    measured_for: of labels that have a parent label, on whom they were measured.
    """

    domain: Domain
    size: tuple[int, int]
    channels: tuple[str, ...]
    standardise: str
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    ground_sample_distance_m: float | None = None
    reflectance_top: float | None = None
    age_years: tuple[float, float] | None = None
    pixel_spacing_mm: float | None = None
    test_time_augmentation: bool = False
    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    enlarged: float = 0.0
    coarsest_m: float | None = None
    linear: tuple[str, ...] = ()
    measured_for: tuple[MeasuredRange, ...] = ()


@dataclass(frozen=True)
class ModelInput:
    """The Tensor stop: what goes into the network, and how it lies on the source.

    values: float32 [channels, rows, columns], standardised.
    shown: float32 [channels, rows, columns] in [0, 1], the same pixels before standardisation (for overlays and baselines).
    box: (left, top, width, height) of the input in source pixels.
    frame: index of the source's frame, from 0.
    valid_share: share of source pixels that hold data, in [0, 1].
    refusal: why the model is not made for this image, by its header or its kind; None where nothing speaks against it.
    source: sha256 of the source's bytes, as its Study, Scene or Picture has it; "" where values were made up.
    unnamed: labels that were not measured on such a patient or view, so that their parent label alone may be named.
    """

    values: FloatImage
    shown: FloatImage
    box: tuple[float, float, float, float]
    frame: int = 0
    valid_share: float = 1.0
    refusal: Notice | None = None
    assumptions: tuple[Notice, ...] = ()
    source: str = ""
    unnamed: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no input could be made at all; `refusal` then says why."""
        return self.values.size == 0


@dataclass(frozen=True)
class Calibration:
    """calibration.json beside the weights: what validation taught.

    temperature: logits are divided by it before the softmax (Guo et al. 2017).
    conformal_threshold: a label joins the 90 % prediction set where 1 - probability <= threshold (split conformal, Vovk et al. 2005).
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
    reason: why, where is_outside; else None.
    """

    score: float
    threshold: float
    is_outside: bool
    reason: Notice | None = None


@dataclass(frozen=True)
class Prediction:
    """What a model says about one image.

    logits: float32 [labels], uncalibrated. probabilities: float32 [labels], calibrated, summing to 1; None where no input could be made.
    token_logits: float32 [rows, columns, labels] on the token grid, None where the head does not speak for tokens.
    conformal_set: labels of the 90 % prediction set, most probable first.
    prediction: the most probable label; None where outside or abstaining (the set is empty or holds every label).
    seconds: {"read", "prepare", "forward"}.
    frame: which of the source's frames was answered, from 0; None where it has only one.
    heads: a probability for a parent label, {"labels", "probabilities"} for a further head. candidates: lesions of a CT image, best first;
    None where the model looks for none. expected_false: how many candidates are false on as many slices, by what was measured on whole
    series; None where that was not measured. searched_for: the label whose likeliest place among many windows is answered for, so that its
    probability is a score; None where one input was answered.
    source: sha256 of the source's bytes. box: (left, top, width, height) of what was answered, in pixels of the source.
    runtime, precision, device: what computed it: "torch", "fp32" | "bf16" | "fp16", "cpu" | the GPU's name.
    parents: parent labels that the model declares, with the labels that each sums up. unnamed: labels that may not be named of this image.
    What people are told is `named`.
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
    assumptions: tuple[Notice, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    runtime: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    heads: Mapping[str, Any] | None = None
    candidates: tuple[Candidate, ...] | None = None
    expected_false: float | None = None
    searched_for: str | None = None
    source: str = ""
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unnamed: tuple[str, ...] = ()

    @property
    def named(self) -> Prediction:
        """The same answer with a parent label in place of those that may not be named of this image.

        Labels, probabilities, the set and the prediction are of the named labels; it abstains where the set then holds all of them.
        """
        parent_of = {label: parent for parent, members in self.parents.items() for label in members if set(members) & set(self.unnamed)}
        if not parent_of:
            return self
        heads = {name: value for name, value in (self.heads or {}).items() if name not in parent_of.values()} or None
        labels = tuple(dict.fromkeys(parent_of.get(label, label) for label in self.labels))
        likely = tuple(dict.fromkeys(parent_of.get(label, label) for label in self.conformal_set))
        probs = None
        if self.probabilities is not None:
            told = zip(self.labels, self.probabilities.tolist(), strict=True)
            sums = dict.fromkeys(labels, 0.0)
            for label, value in told:
                sums[parent_of.get(label, label)] += value
            probs = np.array(list(sums.values()), dtype=np.float32)
        is_silent = self.outside.is_outside or probs is None or len(likely) == len(labels) or (not likely and self.prediction is None)
        answer = None if is_silent or probs is None else labels[int(probs.argmax())]
        return replace(
            self, labels=labels, probabilities=probs, conformal_set=likely, prediction=answer, heads=heads, logits=None, token_logits=None,
            parents={}, unnamed=(),
        )  # fmt: skip

    @property
    def likeliest(self) -> str:
        """The most probable label, whether or not the model answers. Raises ValueError where there are no probabilities."""
        if self.probabilities is None:
            raise ValueError("there are no probabilities")
        return self.labels[int(np.argmax(self.probabilities))]

    def probability(self, label: str) -> float:
        """Calibrated probability of one label. Raises ValueError for a label that the model does not know."""
        if self.probabilities is None:
            return float("nan")
        return float(self.probabilities[self.labels.index(label)])
