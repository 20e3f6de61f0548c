"""Products on the command line: mapped and compared as they come, and never on an offset that nobody told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.unit.cli.running import Sightline
from tests.unit.readers.scenes.product_files import SIDE, tarred, write_landsat, write_safe, zipped


def test_a_zipped_safe_is_mapped_and_its_report_says_where_it_comes_from(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    classes = np.full((SIDE // 2, SIDE // 2), 4, np.uint8)
    classes[:30] = 9
    archive = zipped(write_safe(tmp_path / "in", scl=classes))
    ran = sightline("map", archive, "--model", cover_model, "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    assert 0 < ran.json["valid_pixels"] <= SIDE * SIDE // 2
    report = (tmp_path / "out" / "report.md").read_text()
    assert "Sentinel-2A MSI, level L2A" in report and "offset of -1000 digital numbers" in report
    assert "by the scene classification (SCL): 50.0 %" in ran.err


def test_a_tar_of_landsat_is_compared_with_itself(tmp_path: Path, sightline: Sightline) -> None:
    archive = tarred(write_landsat(tmp_path / "in"))
    ran = sightline("change", archive, archive, "--looking-for", "burn", "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    assert ran.json["pairs"][0]["changed_pixels"] == 0


def test_no_hectares_are_told_on_an_offset_that_nobody_told(tmp_path: Path, sightline: Sightline) -> None:
    safe = write_safe(tmp_path / "in", "L2A", "05.09", None)
    ask = ("change", safe, safe, "--method", "index", "--index", "ndvi", "--out", tmp_path / "out")
    ran = sightline(*ask)
    assert ran.status == 0
    assert "--offset" in ran.err.splitlines()[0] and "--offset -0.1" in ran.err
    assert json.loads((tmp_path / "out" / "report.json").read_text())["withheld"] in ran.out
    sightline(*ask, "--offset", "-0.1")
    assert json.loads((tmp_path / "out" / "report.json").read_text())["withheld"] is None
