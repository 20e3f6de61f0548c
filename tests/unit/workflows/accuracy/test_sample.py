"""A sample of a finished map: what is drawn, and what a rater gets to see."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from rasterio.crs import CRS

from core.errors import InputError, NotFound, OutOfRange, UnreadableFile
from core.export.vector import write_polygons
from core.readers import open_raster
from core.workflows.accuracy.result import open_result
from core.workflows.accuracy.sample import SampleWish, make_sample
from core.workflows.accuracy.sample_files import designs_of, read_design, write_sample
from tests.unit.workflows.accuracy.mapped_folders import LABELS, LEFT, PIXEL, TOP, rows_of, write_change, write_map


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_map(tmp_path_factory.mktemp("map") / "map")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_change(tmp_path_factory.mktemp("change") / "change")


def test_points_lie_at_pixels_of_the_class_they_were_drawn_for(mapped: Path) -> None:
    found = open_result(mapped)
    sample = make_sample(found, SampleWish(points=200))
    with open_raster(mapped / "landcover.tif") as raster:
        classes = raster.read(1)
    assert len(sample.points) == 200 and sample.points_drawn[2] == 50
    for point in sample.points:
        place = point.place
        assert classes[place.row, place.column] == place.mapped == place.stratum
        assert point.x == LEFT + PIXEL * (place.column + 0.5) and point.y == TOP - PIXEL * (place.row + 0.5)
        assert 2.9 < point.longitude < 3.1 and 41.4 < point.latitude < 41.6
    assert sum(stratum.hectares for stratum in sample.strata) == pytest.approx(0.01 * (classes != 255).sum(), rel=1e-3)


def test_a_rater_gets_no_class_and_no_stratum(mapped: Path, tmp_path: Path) -> None:
    found = open_result(mapped)
    geopackage, table, design = write_sample(make_sample(found, SampleWish(points=60)), found, tmp_path / "points.gpkg")
    frame, rows = geopandas.read_file(geopackage), rows_of(table)
    assert not {"stratum", "mapped", "class"} & {*frame.columns, *rows[0]}
    assert not any(label in table.read_text() for label in LABELS)
    assert list(frame["id"]) == [row["id"] for row in rows] and (frame.crs.to_epsg(), len(frame)) == (32631, 60)
    assert all(row["label"] == "" for row in rows)
    assert design.parent == mapped and "mapped" in design.read_text()


def test_a_design_is_read_as_it_was_written(mapped: Path, tmp_path: Path) -> None:
    found = open_result(mapped)
    sample = make_sample(found, SampleWish(points=60, seed=3))
    write_sample(sample, found, tmp_path / "points.gpkg")
    assert read_design(found, sample.key) == sample
    assert sample.key in designs_of(found)


def test_another_seed_has_other_points_and_another_key_and_the_same_seed_neither(mapped: Path) -> None:
    found = open_result(mapped)
    one, same, other = (make_sample(found, SampleWish(points=60, seed=seed)) for seed in (0, 0, 1))
    assert one == same
    assert one.key != other.key and {point.place for point in one.points} != {point.place for point in other.points}


def test_a_narrower_interval_asks_for_more_points(mapped: Path) -> None:
    found = open_result(mapped)
    wide, usual, narrow = (len(make_sample(found, SampleWish(interval=width)).points) for width in (0.1, None, 0.02))
    assert wide < usual < narrow


def test_change_has_strata_of_change_of_the_ground_near_it_and_of_what_was_there(changed: Path) -> None:
    found = open_result(changed)
    assert [stratum.name for stratum in make_sample(found, SampleWish()).strata] == ["unchanged", "changed"]
    near = make_sample(found, SampleWish(strata_by="buffer", buffer_pixels=2))
    assert [stratum.pixels for stratum in near.strata[:2]] == [900, 4 * 30 * 2 + 4]  # at a corner one pixel is near enough
    before = make_sample(found, SampleWish(strata_by="classes"))
    assert [stratum.name for stratum in before.strata] == list(LABELS)
    assert before.labels == ("unchanged", "changed")
    assert before.strata[0].mapped[1] == pytest.approx(9.0, rel=1e-3)  # hectares of change where forest was


def test_zones_are_strata_and_so_is_what_lies_outside(mapped: Path, tmp_path: Path) -> None:
    left = shapely.box(LEFT, TOP - 3000, LEFT + 500, TOP)
    write_polygons(tmp_path / "zones.gpkg", "zones", [(left, ("left",))], {"name": str}, CRS.from_epsg(32631))
    sample = make_sample(open_result(mapped), SampleWish(strata_by="zones", zones=tmp_path / "zones.gpkg"))
    assert [stratum.name for stratum in sample.strata] == ["left", "outside the zones"]
    assert sample.strata[0].pixels == 50 * 299
    assert all((point.place.column < 50) == (point.place.stratum == 0) for point in sample.points)


@pytest.mark.parametrize(
    ("wish", "kind", "words"),
    [
        (SampleWish(interval=0.05, points=10), InputError, "--points"),
        (SampleWish(interval=0.0), OutOfRange, "--interval"),
        (SampleWish(points=2), OutOfRange, "number of points"),
        (SampleWish(strata_by="buffer"), OutOfRange, "classes, zones"),
        (SampleWish(strata_by="zones"), InputError, "--zones"),
        (SampleWish(zones=Path("zones.gpkg")), InputError, "--strata zones"),
        (SampleWish(buffer_pixels=3), InputError, "--buffer"),
        (SampleWish(seed=-1), OutOfRange, "--seed"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_by_its_name(mapped: Path, wish: SampleWish, kind: type[InputError], words: str) -> None:
    with pytest.raises(kind) as refused:
        make_sample(open_result(mapped), wish)
    assert words in str(refused.value)


def test_points_are_never_written_over_others(mapped: Path, tmp_path: Path) -> None:
    found = open_result(mapped)
    (tmp_path / "points.csv").write_text("id,label\nx,Forest\n")
    with pytest.raises(InputError, match="may hold labels"):
        write_sample(make_sample(found, SampleWish(points=60)), found, tmp_path / "points.gpkg")
    assert (tmp_path / "points.csv").read_text() == "id,label\nx,Forest\n"
    assert not (tmp_path / "points.gpkg").exists()


def test_a_folder_without_a_map_is_refused_and_pairs_of_dates_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is no folder"):
        open_result(tmp_path / "nowhere")
    write_change(tmp_path / "01-02")
    with pytest.raises(NotFound) as refused:
        open_result(tmp_path)
    assert "01-02" in str(refused.value)


def test_a_map_that_was_made_anew_is_not_the_one_that_was_sampled(tmp_path: Path) -> None:
    found = open_result(write_map(tmp_path / "map"))
    sample = make_sample(found, SampleWish(points=60))
    _, _, design = write_sample(sample, found, tmp_path / "points.gpkg")
    again = open_result(write_map(tmp_path / "map", wrong=0.2))
    with pytest.raises(InputError, match="made anew"):
        read_design(again, sample.key)
    design.write_text(json.dumps({**json.loads(design.read_text()), "points": []}))
    with pytest.raises(UnreadableFile, match="damaged"):
        read_design(open_result(tmp_path / "map"), sample.key)


def test_a_map_in_degrees_is_sampled_by_area(tmp_path: Path) -> None:
    """Areas of strata are hectares on the ellipsoid, whatever the pixels are in."""
    from rasterio.transform import Affine

    from core.areas.pixels import row_hectares
    from core.export.geotiff import StripWriter
    from tests.unit.workflows.accuracy.mapped_folders import COLOURS, GRID

    grid = {**GRID, "crs": CRS.from_epsg(4326), "transform": Affine(0.1, 0, 10, 0, -0.1, 75)}
    classes = np.repeat(np.arange(300) // 150, 200).reshape(300, 200).astype(np.uint8)  # one north of 60 degrees, one south of it
    with StripWriter(tmp_path / "landcover.tif", **grid, labels=LABELS, colours=COLOURS) as writer:
        writer.write(0, classes)
    sample = make_sample(open_result(tmp_path), SampleWish(points=400))
    hectares = row_hectares(grid["crs"], grid["transform"], 200, 300)(0, 300)
    assert [stratum.hectares for stratum in sample.strata] == pytest.approx([hectares[classes == k].sum() for k in (0, 1)])
    assert sample.strata[1].hectares > 1.5 * sample.strata[0].hectares
    assert sample.points_drawn[1] / sample.points_drawn[0] == pytest.approx(sample.strata[1].hectares / sample.strata[0].hectares, rel=0.02)
