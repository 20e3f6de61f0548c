"""Pictures of other kinds than a model reads: some that its OOD detector learns from, others that the OOD detector is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.errors import NotFound
from training.data.folders import SUFFIXES
from training.data.items import Item

MOST_MEASURED = 600
"""Most pictures of one folder that an OOD detector is measured on."""
SEED = 5


def measured_pictures(folder: Path) -> list[Item]:
    """Pictures below a folder, drawn at random and always the same. Raises NotFound where there are none."""
    return _in_one_order(folder)[:MOST_MEASURED]


def taught_pictures(folder: Path, count: int) -> list[Item]:
    """Other pictures below a folder than the measured ones: at most `count`, none where the folder holds no more than those."""
    return _in_one_order(folder)[MOST_MEASURED:][:count]


def beside(data: Sequence[Path], names: Sequence[str]) -> list[Path]:
    """Folders of these names beside the first folder of data, or beside the one that it lies in. Raises NotFound."""
    return [_beside(data[0], name) for name in names]


def _beside(data: Path, name: str) -> Path:
    for above in data.resolve().parents[:2]:
        if (above / name).is_dir():
            return above / name
    raise NotFound(f"No folder {name} lies beside {data}.", "Put it there, or leave it out of ood_detector.others in the recipe.")


def _in_one_order(folder: Path) -> list[Item]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise NotFound(f"{folder} holds no picture.", f"Give a folder of {', '.join(SUFFIXES)} files.")
    return [Item(paths[place], 0, "") for place in np.random.default_rng(SEED).permutation(len(paths))]
