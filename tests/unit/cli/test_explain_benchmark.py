"""`sightline explain-benchmark`: a table as text, JSON and CSV, and what a later call goes on from."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.unit.cli.running import Sightline, write_picture


def test_the_table_is_told_written_and_gone_on_from(tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    write_picture(tmp_path / "data" / "a.png")
    (tmp_path / "data" / "index.csv").write_text('file,boxes\na.png,"[[0, 0, 20, 20]]"\n')
    asked = ("explain-benchmark", radiograph_model, "--data", tmp_path / "data", "--out", tmp_path / "out", "--maps", 100)
    ran = sightline(*asked, "--methods", "rollout,grad-cam", "--json")
    assert ran.status == 0 and ran.json["n"] == 1 and ran.json["methods"] == ["rollout", "grad-cam"]
    assert json.loads((tmp_path / "out" / "benchmark.json").read_text())["cells"] == ran.json["cells"]
    rows = list(csv.DictReader((tmp_path / "out" / "benchmark.csv").read_text().splitlines()))
    assert len(rows) == len(ran.json["cells"]) and {row["method"] for row in rows} == {"rollout", "grad-cam", "centred-prior"}
    record = (tmp_path / "out" / "images.jsonl").read_text()
    said = sightline(*asked, "--methods", "rollout,grad-cam")
    assert said.status == 0 and (tmp_path / "out" / "images.jsonl").read_text() == record
    lines = said.out.splitlines()
    assert lines[0].startswith("1 images, in 1 of which something was drawn") and "95 % interval" in lines[1]
    assert lines[2].split()[:3] == ["method", "gain", "supported"] and "energy" in lines[2]


def test_what_cannot_be_measured_is_one_line_that_says_why(tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    (tmp_path / "data").mkdir()
    for more, words in ((("--methods", "magic"), "Known are: rollout"), ((), "Nothing in"), (("--limit", 0), "limit")):
        ran = sightline("explain-benchmark", radiograph_model, "--data", tmp_path / "data", *more)
        assert ran.status == 2 and words in ran.error
