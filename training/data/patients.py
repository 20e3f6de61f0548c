"""A split in which nothing of one patient is on two sides."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from training.data.items import Item, Parts, key_of

INDEX = "index.csv"
NAMED = re.compile(r"(person|IM-)0*(\d+)")
NO_BOXES = ("", "[]")
"""What the index says of an image that nobody drew boxes on."""
AGES = {"0 to 17": range(18), "18 to 39": range(18, 40), "40 to 59": range(40, 60), "60 and over": range(60, 150)}
"""In years."""


@dataclass(frozen=True)
class Index:
    """What DIR/index.csv says of the images. patients, subgroups: by file. marked: files on which experts drew boxes."""

    patients: dict[str, str] = field(default_factory=dict)
    marked: frozenset[str] = frozenset()
    subgroups: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


def by_patient(files: Sequence[tuple[Path, int]], folder: Path, share: float, seed: int, apart: Sequence[str] = ()) -> Parts:
    """Patients in random order: half of `share` calibrates, half validates, the rest trains.

    files: (path, label). The patient is what folder/index.csv says, else what the name says. Images with boxes drawn by experts are for
    scoring explanations: their patients always validate. apart: patients that are left out, with those that share an exact copy of a file
    with them.
    """
    index = read_index(folder)
    named = [(path, index.patients.get(key_of(path)) or patient_of(path.name)) for path, _ in files]
    groups = joined_by_duplicates(named)
    left_out = {group for (_, patient), group in zip(named, groups, strict=True) if patient in apart}
    items = [
        Item(path, label, group, origin_of(folder), subgroups=index.subgroups.get(key_of(path), ()))
        for (path, label), group in zip(files, groups, strict=True)
        if group not in left_out
    ]
    marked = {item.group for item in items if key_of(item.path) in index.marked}
    names = sorted({item.group for item in items})
    held = max(2, round(len(names) * share))
    order = np.random.default_rng(seed).permutation(len(names))
    rank = {names[place]: position for position, place in enumerate(order)} | dict.fromkeys(marked, held - 1)
    return Parts(
        train=tuple(item for item in items if rank[item.group] >= held),
        calibration=tuple(item for item in items if rank[item.group] < held // 2),
        validation=tuple(item for item in items if held // 2 <= rank[item.group] < held),
    )


def at_random(files: Sequence[tuple[Path, int]], folder: Path, share: float, seed: int) -> Parts:
    """Files in random order, each for itself: half of `share` calibrates, half validates, the rest trains.

    What lies beside a held back image may have been trained on, so figures flatter. files: (path, label).
    """
    held = max(2, round(len(files) * share))
    items = [Item(*files[int(place)], str(place), origin_of(folder)) for place in np.random.default_rng(seed).permutation(len(files))]
    return Parts(train=tuple(items[held:]), calibration=tuple(items[: held // 2]), validation=tuple(items[held // 2 : held]))


def patient_of(name: str) -> str:
    """The patient in a Kermany file name: person<ID>_..., IM-<ID>-..., NORMAL2-IM-<ID>-...; the whole stem where there is none."""
    found = NAMED.search(name)
    return f"{found[1]}{int(found[2])}" if found else Path(name).stem


def origin_of(folder: Path) -> str:
    """What a card calls a folder of images: its name and its parent's."""
    return "/".join(folder.resolve().parts[-2:])


def read_index(folder: Path) -> Index:
    """Index of a folder; an empty one where it has none, or none that names patients."""
    if not (folder / INDEX).is_file():
        return Index()
    with (folder / INDEX).open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not {"file", "patient"} <= rows[0].keys():
        return Index()
    boxes = next((column for column in rows[0] if column.startswith("boxes")), None)
    marked = frozenset(row["file"] for row in rows if boxes is not None and row[boxes] not in NO_BOXES)
    told = {row["file"]: subgroups_of(row) for row in rows}
    return Index({row["file"]: row["patient"] for row in rows}, marked, told)


def subgroups_of(row: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(name, value) of each subgroup that a row of an index puts its image into: age in years, sex, view."""
    age = row.get("age", "")
    ages = [name for name, years in AGES.items() if age.isdigit() and int(age) in years]
    told = {"age": ages[0] if ages else "", "sex": row.get("sex", ""), "view": row.get("view", "")}
    return tuple((name, value) for name, value in told.items() if value)


def joined_by_duplicates(named: Sequence[tuple[Path, str]]) -> list[str]:
    """The group of each (file, patient); groups that share an exact copy of a file become one."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    by_digest: dict[str, list[str]] = defaultdict(list)
    for path, group in named:
        by_digest[hashlib.sha256(path.read_bytes()).hexdigest()].append(group)
    for copies in by_digest.values():
        for other in copies[1:]:
            parent[root(other)] = root(copies[0])
    return [root(group) for _, group in named]
