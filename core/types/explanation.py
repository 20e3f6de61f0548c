"""Where a model looked, and how far that picture can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.types.arrays import FloatImage
from core.types.notice import Notice

TokenIndex: TypeAlias = slice | NDArray[np.int64]


@dataclass(frozen=True)
class Likeness:
    """What an input is to be like. embedding: the mean of the last hidden state over its patches, or that of one patch."""

    name: str
    embedding: tuple[float, ...]


@dataclass(frozen=True)
class Target:
    """What of a model's answer is explained. core/explain/targets.py makes one from names, and a number of it.

    name: what it is called: a label, or a parent that sums up several. labels: that label, or those several.
    against, against_labels: what it is set against, where the difference of two is explained; "" and () where it stands alone.
    token: (column, row) on the token grid, from 0, where the answer for one token is meant; None for that for the whole input.
    region: (first column, first row, last column, last row) on the token grid, from 0, where the mean answer for its tokens is meant.
    cells: (column, row) of each token of a drawn polygon, from 0, likewise: the summed answer, over the number of its tokens.
    likeness: what the input is compared with, where no label is meant: the cosine to its embedding.
    """

    name: str
    labels: tuple[str, ...]
    against: str = ""
    against_labels: tuple[str, ...] = ()
    token: tuple[int, int] | None = None
    region: tuple[int, int, int, int] | None = None
    cells: tuple[tuple[int, int], ...] = ()
    likeness: Likeness | None = None

    @classmethod
    def of_label(cls, label: str) -> Target:
        """One label, in the whole input."""
        return cls(label, (label,))

    @property
    def is_plain(self) -> bool:
        """Whether its name says all: it stands alone, and for the whole input."""
        return not self.against and self.tokens is None and self.likeness is None

    @property
    def number_name(self) -> str:
        """What the number is called that is attributed."""
        return "logit" if self.likeness is None else "cosine"

    @property
    def tokens(self) -> tuple[TokenIndex, TokenIndex] | None:
        """(rows, columns) that pick the tokens whose mean answer is meant, over two axes; None for the whole input."""
        if self.cells:
            columns, rows = np.array(self.cells, dtype=np.int64).T
            return rows[np.newaxis], columns[np.newaxis]
        corners = self.region if self.token is None else (*self.token, *self.token)
        if corners is None:
            return None
        left, top, right, bottom = corners
        return slice(top, bottom + 1), slice(left, right + 1)


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


class MapUnit(StrEnum):
    """What the numbers of a map are, and so what its zero means.

    LOGIT: shares of the target's number, with a sign: above 0 speaks for it, below against it. ATTENTION: shares of attention; what an even
    spread would give says nothing. RELEVANCE: attention weighted by its gradients, from 0. ACTIVATION: how much of a pattern a token holds,
    whatever is asked. SENSITIVITY: by how much the target's number would move with a value, without a sign. COSINE, COSINE_SENSITIVITY: as
    LOGIT and SENSITIVITY, of a likeness.
    """

    LOGIT = "logit"
    ATTENTION = "attention"
    RELEVANCE = "relevance"
    ACTIVATION = "activation"
    SENSITIVITY = "sensitivity"
    COSINE = "cosine"
    COSINE_SENSITIVITY = "cosine-sensitivity"


class Verdict(StrEnum):
    """What was found of a map by its rank and its opponents (core/explain/measure/verdict.py)."""

    SUPPORTED = "supported"
    WITHIN_RANDOM = "within-random"
    BELOW_OPPONENT = "below-opponent"
    WITHOUT_OPPONENT = "without-opponent"


@dataclass(frozen=True)
class RemovalScore:
    """Area under a deletion or insertion curve on the token grid, beside what random maps score (same steps, same baseline).

    value: of the map. random_mean, random_low, random_high: mean, 2.5th and 97.5th percentile over `random_maps` random maps as smooth.
    curve: probability of the target after each step, float32 [steps + 1]. p: (1 + k) / (1 + n), k of n of these
    being as good or better. pixels: the area where the map's pixels go one by one, and not by whole tokens.
    is_better: whether random maps hardly ever score so well.
    """

    value: float
    random_mean: float
    random_low: float
    random_high: float
    random_maps: int
    curve: NDArray[np.float32]
    random_curve: NDArray[np.float32]
    p: float
    pixels: float
    is_better: bool


@dataclass(frozen=True)
class Gain:
    """Insertion minus deletion on one baseline: how much more of the answer comes from what a map marks than from the rest.

    value: in [-1, 1]. p: (1 + k) / (1 + n), k of n random maps as smooth being as good or better. random_low, random_high: their 2.5th
    and 97.5th percentile. opponents: the best gain of maps that know nothing of the network: "centre" (a centred prior), "edges" (of the
    image), "random_weights" (the same method on the same network with random weights); None of what there is not.
    verdict: what follows from rank and opponents.
    """

    value: float
    p: float
    random_maps: int
    random_low: float
    random_high: float
    opponents: Mapping[str, float | None]
    verdict: Verdict

    @property
    def better_opponents(self) -> tuple[str, ...]:
        """Opponents that do as well as the map or better."""
        return tuple(name for name, value in self.opponents.items() if value is not None and value >= self.value)

    @property
    def missing_opponents(self) -> tuple[str, ...]:
        """Opponents that the map could not be set beside."""
        return tuple(name for name, value in self.opponents.items() if value is None)

    @property
    def is_supported(self) -> bool:
        """Whether the map shows what the network uses."""
        return self.verdict is Verdict.SUPPORTED


Correlation: TypeAlias = float | Notice
"""A rank correlation in [-1, 1], or why there is none."""


@dataclass(frozen=True)
class Sanity:
    """Whether a map depends on what it claims to show; core/explain/measure/sanity.py says how each is found.

    parts: names of the parts of the network whose weights were made random, one after another, from its head down. randomised: of each, the
    rank correlation of the map with the true one from then on; None, with no parts, for methods whose every map takes dozens of passes.
    stability: the mean rank correlation with the maps of the same input under slight noise.
    target: the rank correlation with the map for `other`, the likeliest label that the target does not hold ("" where there is none).
    """

    parts: tuple[str, ...]
    randomised: tuple[Correlation, ...] | None
    stability: Correlation
    target: Correlation
    other: str


@dataclass(frozen=True)
class Inside:
    """Where the weight of a map lies. shares: of the weight by part: lungs, body (elsewhere), outside (the patient); valid, cloud, nodata.

    areas: of the input, likewise. None of a part that was not found.
    """

    shares: Mapping[str, float | None]
    areas: Mapping[str, float | None]


@dataclass(frozen=True)
class FoundMap:
    """A map as a method found it, before anything was measured of it.

    saliency: float32 [rows, columns] in [0, 1] on the network's input grid; low, high: its range before scaling.
    tokens: the raw result of token methods. attribution: the raw signed result [channels, rows, columns] of the others.
    baseline: float32 [channels, rows, columns], what "removed" meant, for methods that need one.
    target: what was attributed; class-agnostic methods (rollout) still name it, since faithfulness needs one.
    completeness_error: |sum of attributions - (f(x) - f(baseline))| / |f(x) - f(baseline)|, None where it does not apply.
    conservation_error: |sum of attributions - f(x)| / |f(x)|, of methods that share the answer out.
    by_band: what each band has of the target's number, by its name: the sum of its attributions, or, by band ablation, the fall without it.
    unit: what its numbers are. zero: the number that says nothing, which is drawn as nothing.
    """

    method: str
    parameters: Mapping[str, Any]
    target: Target
    saliency: FloatImage
    low: float
    high: float
    tokens: TokenMap | None = field(default=None, kw_only=True)
    attribution: FloatImage | None = field(default=None, kw_only=True)
    baseline: FloatImage | None = field(default=None, kw_only=True)
    completeness_error: float | None = field(default=None, kw_only=True)
    conservation_error: float | None = field(default=None, kw_only=True)
    by_band: Mapping[str, float] | None = field(default=None, kw_only=True)
    class_specific: bool = field(default=True, kw_only=True)
    unit: MapUnit = field(default=MapUnit.LOGIT, kw_only=True)
    zero: float = field(default=0.0, kw_only=True)

    @property
    def is_signed(self) -> bool:
        """Whether the map holds what speaks against the target, too."""
        return self.unit in (MapUnit.LOGIT, MapUnit.COSINE)


@dataclass(frozen=True)
class Explanation(FoundMap):
    """Where a model looked, and how far that picture can be believed.

    source, frame, box: of the input that was explained (core.types.ModelInput): which bytes, which frame from 0, which pixels of it.
    assumptions: what the device could not do; those of the input are told by the input.
    inside: where the map's weight lies, None where nothing is known of the image (core/explain/inside.py).
    sanity: None where nobody asked for it. worth: what says that the network was trained, or that nothing does.
    seconds, map_seconds: of all of it, and of the map alone, without what measures it.
    runtime, precision: what computed the map. Gradients and attention are torch's; changed inputs go where answers come from, in fp32
    whatever the answers' precision, since rounding would drown what one token does. Deletion and insertion are such answers too.
    """

    deletion: RemovalScore
    insertion: RemovalScore
    gain: Gain
    model: str
    weights: str
    sanity: Sanity | None = None
    runtime: str = "torch"
    precision: str = "fp32"
    seconds: float = 0.0
    map_seconds: float = 0.0
    assumptions: tuple[Notice, ...] = ()
    source: str = ""
    frame: int = 0
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    inside: Inside | None = None
    worth: Notice | None = None
