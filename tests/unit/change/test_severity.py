"""Burn severity: the limits of Key and Benson, and what is left beside a change by dNBR."""

from __future__ import annotations

import csv
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio

from core.change.methods.choose import bands_method
from core.change.severity import SEVERITIES, severity_classes, severity_of
from core.report.scene_change import change_report
from core.report.tables import tables_of
from core.types import Scene
from core.workflows.change import detect_change
from tests.unit.change.pairs import BLOCK, pixels_of, written

NAMES = ("B08", "B12")
WOOD, BURNT = (4000, 1000), (1200, 2800)
"""Digital numbers whose NBR is 0.6 and -0.4."""


@pytest.fixture(scope="module")
def fire(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Scene]:
    folder = tmp_path_factory.mktemp("fire")
    before = np.empty((2, 104, 96), np.uint16)
    before[:] = np.array(WOOD)[:, None, None]
    after = before.copy()
    after[:, *BLOCK] = np.array(BURNT)[:, None, None]
    first, second = (folder / f"{name}.tif" for name in ("before_20240601", "after_20240901"))
    return written(first, before, descriptions=NAMES), written(second, after, descriptions=NAMES)


@pytest.mark.parametrize(
    ("dnbr", "severity"),
    [
        (-0.6, "enhanced regrowth, high"),
        (-0.2, "enhanced regrowth, low"),
        (-0.05, "unburned"),
        (0.099, "unburned"),
        (0.1, "low severity"),
        (0.3, "moderate-low severity"),
        (0.5, "moderate-high severity"),
        (0.66, "high severity"),
        (1.5, "high severity"),
    ],
)
def test_limits_are_those_of_key_and_benson(dnbr: float, severity: str) -> None:
    assert severity_of(dnbr) == severity
    assert SEVERITIES[severity_classes(np.array([[dnbr]], np.float32))[0, 0]] == severity


def test_what_holds_no_data_has_no_severity() -> None:
    assert severity_classes(np.array([[np.nan, 0.0]], np.float32)).tolist() == [[255, 2]]


def test_a_burn_leaves_a_class_raster_its_areas_and_its_polygons(fire: tuple[Scene, Scene], tmp_path: Path) -> None:
    result = detect_change(*fire, bands_method("index", "nbr"), tmp_path)
    classes = pixels_of(tmp_path / "severity.tif")
    assert (classes[BLOCK] == SEVERITIES.index("high severity")).all()
    assert (np.delete(classes.ravel(), np.flatnonzero(classes == 6)) == SEVERITIES.index("unburned")).all()
    with rasterio.open(tmp_path / "severity.tif") as raster:
        assert raster.colormap(1)[6][:3] == (158, 27, 50)
    with (tmp_path / "severity.csv").open() as file:
        told = {row["severity"]: float(row["hectares"]) for row in csv.DictReader(file)}
    assert list(told) == list(SEVERITIES)
    assert told["high severity"] == pytest.approx(result.changed_hectares)
    outlined = geopandas.read_file(tmp_path / "severity.gpkg", layer="severity")
    assert list(outlined.severity) == ["high severity"]
    assert geopandas.read_file(result.polygons_file, layer="changes").severity.tolist() == ["high severity"]


def test_the_report_tells_the_area_of_each_class(fire: tuple[Scene, Scene], tmp_path: Path) -> None:
    report = change_report(detect_change(*fire, bands_method("index", "nbr"), tmp_path))
    table = next(table for table in tables_of(report) if table.group == "severity")
    assert [row[0] for row in table.rows] == ["high severity", "unburned"]
    assert any("Key and Benson" in sentence.text for sentence in report.sentences)


def test_other_differences_have_no_severity(fire: tuple[Scene, Scene], tmp_path: Path) -> None:
    result = detect_change(*fire, bands_method("mad"), tmp_path)
    assert (result.severity, result.severities) == (None, ())
    assert not list(tmp_path.glob("severity*"))
