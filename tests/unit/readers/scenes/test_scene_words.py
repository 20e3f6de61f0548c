"""Bands, dates and places told from what files say."""

from __future__ import annotations

from datetime import date

import pytest
from rasterio.crs import CRS
from rasterio.transform import Affine, from_bounds, from_origin

from core.readers.scenes.band_names import band_token, colour_of
from core.readers.scenes.dates import date_of, place_in_time_of, plain_date
from core.readers.scenes.footprint import footprint
from core.types import Scene, notice

WGS84 = CRS.from_epsg(4326)


@pytest.mark.parametrize(
    ("name", "product", "colour"),
    [
        ("B02", "", "blue"),
        ("B03", "", "green"),
        ("B04", "", "red"),
        ("B08", "", "near infrared"),
        ("B8A", "", "near infrared narrow"),
        ("B11", "", "short-wave infrared 1"),
        ("B12", "", "short-wave infrared 2"),
        ("b4", "", "red"),
        ("B4, central wavelength 665 nm", "", "red"),
        ("SR_B4", "LC08_L2SP_006066_20200801", "red"),
        ("SR_B5", "LC08_L2SP_006066_20200801", "near infrared"),
        ("SR_B4", "LT05_L2SP_006066_19850801", "near infrared"),
        ("SR_B3", "LE07_L2SP_006066_20000801", "red"),
        ("B5", "LANDSAT_8 OLI_TIRS", "near infrared"),
        ("Red", "", "red"),
        ("NIR", "", "near infrared"),
        ("swir16", "", "short-wave infrared 1"),
        ("near infrared", "", "near infrared"),
        ("short-wave infrared 2", "", "short-wave infrared 2"),
        ("NDVI", "", ""),
        ("band 1", "", ""),
        ("B99", "", ""),
        ("", "", ""),
    ],
)
def test_a_band_name_tells_its_colour(name: str, product: str, colour: str) -> None:
    assert colour_of(name, product) == colour


@pytest.mark.parametrize(
    ("text", "token"),
    [("T31UDQ_20171107T105229_B04", "B04"), ("B04", "B04"), ("x_B8A_20m", "B8A"), ("S2B_MSIL1C", ""), ("AB04", ""), ("B04_of_B12", "B12")],
)
def test_a_token_is_the_last_band_in_a_name(text: str, token: str) -> None:
    assert band_token(text) == token


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T31UDQ_20171107T105229_B04.tif", date(2017, 11, 7)),
        ("m_4709963_se_14_1_20090818.tif", date(2009, 8, 18)),
        ("scene 2020-02-29", date(2020, 2, 29)),
        ("2022:02:05 00:00:20", date(2022, 2, 5)),
        ("20210231", None),
        ("120200101", None),
        ("1985.tif", None),
        ("", None),
    ],
)
def test_a_plain_date_is_found(text: str, expected: date | None) -> None:
    assert plain_date(text) == expected


def test_a_tag_of_the_sensing_wins_over_the_header_and_the_name() -> None:
    name = "scene_20200101.tif"
    assert date_of({"DATE_ACQUIRED": "2019-05-06", "TIFFTAG_DATETIME": "2021:01:01 00:00:00"}, name) == (date(2019, 5, 6), None)
    written = {"TIFFTAG_DATETIME": "2021:01:01 00:00:00"}
    assert date_of(written, name) == (date(2021, 1, 1), notice("scene.date-from-header", date="2021-01-01"))
    assert date_of({}, name) == (date(2020, 1, 1), notice("scene.date-from-name", date="2020-01-01"))
    assert date_of({}, "scene.tif") == (None, None)


def test_a_geographic_footprint_is_its_bounds() -> None:
    assert footprint(WGS84, from_bounds(2, 48, 3, 49, 100, 100), 100, 100) == pytest.approx((2, 48, 3, 49))


@pytest.mark.parametrize("left", [179.5, -180.5])
def test_a_footprint_across_the_antimeridian_has_its_west_east_of_its_east(left: float) -> None:
    assert footprint(WGS84, from_origin(left, 10, 0.01, 0.01), 100, 100) == pytest.approx((179.5, 9, -179.5, 10))


def test_a_projected_footprint_across_the_antimeridian_is_small() -> None:
    found = footprint(CRS.from_epsg(32660), from_origin(800_000, 1_000_000, 100, 100), 1000, 1000)
    assert found is not None
    west, south, east, north = found
    assert west > 179
    assert east < -179
    assert south < north < 10


def test_the_whole_world_is_the_whole_world() -> None:
    for west in (-180, 0):
        assert footprint(WGS84, from_bounds(west, -90, west + 360, 90, 360, 180), 360, 180) == pytest.approx((-180, -90, 180, 90))


def test_a_raster_around_the_pole_holds_the_pole() -> None:
    found = footprint(CRS.from_epsg(3995), from_bounds(-2e6, -2e6, 2e6, 2e6, 100, 100), 100, 100)
    assert found is not None
    assert (found[0], found[2], found[3]) == (-180, 180, 90)
    assert 60 < found[1] < 75


def test_edges_that_bulge_in_another_projection_are_followed() -> None:
    found = footprint(CRS.from_epsg(3857), from_bounds(-2e7, -2e7, 2e7, 2e7, 100, 100), 100, 100)
    assert found == pytest.approx((-179.66, -85.02, 179.66, 85.02), abs=0.01)
    lambert = footprint(CRS.from_epsg(3035), from_bounds(2.5e6, 1.5e6, 6.5e6, 5e6, 100, 100), 100, 100)
    assert lambert is not None
    assert lambert[3] > 67.7  # the corners alone give 66.7


def test_a_geostationary_disc_ends_where_the_earth_ends() -> None:
    crs = CRS.from_proj4("+proj=geos +h=35785863 +lon_0=140.7 +sweep=y +ellps=WGS84 +units=m")
    found = footprint(crs, Affine(10_000, 0, -5.5e6, 0, -10_000, 5.5e6), 1100, 1100)
    assert found is not None
    west, south, east, north = found
    assert west > 0 > east
    assert south > -90
    assert north < 90


@pytest.mark.parametrize(
    ("name", "folder", "expected"),
    [
        ("1985.tif", "data", ("1985", date(1985, 1, 1))),
        ("2024-before.tif", "", ("2024", date(2024, 1, 1))),
        ("Landsat_2019-06.tif", "", ("2019-06", date(2019, 6, 1))),
        ("B02.tif", "2019", ("2019", date(2019, 1, 1))),
        ("B02.tif", "Paris 2017-11-07", ("", date(2017, 11, 7))),
        ("1985.tif", "2021", ("1985", date(1985, 1, 1))),
        ("image_2000px.tif", "", ("", None)),
        ("tile_2048.tif", "", ("", None)),
        ("WGS_1984.tif", "", ("", None)),
        ("1985_to_1990.tif", "", ("", None)),
        ("scene.tif", "imgs_1", ("", None)),
    ],
)
def test_a_year_is_read_where_it_is_plain_and_stays_a_year(name: str, folder: str, expected: tuple[str, date | None]) -> None:
    taken, text, said = place_in_time_of({}, name, folder)
    assert (text, taken) == expected
    assert (said is not None) == (taken is not None)


def test_a_year_in_the_name_stands_over_another_one_in_the_header() -> None:
    written = {"TIFFTAG_DATETIME": "2021:03:04 00:00:00"}
    assert place_in_time_of(written, "1985.tif")[:2] == (date(1985, 1, 1), "1985")
    assert place_in_time_of(written, "2021.tif")[:2] == (date(2021, 3, 4), "")


@pytest.mark.parametrize(
    ("name", "year", "called"),
    [
        ("2024-before.tif", "2024", "2024, before"),
        ("fire_2024_POST.tif", "2024", "2024, after"),
        ("2024.tif", "2024", "2024"),
        ("2024-before-and-after.tif", "2024", "2024"),
        ("2024-afternoon.tif", "2024", "2024"),
        ("before.tif", "", "before.tif"),
    ],
)
def test_of_one_year_the_name_says_which_date_is_meant(name: str, year: str, called: str) -> None:
    scene = Scene(name, "", (), 1, 1, None, Affine.identity(), "uint16", date_text=year)
    assert scene.called == called
