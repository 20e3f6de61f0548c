"""A threshold that is learned from places of which somebody says whether they changed."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

from core.change.methods.choose import bands_method
from core.errors import InputError, OutOfRange
from core.types import Scene
from core.workflows.change import detect_change
from tests.unit.change.pairs import CORNER, written

NAMES = ("B04", "B08")
SIZE = (60, 80)
HALF = 40
"""Columns from which on the place changed."""


@pytest.fixture(scope="module")
def dates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Scene]:
    """NDVI falls by about 0.12 in the right half, where the usual threshold of 0.2 finds nothing, and by noise elsewhere."""
    folder, noise = tmp_path_factory.mktemp("dates"), np.random.default_rng(5)
    before = np.stack([np.full(SIZE, 500.0), np.full(SIZE, 3000.0)]) + noise.normal(0, 12, (2, *SIZE))
    after = np.stack([np.full(SIZE, 500.0), np.full(SIZE, 3000.0)]) + noise.normal(0, 12, (2, *SIZE))
    after[0, :, HALF:] += 240
    first, second = (folder / f"{year}.tif" for year in ("20200601", "20210601"))
    return tuple(written(path, pixels.astype(np.uint16), descriptions=NAMES) for path, pixels in ((first, before), (second, after)))  # type: ignore[return-value]


def box(left: int, top: int, right: int, bottom: int) -> shapely.Polygon:
    x, y = CORNER
    return shapely.box(x + 10 * left, y - 10 * bottom, x + 10 * right, y - 10 * top)


def drawn(path: Path, labels: list[object], column: str = "label") -> Path:
    """A place in the changed half, and one in the other."""
    frame = geopandas.GeoDataFrame({column: labels}, geometry=[box(50, 10, 70, 30), box(5, 10, 25, 30)], crs="EPSG:32631")
    frame.to_crs(4326).to_file(path) if path.suffix == ".geojson" else frame.to_file(path)
    return path


@pytest.mark.parametrize("name", ["sample.gpkg", "sample.geojson"])
def test_it_parts_what_was_drawn(dates: tuple[Scene, Scene], tmp_path: Path, name: str) -> None:
    sample = drawn(tmp_path / name, ["changed", "unchanged"])
    result = detect_change(*dates, bands_method("index", "ndvi", sample=sample), tmp_path / "out")
    assert 0.02 < result.parameters["threshold"] < 0.12
    assert result.parameters["threshold_by"] == "sample"
    assert (result.parameters["sample_sensitivity"], result.parameters["sample_specificity"]) == (1.0, 1.0)
    assert result.changed_pixels == pytest.approx(SIZE[0] * HALF, rel=0.02)
    assert detect_change(*dates, bands_method("index", "ndvi"), tmp_path / "usual").changed_pixels < 20


def test_numbers_tell_as_well_as_words(dates: tuple[Scene, Scene], tmp_path: Path) -> None:
    sample = drawn(tmp_path / "sample.gpkg", [1.0, 0.0], "changed")
    result = detect_change(*dates, bands_method("mad", sample=sample), tmp_path / "out")
    assert result.parameters["sample_changed_pixels"] == result.parameters["sample_unchanged_pixels"] == 400


def test_a_sample_the_wrong_way_round_is_refused(dates: tuple[Scene, Scene], tmp_path: Path) -> None:
    sample = drawn(tmp_path / "sample.gpkg", ["unchanged", "changed"])
    with pytest.raises(InputError, match="no higher scores"):
        detect_change(*dates, bands_method("index", "ndvi", sample=sample), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_sample_of_one_kind_is_refused(dates: tuple[Scene, Scene], tmp_path: Path) -> None:
    sample = drawn(tmp_path / "sample.gpkg", ["changed", "changed"])
    with pytest.raises(InputError, match="0 pixels of places that are unchanged"):
        detect_change(*dates, bands_method("index", "ndvi", sample=sample), tmp_path / "out")


def test_labels_that_say_neither_are_named(dates: tuple[Scene, Scene], tmp_path: Path) -> None:
    sample = drawn(tmp_path / "sample.gpkg", ["forest", "field"])
    with pytest.raises(InputError, match="'forest'"):
        detect_change(*dates, bands_method("index", "ndvi", sample=sample), tmp_path / "out")


def test_a_number_and_a_sample_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(OutOfRange, match="--threshold"):
        bands_method("index", "ndvi", "0.3", tmp_path / "sample.gpkg")
