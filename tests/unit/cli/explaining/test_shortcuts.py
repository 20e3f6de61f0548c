"""`sightline shortcuts`: a folder is walked, what the model does not answer is told and left out, and the figures are one JSON object."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.settings import PROJECT
from tests.unit.cli.running import Sightline

TWIN = PROJECT / "models" / "twins" / "chest-xray" / "a"


def test_a_folder_of_cases_is_read_and_the_rest_is_told(tmp_path: Path, sightline: Sightline) -> None:
    for name in ("child-pneumonia.dcm", "child-normal.dcm"):
        shutil.copy(PROJECT / "sample_data" / "real" / name, tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    ran = sightline("shortcuts", TWIN, "--data", tmp_path, "--json")
    assert ran.status == 0 and ran.json["n"] == 2 and ran.json["n_failed"] == 1
    assert "notes.txt" in ran.err and sum(ran.json["cases"].values()) == 2 and ran.json["places"] == []
    assert "no alarm" in sightline("shortcuts", TWIN, "--data", tmp_path).out


def test_a_folder_without_cases_is_refused(tmp_path: Path, sightline: Sightline) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    ran = sightline("shortcuts", TWIN, "--data", tmp_path)
    assert ran.status == 2 and "holds no image" in ran.err
