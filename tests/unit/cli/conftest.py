"""The command line with tiny models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.types import Domain
from tests.tiny import write_tiny_model
from tests.unit.cli.running import Sightline


@pytest.fixture
def sightline(capsys: pytest.CaptureFixture[str]) -> Sightline:
    """Runs a command in this process."""
    return Sightline(capsys)


@pytest.fixture(scope="session")
def radiograph_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of radiographs that declares pneumonia as the sum of its two kinds."""
    folder = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny-radiograph")
    config = json.loads((folder / "config.json").read_text())
    config["parents"] = {"pneumonia": ["bacterial-pneumonia", "viral-pneumonia"]}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def cover_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of land cover."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny-cover", Domain.LAND_COVER)
