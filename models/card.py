"""The card of a model: YAML front matter of README.md, as the hub has it, and the text below."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)?---[ \t]*(?:\n(.*)|\Z)", re.DOTALL)
MOST_CHARACTERS = 200_000
"""Of front matter; what is longer is no card, and is not parsed."""
TASKS = {"image-classification": "classification"}
"""pipeline_tag of the hub -> the task as our cards call it."""


@dataclass(frozen=True)
class ModelCard:
    """What the front matter of README.md declares, and the text below it.

    metrics: name -> figure on held-back data. measured_weights: first 12 hex digits of the sha256 of the weights that the figures are of.
    knows: one sentence that stands beside every answer: what the model knows, and that it knows nothing else; "" where it is not said.
    tags, datasets: what a card of the hub lists. files: what the folder must hold beside weights and configuration.
    """

    title: str
    task: str
    modality: str
    licence: str
    metrics: Mapping[str, Any]
    text: str
    measured_weights: str = ""
    tags: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    knows: str = ""


def read_card(path: Path) -> ModelCard:
    """README.md of a model folder. What it does not declare, or declares in another form than YAML, stays empty."""
    text = path.read_text(encoding="utf-8-sig", errors="replace") if path.is_file() else ""
    found = FRONT_MATTER.match(text)
    facts, body = (_declared(found[1] or ""), found[2] or "") if found else ({}, text)
    index = _first(facts.get("model-index"))
    task = _text(facts.get("pipeline_tag"))
    return ModelCard(
        title=_text(facts.get("title")) or _text(facts.get("model_name")) or _text(index.get("name")),
        task=_text(facts.get("task")) or TASKS.get(task, task),
        modality=_text(facts.get("modality")),
        licence=_text(facts.get("licence")) or _licence(facts),
        metrics=facts["metrics"] if isinstance(facts.get("metrics"), dict) else _of_index(index),
        text=body.strip(),
        measured_weights=_text(facts.get("measured_weights")),
        tags=_list(facts.get("tags")),
        datasets=_list(facts.get("datasets")),
        files=_list(facts.get("files")),
        knows=_text(facts.get("knows")),
    )


def front_matter(facts: Mapping[str, Any]) -> list[str]:
    """The lines of a card before its text: facts as YAML in their order, each a line however long, numbers of a list beside each other."""
    told = yaml.safe_dump(dict(facts), sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=None)
    return ["---", *told.splitlines(), "---", ""]


def _declared(front: str) -> dict[str, Any]:
    if len(front) > MOST_CHARACTERS:
        return {}
    try:
        found = yaml.safe_load(front)
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date that is none
        return {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def _licence(facts: Mapping[str, Any]) -> str:
    """As cards of the hub spell it; "other" has a name of its own there."""
    declared = ", ".join(_list(facts.get("license")))
    return _text(facts.get("license_name")) or declared if declared in ("", "other") else declared


def _of_index(index: Mapping[str, Any]) -> dict[str, float]:
    """Figures of the first result of a model-index of the hub: type -> value."""
    metrics = _first(index.get("results")).get("metrics")
    rows = [row for row in metrics if isinstance(row, dict)] if isinstance(metrics, list) else []
    figures = {_text(row.get("type")) or _text(row.get("name")): row.get("value") for row in rows}
    numbers = {name: value for name, value in figures.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    return {name: float(value) for name, value in numbers.items() if name}


def _first(value: Any) -> Mapping[str, Any]:
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(text for text in map(_text, values) if text)


def _text(value: Any) -> str:
    """A word or a number; nothing that holds others, since aliases of YAML can hold themselves."""
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
