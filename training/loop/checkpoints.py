"""The checkpoints of a training: the newest whole one is gone on from, and one that is cut off is told by name."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from pathlib import Path

from safetensors import SafetensorError, safe_open

from training.loop.averaging import AVERAGED

NEEDED = ("model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json", AVERAGED)
"""What transformers' Trainer writes, and our own averaged weights, which come last."""
NAME = re.compile(r"checkpoint-(\d+)")


def last_checkpoint(work: Path) -> Path | None:
    """The newest checkpoint that is whole; each newer one that is not is named, with what is wrong with it."""
    found = [(int(name[1]), folder) for folder in work.glob("checkpoint-*") if (name := NAME.fullmatch(folder.name))]
    for _, folder in sorted(found, reverse=True):
        fault = fault_of(folder)
        if fault is None:
            return folder
        print(f"{folder} is passed over: {fault}.", flush=True)
    return None


def fault_of(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint; None where each of its files is there, and as long as it says itself."""
    for name in NEEDED:
        if not (checkpoint / name).is_file():
            return f"it has no {name}"
    damaged = next((file for file in sorted(checkpoint.iterdir()) if file.is_file() and not _is_whole(file)), None)
    return None if damaged is None else f"{damaged.name} is cut off or damaged"


def _is_whole(file: Path) -> bool:
    try:
        if file.suffix == ".safetensors":
            with safe_open(file, framework="pt"):  # it compares its table with its length
                return True
        if file.suffix in (".pt", ".pth", ".bin"):  # torch writes zip archives, with a sum of each member
            with zipfile.ZipFile(file) as archive:
                return archive.testzip() is None
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, EOFError, SafetensorError, zipfile.BadZipFile, zlib.error):
        return False
    return True
