"""The files of two dates agree with one another, and say what they hold."""

from __future__ import annotations

import csv
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from numpy.testing import assert_array_equal
from rasterio.crs import CRS
from rasterio.features import rasterize
from rio_cogeo.cogeo import cog_validate

from core.areas.pixels import row_hectares
from core.change.methods.choose import method_for
from core.change.methods.tokens import TOKEN_METHODS
from core.inference.engine import Engine
from core.types import ChangeMap, Scene
from core.workflows import change_files
from core.workflows.change import detect_change
from core.workflows.scene_map import map_scene
from tests.unit.change.pairs import CORNER, GRID, RASTERS, SIZE, pixels_of, table, tiny_engine, two_dates

STYLES = [f"{name}.{end}" for name in ("change", "landcover_before", "landcover_after") for end in ("qml", "tif.aux.xml")]
BESIDE = ["item.json", "map.png", "project.qgz"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return tiny_engine(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Scene]:
    return two_dates(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module", params=TOKEN_METHODS)
def made(request: pytest.FixtureRequest, pair: tuple[Scene, Scene], engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> ChangeMap:
    """The change of the pair by either method."""
    return detect_change(*pair, method_for(engine, request.param), tmp_path_factory.mktemp(request.param))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rasters_tables_and_polygons_tell_one_story(made: ChangeMap) -> None:
    change, score, before, after = (pixels_of(made.change.parent / name) for name in RASTERS)
    area = row_hectares(made.before.crs, GRID, SIZE[1], SIZE[0])(0, SIZE[0])
    assert made.valid_pixels == (change != 255).sum() == sum(pixels for pixels, _ in table(made).values())
    assert sum(hectares for _, hectares in table(made).values()) == pytest.approx(area.sum())
    assert made.changed_hectares == pytest.approx(area[change == 1].sum())
    for (first, second), (pixels, _) in table(made).items():
        assert pixels == ((before == made.labels.index(first)) & (after == made.labels.index(second))).sum()
    written_rows = {
        (row["from"], row["to"]): (int(row["pixels"]), float(row["hectares"])) for row in rows(made.change.parent / "transitions.csv")
    }
    assert written_rows == {key: (pixels, pytest.approx(hectares)) for key, (pixels, hectares) in table(made).items()}
    found = geopandas.read_file(made.polygons_file, layer="changes")
    assert found["hectares"].sum() == pytest.approx(made.changed_hectares)
    assert_array_equal(rasterize(found.geometry, SIZE, transform=GRID), change == 1)
    assert score[change == 1].min() >= made.parameters["threshold"]
    assert list(zip(found["date_before"], found["date_after"], strict=True)) == [("2020-06-01", "2023-06-04")] * len(found)


def test_what_became_what_is_counted_where_it_changed(made: ChangeMap) -> None:
    change, _, before, after = (pixels_of(made.change.parent / name) for name in RASTERS)
    assert sum(each.pixels for each in made.became) == made.changed_pixels
    for each in made.became:
        first, second = (made.labels.index(label) for label in (each.before, each.after))
        assert each.pixels == ((before == first) & (after == second) & (change == 1)).sum()
    if made.method == "classes":
        assert (before != after)[change == 1].all()


def test_the_transitions_are_the_cross_table_of_the_maps_of_both_dates(made: ChangeMap, engine: Engine, tmp_path: Path) -> None:
    before, after = (
        pixels_of(map_scene(scene, engine, tmp_path / name).landcover) for name, scene in (("b", made.before), ("a", made.after))
    )
    for name, found in (("landcover_before.tif", before), ("landcover_after.tif", after)):
        assert_array_equal(pixels_of(made.change.parent / name), found)
    counted = np.bincount((before.astype(int) * 10 + after).ravel(), minlength=100).reshape(10, 10)
    told = np.zeros_like(counted)
    for row in rows(made.change.parent / "transitions.csv"):
        told[made.labels.index(row["from"]), made.labels.index(row["to"])] = int(row["pixels"])
    assert_array_equal(told, counted)


def test_polygons_are_numbered_by_size_and_lie_where_they_say(made: ChangeMap) -> None:
    found = geopandas.read_file(made.polygons_file, layer="changes").set_index("id").sort_index()
    _, score, before, after = (pixels_of(made.change.parent / name) for name in RASTERS)
    assert [one.id for one in made.polygons] == list(found.index) == list(range(1, len(found) + 1))
    assert list(found["hectares"]) == sorted(found["hectares"], reverse=True)
    for one in made.polygons:
        geometry = found.geometry[one.id]
        left, top, width, height = one.window
        assert geometry.bounds == pytest.approx((*(GRID @ (left, top + height)), *(GRID @ (left + width, top))))
        assert geometry.contains(shapely.Point(one.centre))
        inside = rasterize([geometry], SIZE, transform=GRID) == 1
        assert {made.labels[index] for index in before[inside]} == {one.before} == {found["from"][one.id]}
        assert {made.labels[index] for index in after[inside]} == {one.after} == {found["to"][one.id]}
        assert one.probability == pytest.approx(float(score[inside].mean()), abs=1e-4)


def test_rasters_are_cloud_optimised_and_say_what_their_values_mean(made: ChangeMap) -> None:
    folder = made.change.parent
    assert sorted(path.name for path in folder.iterdir()) == sorted([*RASTERS, *STYLES, *BESIDE, "transitions.csv", "changes.gpkg"])
    for name, kind in zip(RASTERS, ("uint8", "float32", "uint8", "uint8"), strict=True):
        assert cog_validate(folder / name, quiet=True)[0], name
        with rasterio.open(folder / name) as file:
            assert (file.dtypes, file.crs, file.transform, file.shape) == ((kind,), CRS.from_epsg(32631), GRID, SIZE)
            assert np.isnan(file.nodata) if kind == "float32" else file.nodata == 255
    assert "<Category>changed</Category>" in (folder / "change.tif.aux.xml").read_text(encoding="utf-8")
    assert "<Category>Forest</Category>" in (folder / "landcover_after.tif.aux.xml").read_text(encoding="utf-8")
    with rasterio.open(folder / "change.tif") as file:
        assert len({file.colormap(1)[0], file.colormap(1)[1]}) == 2


def test_everything_is_written_in_the_coordinate_system_that_was_asked_for(
    pair: tuple[Scene, Scene], made: ChangeMap, engine: Engine, tmp_path: Path
) -> None:
    result = detect_change(*pair, method_for(engine, made.method), tmp_path, crs="EPSG:3857")
    for name in RASTERS:
        with rasterio.open(tmp_path / name) as file:
            assert file.crs == CRS.from_epsg(3857)
    assert geopandas.read_file(result.polygons_file, layer="changes").crs.to_epsg() == 3857
    assert result.changed_hectares == pytest.approx(made.changed_hectares, rel=0.05)
    assert sum(each.hectares for each in result.transitions) == pytest.approx(sum(each.hectares for each in made.transitions), rel=0.03)
    assert result.polygons[0].window == pytest.approx(made.polygons[0].window, abs=3)


def test_transitions_are_summed_in_zones(pair: tuple[Scene, Scene], made: ChangeMap, engine: Engine, tmp_path: Path) -> None:
    halves = {"west": shapely.box(0, 0, 48, SIZE[0]), "east": shapely.box(48, 0, SIZE[1], SIZE[0])}
    drawn = [shapely.affinity.affine_transform(box, [10, 0, 0, -10, *CORNER]) for box in halves.values()]
    geopandas.GeoDataFrame({"name": list(halves)}, geometry=drawn, crs="EPSG:32631").to_file(tmp_path / "zones.gpkg")
    detect_change(*pair, method_for(engine, made.method), tmp_path / "out", zones=tmp_path / "zones.gpkg")
    summed = rows(tmp_path / "out" / "zones.csv")
    assert {row["zone"] for row in summed} == set(halves)
    assert sum(float(row["changed_hectares"]) for row in summed) == pytest.approx(made.changed_hectares)
    for (before, after), (pixels, hectares) in table(made).items():
        mine = [row for row in summed if (row["from"], row["to"]) == (before, after)]
        assert sum(float(row["pixels"]) for row in mine) == pixels
        assert sum(float(row["hectares"]) for row in mine) == pytest.approx(hectares)


def test_small_polygons_are_left_out_of_the_list_and_of_nothing_else(
    pair: tuple[Scene, Scene], made: ChangeMap, engine: Engine, tmp_path: Path
) -> None:
    least = made.polygons[0].hectares * 0.99
    result = detect_change(*pair, method_for(engine, made.method), tmp_path, min_area_hectares=least)
    assert [one.id for one in result.polygons] == [1]
    assert len(geopandas.read_file(result.polygons_file, layer="changes")) == 1
    assert table(result) == table(made)
    assert result.changed_pixels == made.changed_pixels


def test_only_the_largest_polygons_are_held_in_memory(
    pair: tuple[Scene, Scene], engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_files, "MOST_POLYGONS", 1)
    result = detect_change(*pair, method_for(engine), tmp_path)
    assert [one.id for one in result.polygons] == [1]
    assert len(geopandas.read_file(result.polygons_file, layer="changes")) > 1
