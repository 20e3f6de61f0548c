"""What was measured of a model beside the figures of its card: curves, tables and operating points, in measured.json beside the weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.errors import BrokenModel

MEASURED = "measured.json"


@dataclass(frozen=True)
class Bin:
    """Images whose top label got a probability of about `confidence`: how often it was right."""

    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class Answered:
    """Accuracy on the share of images of which the model is surest."""

    share: float
    accuracy: float


@dataclass(frozen=True)
class Dropped:
    """Accuracy when a random share of the tokens is left out."""

    share: float
    accuracy: float


@dataclass(frozen=True)
class OperatingPoint:
    """A parent label counts as found from `threshold` on.

    aim: the sensitivity that the threshold was chosen for, on the calibration part; None where it is one half.
    sensitivity, specificity: what it gives on the validation part.
    """

    label: str
    aim: float | None
    threshold: float
    sensitivity: float
    specificity: float


@dataclass(frozen=True)
class MethodRecord:
    """What the maps of one method of explanation were worth on images of one answer.

    label: the answer. count: images. supported: share of them whose map was supported. gain: mean.
    """

    method: str
    label: str
    count: int
    supported: float
    gain: float


@dataclass(frozen=True)
class Measurement:
    """Of the validation images of one origin. confusion: [truth][answer], in the order of labels; empty where parents alone are known.

    methods: of each method and answer, where explanations were measured (training/evaluate/faithfulness.py).
    """

    origin: str
    count: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...] = ()
    reliability: tuple[Bin, ...] = ()
    answered: tuple[Answered, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    operating_points: tuple[OperatingPoint, ...] = ()
    methods: tuple[MethodRecord, ...] = ()


def write_measured(folder: Path, measured: Sequence[Measurement]) -> None:
    """measured.json of a model folder."""
    text = json.dumps([asdict(one) for one in measured], indent=1, ensure_ascii=False)
    (folder / MEASURED).write_text(text + "\n", encoding="utf-8")


def read_measured(folder: Path) -> tuple[Measurement, ...]:
    """What measured.json says; () where there is none. Raises BrokenModel for a file that cannot be used."""
    path = folder / MEASURED
    if not path.is_file():
        return ()
    try:
        return tuple(_measurement(one) for one in json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BrokenModel(f"{path} cannot be used: {error}.", "Write it again with `sightline train`.") from None


def _measurement(values: dict[str, Any]) -> Measurement:
    return Measurement(
        origin=str(values["origin"]),
        count=int(values["count"]),
        labels=tuple(map(str, values["labels"])),
        confusion=tuple(tuple(map(int, row)) for row in values["confusion"]),
        reliability=tuple(Bin(**one) for one in values["reliability"]),
        answered=tuple(Answered(**one) for one in values["answered"]),
        dropped=tuple(Dropped(**one) for one in values["dropped"]),
        operating_points=tuple(OperatingPoint(**one) for one in values["operating_points"]),
        methods=tuple(MethodRecord(**one) for one in values.get("methods", ())),
    )
