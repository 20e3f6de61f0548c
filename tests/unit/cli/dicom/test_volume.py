"""`sightline volume`: the geometry of series, and the ways out of what is no volume."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.running import Sightline
from tests.unit.readers.dicom.dicom_files import write_stack

EVEN = [0.0, 2.5, 5.0, 7.5, 10.0, 12.5]


def test_what_geometry_refuses_names_its_ways_out_and_one_of_them_can_be_taken(sightline: Sightline, tmp_path: Path) -> None:
    write_stack(tmp_path, [*EVEN, 5.0], ConvolutionKernel="B50f")
    done = sightline("volume", tmp_path, "--json")
    assert done.status == 2
    assert done.json["ways_out"] == ["duplicates"]
    assert "--way-out duplicates" in done.json["error"]["hint"]
    done = sightline("volume", tmp_path, "--json", "--way-out", "duplicates")
    assert done.status == 0
    assert (done.json["shape"], done.json["spacing_mm"], done.json["kernel"]) == ([6, 16, 16], [2.5, 0.5, 0.5], "B50f")


@pytest.mark.parametrize("way", ["kernel", "nonsense"])
def test_a_way_that_is_not_there_is_told_with_those_that_are(sightline: Sightline, tmp_path: Path, way: str) -> None:
    write_stack(tmp_path, [*EVEN, 5.0])
    done = sightline("volume", tmp_path, "--way-out", way)
    assert done.status == 2 and "duplicates" in done.error
