"""GDAL opens a GeoTIFF and nothing else: no upload makes it read another file or address."""

from __future__ import annotations

import struct
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from core.errors import TooLarge, UnreadableFile, UnsafeFile
from core.readers import open_raster, read_image, read_scene
from tests.unit.readers.scenes.geotiff_files import constant, write_geotiff

SECRET = 77


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Another raster of the server, which holds nothing but the number 77."""
    return write_geotiff(tmp_path / "elsewhere" / "secret.tif", constant(1, 64, 64, SECRET))


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    """What the user gave: zeros."""
    return write_geotiff(tmp_path / "upload" / "a.tif", constant(1, 128, 128, 0))


def vrt(source: Path | str, side: int = 64) -> str:
    return (
        f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )


def most(path: Path) -> int:
    """The largest value that any way of reading brings out."""
    found = []
    with open_raster(path) as dataset:
        for out in ((128, 128), (64, 64), (32, 32), (16, 16)):
            found.append(int(dataset.read(1, out_shape=out).max()))
            found.append(int(dataset.read(1, masked=True, out_shape=out).filled(0).max()))
        mask = dataset.dataset_mask()
        assert (mask == 255).all()
        assert dataset.overviews(1) == []
        assert [Path(name) for name in dataset.files] == [path]
    return max(found)


@pytest.mark.parametrize("suffix", [".ovr", ".msk", ".aux.xml", ".aux"])
def test_a_side_file_that_is_a_vrt_is_not_followed(upload: Path, secret: Path, suffix: str) -> None:
    upload.with_name(upload.name + suffix).write_text(vrt(secret))
    assert most(upload) == 0


@pytest.mark.parametrize("suffix", [".ovr", ".msk"])
def test_a_side_file_that_is_a_raster_is_not_followed_either(upload: Path, secret: Path, suffix: str) -> None:
    upload.with_name(upload.name + suffix).write_bytes(secret.read_bytes())
    assert most(upload) == 0


def test_the_leak_is_real_without_the_guard(upload: Path, secret: Path) -> None:
    upload.with_name("a.tif.ovr").write_text(vrt(secret))
    with rasterio.open(upload, driver="GTiff") as dataset:
        assert dataset.read(1, out_shape=(64, 64)).max() == SECRET


def test_a_side_file_with_metadata_names_no_overviews(upload: Path, secret: Path) -> None:
    upload.with_name("a.tif.aux.xml").write_text(
        f'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{secret}</MDI></Metadata>'
        f'<PAMRasterBand band="1"><Description>red</Description></PAMRasterBand></PAMDataset>'
    )
    assert most(upload) == 0
    assert read_scene([upload]).bands[0].name == "band 1"


def test_a_world_file_does_not_move_an_upload(upload: Path) -> None:
    bare = write_geotiff(upload.with_name("b.tif"), constant(1, 8, 8), crs=None, transform=None)
    bare.with_name("b.tfw").write_text("1\n0\n0\n-1\n100\n100\n")
    with open_raster(bare) as dataset:
        assert dataset.transform.is_identity


@pytest.mark.parametrize(
    ("domain", "key"),
    [("OVERVIEWS", "OVERVIEW_FILE"), ("GEOLOCATION", "X_DATASET"), ("overviews", "OVERVIEW_FILE"), ("ProxyOverviewRequest", "x")],
)
def test_metadata_inside_a_tiff_that_name_another_file_condemn_it(upload: Path, secret: Path, domain: str, key: str) -> None:
    with rasterio.open(upload, "r+") as file:
        file.update_tags(ns=domain, **{key: str(secret)})
    with pytest.raises(UnsafeFile, match="names other files in its metadata"), open_raster(upload):
        pass
    with pytest.raises(UnsafeFile):
        read_image(upload)


def test_band_metadata_that_name_another_file_condemn_it_too(upload: Path, secret: Path) -> None:
    with rasterio.open(upload, "r+") as file:
        file.update_tags(1, ns="OVERVIEWS", OVERVIEW_FILE=str(secret))
    with pytest.raises(UnsafeFile), open_raster(upload):
        pass


@pytest.mark.parametrize("text", ["<VRTDataset>", "  \n<VRTDataset>", "<GDAL_WMS><Service name='TMS'/></GDAL_WMS>", "<WMTS/>"])
def test_a_description_of_other_files_is_no_raster_whatever_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scene.tif"
    path.write_text(text)
    with pytest.raises(UnreadableFile), open_raster(path):
        pass


@pytest.mark.parametrize(
    "name",
    ["/vsicurl/https://example.org/a.tif", "/vsizip/a.zip/a.tif", "GTIFF_DIR:1:a.tif", "zip://a.zip!a.tif", "https://example.org/a.tif"],
)
def test_an_address_or_a_driver_prefix_is_no_path(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_geotiff(tmp_path / "a.tif", constant(1, 4, 4))
    with pytest.raises(Exception, match="does not exist"), open_raster(Path(name)):
        pass


def test_a_file_named_like_a_driver_prefix_is_only_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_geotiff(tmp_path / "plain.tif", constant(1, 4, 4, 5))
    (tmp_path / "GTIFF_DIR:1:x.tif").write_bytes((tmp_path / "plain.tif").read_bytes())
    with open_raster(Path("GTIFF_DIR:1:x.tif")) as dataset:
        assert dataset.read(1).max() == 5


def test_overviews_and_masks_inside_the_file_do_count(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", constant(1, 256, 256, 9), tiled=True, blockxsize=64, blockysize=64)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.write_mask(np.triu(np.ones((256, 256), bool)))
        file.build_overviews([2, 4])
    with open_raster(path) as dataset:
        assert dataset.overviews(1) == [2, 4]
        assert 0.4 < (dataset.dataset_mask() > 0).mean() < 0.6


def test_a_raster_that_is_cut_off_is_told_when_it_is_read(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 60000, (1, 512, 512), dtype=np.uint16)
    path = write_geotiff(tmp_path / "a.tif", noise, tiled=True, blockxsize=64, blockysize=64, compress="deflate")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UnreadableFile, match="cut off"):
        read_scene([path])
    with pytest.raises(UnreadableFile, match="cut off"), open_raster(path) as dataset:
        dataset.read(1, window=Window(448, 448, 64, 64))


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", constant(1, 8, 8, dtype="complex64"))
    with pytest.raises(UnreadableFile, match="complex numbers"), open_raster(path):
        pass


def test_absurd_sizes_are_refused_before_reading(tmp_path: Path, set_limits: Callable[..., None]) -> None:
    set_limits(scene_megapixels=1, decoded_megapixels=1)
    tall = write_geotiff(tmp_path / "tall.tif", constant(1, 1500, 1500), tiled=True, blockxsize=256, blockysize=256)
    with pytest.raises(TooLarge, match="1500 x 1500"), open_raster(tall):
        pass
    set_limits(scene_megapixels=100)
    strip = write_geotiff(tmp_path / "strip.tif", constant(1, 1500, 1500), blockysize=1500, compress="deflate")
    with pytest.raises(TooLarge, match="blocks of 1500 x 1500"), open_raster(strip):
        pass


def test_a_header_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    entries = [
        (256, 4, 1, 2**31 - 1),
        (257, 4, 1, 2**31 - 1),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
        (273, 4, 1, 8),
    ]
    body = b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<L", 8) + struct.pack("<H", len(entries)) + body + bytes(4))
    with pytest.raises((UnreadableFile, TooLarge)), open_raster(tmp_path / "a.tif"):
        pass


def test_a_missing_georeference_is_no_warning(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", constant(1, 4, 4), crs=None, transform=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with open_raster(path):
            pass
    assert not caught


def test_messages_that_cannot_be_decoded_print_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    class Unraisable:
        exc_type = UnicodeDecodeError
        exc_value = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
        exc_traceback = None
        err_msg = None
        object = "rasterio._env.log_error"

    sys.unraisablehook(Unraisable())  # type: ignore[arg-type]
    assert capsys.readouterr().err == ""
