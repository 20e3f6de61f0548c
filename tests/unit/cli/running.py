"""Runs a command in this process, and makes small images for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.cli.program import run
from tests.unit.readers.scenes.geotiff_files import write_geotiff

COMMANDS = (
    "doctor", "models", "predict", "evaluate", "explain", "explain-benchmark", "shortcuts", "report", "map", "change", "series",
    "composite", "render", "volume", "deidentify", "export", "sample", "assess", "train", "export-model", "app",
)  # fmt: skip
"""All of them, in the order of the help."""
TILE = 32
"""Pixels a side that the tiny models read; ten metres each for the land-cover one."""


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit status, and what it said where."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as one JSON object a line, and nothing else."""
        return [json.loads(line, parse_constant=_refuse) for line in self.out.splitlines()]

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object that it must be."""
        assert len(self.lines) == 1, self.out
        return self.lines[0]

    @property
    def error(self) -> str:
        """Standard error as the one line that it must be."""
        assert len(self.err.splitlines()) == 1, self.err
        return self.err.strip()


class Sightline:
    """`sightline` with arguments, each turned into text."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Ran:
        self._capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        said = self._capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ran(status, said.out, said.err)


def write_picture(path: Path, seed: int = 0, shape: tuple[int, ...] = (48, 40)) -> Path:
    """Grey noise, smooth enough to survive JPEG, in the format that the name asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 5, *shape[2:]), dtype=np.uint8)
    Image.fromarray(coarse).resize((shape[1], shape[0])).save(path)
    return path


def write_scene(path: Path, seed: int = 0, rows: int = TILE, columns: int = TILE, **profile: Any) -> Path:
    """A scene in natural colour at ten metres, reflectance as digital number x 0.0001, as the file itself says."""
    digital = np.random.default_rng(seed).integers(100, 2700, (3, rows, columns)).astype(np.uint16)
    return write_geotiff(path, digital, descriptions=("B04", "B03", "B02"), **profile)


def _refuse(constant: str) -> float:
    raise AssertionError(f"{constant} is no JSON")
