"""What was measured of the runtimes on this machine, in SIGHTLINE_HOME: by it SIGHTLINE_PRECISION=measured chooses for each model.

Only what may stand for fp32 is chosen from: a quantised form was compared with it before it was kept (see the card), bf16 was not.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.inference.runtimes.base import QUANTISED_PRECISION
from core.settings import private_home, settings

FILE = "runtimes.json"
PLAIN = "fp32"
CHOSEN_FROM = (PLAIN, QUANTISED_PRECISION)
PROCESSORS = Path("/proc/cpuinfo")
LIBRARY = "openvino"


def keep_measured(rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write what `sightline doctor --benchmark` found, in place of what was there. Raises OSError.

    rows: with weights (hash), runtime, precision and images_per_second, a list of {batch, speed}.
    """
    path = private_home() / FILE
    part = path.with_name(f"{path.stem}.{os.getpid()}.json")
    part.write_text(json.dumps({"machine": machine(), "measured": list(rows)}, indent=2) + "\n", encoding="utf-8")
    part.chmod(0o600)
    part.replace(path)
    return path


def quickest_precision(weights: str) -> str:
    """The precision in which OpenVINO answers one input at a time the quickest, of CHOSEN_FROM: somebody waits for one.

    weights: hash of a model's. fp32 where this machine has not measured them, or another machine has.
    """
    speeds = {
        row["precision"]: row["images_per_second"][0]["speed"]
        for row in _measured()
        if row["weights"] == weights and row["runtime"] == LIBRARY and row["precision"] in CHOSEN_FROM
    }
    return max(speeds, key=speeds.__getitem__) if PLAIN in speeds else PLAIN


def machine() -> dict[str, Any]:
    """What a measurement is of: processor, cores, and the library."""
    told = PROCESSORS.read_text(encoding="utf-8", errors="replace") if PROCESSORS.is_file() else ""
    facts = dict(line.partition("\t")[::2] for line in told.partition("\n\n")[0].splitlines())
    names = [facts.get(name, "").lstrip("\t: ") for name in ("model name", "cpu family", "model", "stepping")]
    return {"processor": [platform.machine(), *names], "cores": os.cpu_count(), LIBRARY: version(LIBRARY)}


def _measured() -> list[dict[str, Any]]:
    """Rows of this machine; none where there is no file, or one that holds something else."""
    try:
        told = json.loads((settings().home / FILE).read_text(encoding="utf-8"))
        rows = told["measured"] if told["machine"] == machine() else []
        return [{**row, "images_per_second": [{"speed": float(row["images_per_second"][0]["speed"])}]} for row in rows if row["weights"]]
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return []
