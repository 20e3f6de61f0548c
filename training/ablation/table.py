"""What the runs of an ablation leave, and the table that is made of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from training.publish.zoo import write_json

RESULTS, TABLE = "results", "table.md"
"""In the folder of an ablation: one small file a run, and what they come to."""
HEAD = (
    "| variant | what is different | accuracy | half the tokens | seeds | images seen | minutes of a core | parameters | ms an image |",
    "|---|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Result:
    """One run.

    digest: of everything that decided it. accuracy, accuracy_half_dropped: on what was held back, with every token and with a random half;
        None where tokens cannot be left out.
    images_seen: pretraining included. minutes: of one processor core, training alone. milliseconds: of one, a forward pass an image.
    """

    variant: str
    seed: int
    digest: str
    accuracy: float
    accuracy_half_dropped: float | None
    images_seen: int
    minutes: float
    parameters: int
    milliseconds: float


def result_path(out: Path, variant: str, seed: int) -> Path:
    """Where a run leaves its result."""
    return out / RESULTS / f"{variant}-{seed}.json"


def write_result(out: Path, result: Result) -> None:
    """Appears whole or not at all."""
    path = result_path(out, result.variant, result.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    write_json(part, asdict(result))
    part.rename(path)


def read_results(out: Path) -> list[Result]:
    """All that there are."""
    return [Result(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted((out / RESULTS).glob("*.json"))]


def table_of(variants: Sequence[tuple[str, str]], results: Sequence[Result]) -> str:
    """Markdown, one row for each variant (name, words) that has a result: means, and the standard deviation over the seeds."""
    rows = list(HEAD)
    for name, words in variants:
        own = [result for result in results if result.variant == name]
        if own:
            rows.append(_row(name, words, own))
    return "\n".join(rows) + "\n"


def _row(name: str, words: str, own: Sequence[Result]) -> str:
    whole = _spread([result.accuracy for result in own])
    half = _spread([result.accuracy_half_dropped for result in own if result.accuracy_half_dropped is not None])
    minutes, milliseconds = (float(np.mean(values)) for values in ([one.minutes for one in own], [one.milliseconds for one in own]))
    cost = f"{own[0].images_seen:,} | {minutes:.1f} | {own[0].parameters:,} | {milliseconds:.1f}"
    return f"| `{name}` | {words} | {whole} | {half} | {len(own)} | {cost} |"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    mean = f"{float(np.mean(values)):.3f}"
    return mean if len(values) < 2 else f"{mean} ± {float(np.std(values, ddof=1)):.3f}"
