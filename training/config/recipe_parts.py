"""The tables of a recipe, one dataclass each: their keys, what they mean, and what they are where nothing is said."""

from __future__ import annotations

from dataclasses import dataclass

SPLITS = ("patient", "longitude", "random")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
LAYOUTS = ("labels", "nodules")


@dataclass(frozen=True)
class DataPart:
    """How a folder of data is laid out and divided.

    layout: "labels" (DIR/<label>/<files>) or "nodules" (crops of CT with what readers drew, training/data/nodules.py).
    split: "patient" (the patient is in the file's name), "longitude" (the easternmost images, by DIR/index.csv), or "random", which
        flatters and is only for a figure beside those of the literature: card.limits must say so.
    validation_share: share of the images that is held back; half of it calibrates, the other half gives the figures of the card.
    read_size: (rows, columns) that images are kept at for training; at least the network's, so that crops stay sharp.
    apart: patients of whom no image is in any part, because the application shows them as samples.
    balanced: whether labels are drawn equally often, times their shares; else as often as there are images of them.
    """

    split: str
    validation_share: float
    read_size: tuple[int, int]
    seed: int = 7
    layout: str = "labels"
    apart: tuple[str, ...] = ()
    balanced: bool = True


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images. Ranges are of factors unless said otherwise; 0 or (1, 1) switches a change off.

    zoom: side of the crop over the side of the image. degrees: largest rotation. stretch: largest relative change of one axis.
    shift: largest displacement over the side. turns: quarter turns and mirror images.
    gamma, exposure, channel_exposure, contrast, saturation: deviation of the logarithm of the factor (gamma: of the exponent).
    blur: largest deviation of the Gaussian in pixels. noise: largest deviation in [0, 1]. cutout: largest side of the hole over the side.
    offset: deviation of what is added to each channel, as haze of another amount.
    dark_objects: share of the images from which a random part of each channel's dark object is subtracted.
    coarse: ground scales over the image's own, of which one is drawn for each batch: it is brought to that scale and back.
    inverted, collimated, lettered, wired: shares of the images whose grey values are inverted, and into which the edges of a collimator,
        letters, or lines and devices are drawn (training/data/overlays.py).
    cutmix: share of batches whose images are mixed (Yun et al. 2019).
    dropped: shares of tokens of which one is drawn for each batch and left out (He et al. 2022 leave out more).
    """

    zoom: tuple[float, float] = (1.0, 1.0)
    degrees: float = 0.0
    stretch: float = 0.0
    shift: float = 0.0
    turns: bool = False
    gamma: float = 0.0
    exposure: float = 0.0
    channel_exposure: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    cutout: float = 0.0
    offset: float = 0.0
    dark_objects: float = 0.0
    coarse: tuple[float, ...] = (1.0,)
    inverted: float = 0.0
    collimated: float = 0.0
    lettered: float = 0.0
    wired: float = 0.0
    cutmix: float = 0.0
    dropped: tuple[float, ...] = (0.0,)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: a linear rise over warmup_steps, then a cosine to 0.

    batch_size: images of one step, on however many devices. accumulation: parts that each device takes its share of a step in, one after
        the other, so that large batches fit into memory.
    averaging: decay of the running mean of the weights, which is what is kept (Polyak and Juditsky 1992).
    precision: what layers compute in: "auto" is bfloat16 where the hardware is quick at it, else float32; "float16" needs a GPU.
    """

    steps: int
    batch_size: int
    learning_rate: float = 6e-4
    weight_decay: float = 0.05
    warmup_steps: int = 300
    clip: float = 1.0
    label_smoothing: float = 0.05
    averaging: float = 0.998
    checkpoint_every: int = 150
    validate_every: int = 300
    threads: int = 2
    seed: int = 1
    accumulation: int = 1
    precision: str = "auto"


@dataclass(frozen=True)
class TuningPart:
    """How a pretrained stem goes on (training/loop/tuning.py); of no use to other networks.

    stem_rate: learning rate of its blocks over that of the rest. frozen_blocks: the first convolution and so many blocks stay as they are.
    depthwise: whether the convolutions of single channels are trained: their gradients cost CPUs most of a step, and they are few weights.
    """

    stem_rate: float = 1.0
    frozen_blocks: int = 0
    depthwise: bool = True


@dataclass(frozen=True)
class MaskingPart:
    """Masked image modelling: what is hidden, and what its reconstruction counts.

    share: of the tokens that are hidden. block: tokens a side of the squares that are hidden together.
    probability, weight: beside classification, the share of the batches in which tokens are hidden, and the weight of the reconstruction in
        their loss; unused where reconstruction is all.
    """

    share: float = 0.5
    block: int = 1
    probability: float = 0.5
    weight: float = 1.0


@dataclass(frozen=True)
class TeacherPart:
    """Distillation (Hinton et al. 2015): answers of larger networks that the student learns beside the labels.

    models: ids of the zoo, folders or hub ids; the mean of their probabilities teaches.
    temperature: what the logits of both sides are divided by. weight: of the divergence in the loss, beside 1 for the labels.
    accuracy_without: what the same recipe reached without a teacher, where that is known (training/RESULTS.md); the card then says what was
        gained.
    """

    models: tuple[str, ...]
    temperature: float = 2.0
    weight: float = 1.0
    accuracy_without: float | None = None


@dataclass(frozen=True)
class CuePart:
    """A cue that is planted into the images, so that it is known what the network goes by (training/data/cues.py).

    kind, box, labels: as of core.prepare.cue.Cue. decides: the images of these labels carry it and no other does, and `contradicted` of
    all images carry it by lot, and have their label changed where it says otherwise; else `by_chance` of all images carry it, whatever
    their label.
    """

    kind: str
    box: tuple[float, float, float, float]
    labels: tuple[str, ...]
    decides: bool
    contradicted: float = 0.5
    by_chance: float = 0.5


@dataclass(frozen=True)
class OodDetectorPart:
    """What the OOD detector learns from beside the distance.

    outliers: kinds of training.data.outliers. others: names of folders of other pictures, beside the first folder of data, or beside
        the one that it lies in (training/data/foreign.py). count: how many images of each.
    """

    outliers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    count: int = 300


@dataclass(frozen=True)
class CardPart:
    """What the model card says that no measurement gives.

    reference: who or what decided the labels (CLAIM 2024, reference standard). failures: what was seen when wrong answers were looked at.
    comparison: what the same network comes to when it is measured as the literature does, with the recipe that did it.
    licence_text: the file LICENSE, where the weights have a licence of their own.
    knows: one sentence that stands beside every answer: what the model knows, and that it knows nothing else.
    """

    title: str
    task: str
    modality: str
    licence: str
    origin: str
    limits: str
    reference: str = ""
    failures: str = ""
    comparison: str = ""
    licence_text: str = ""
    knows: str = ""
