"""PNG and JPEG as plain pictures."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from core.errors import TooLarge, UnreadableFile
from core.readers import read_picture
from core.types import notice

RAMP = np.arange(48, dtype=np.uint8).reshape(6, 8)
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=2)


def test_grey_and_colour_come_back_as_they_are(tmp_path: Path) -> None:
    for pixels in (RAMP, COLOUR):
        Image.fromarray(pixels).save(tmp_path / "a", format="PNG")
        picture = read_picture(tmp_path / "a")
        assert_array_equal(picture.pixels, pixels)
        assert picture.is_colour == (pixels.ndim == 3)


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).quantize(256).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").pixels.shape == (6, 8, 3)


def test_sixteen_bits_are_scaled_by_the_bits_that_are_used(tmp_path: Path) -> None:
    Image.fromarray((np.arange(4096, dtype=np.uint16)).reshape(64, 64)).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert (picture.pixels.dtype, picture.pixels.max()) == (np.uint8, 255)
    assert picture.assumptions == (notice("picture.scaled-to-8-bits", bits=12),)


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise
    Image.fromarray(RAMP).save(tmp_path / "a.png", exif=exif)
    assert_array_equal(read_picture(tmp_path / "a.png").pixels, np.rot90(RAMP, -1))


def test_cmyk_becomes_red_green_blue(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    assert read_picture(tmp_path / "a.jpg").pixels[4, 4].tolist() == pytest.approx([255, 0, 0], abs=4)


def test_transparent_parts_are_black_and_it_is_said(tmp_path: Path) -> None:
    pixels = np.full((4, 4, 4), 200, np.uint8)
    pixels[:2, :, 3] = 0
    pixels[2:, :, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert picture.pixels[0].max() == 0
    assert picture.pixels[3].min() == 200
    assert picture.assumptions == (notice("picture.transparency-black"),)


def test_one_bit_pictures_are_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(RAMP > 20).save(tmp_path / "a.png")
    assert set(np.unique(read_picture(tmp_path / "a.png").pixels)) == {0, 255}


@pytest.mark.parametrize("side", [30_000, 60_000])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))

    header = struct.pack(">LLBBBBB", side, side, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(bomb)
    with pytest.raises(TooLarge, match="more than 400 million pixels"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_that_is_cut_off_is_refused(tmp_path: Path, kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole", format=kind)
    data = (tmp_path / "whole").read_bytes()
    (tmp_path / "part").write_bytes(data[: len(data) // 2])
    with pytest.raises(UnreadableFile, match=f"part is a {kind} picture that is damaged or cut off"):
        read_picture(tmp_path / "part")


def test_a_picture_reader_takes_no_other_format(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png", format="GIF")
    with pytest.raises(UnreadableFile, match="a GIF picture"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 3}], ids=["plain", "progressive", "restarts"])
def test_a_jpeg_that_ends_early_is_refused_though_an_end_marker_closes_it(options: dict[str, Any], tmp_path: Path) -> None:
    noisy = np.random.default_rng(3).integers(0, 256, (64, 80, 3)).astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "whole.jpg", **options)
    whole = (tmp_path / "whole.jpg").read_bytes()
    assert read_picture(tmp_path / "whole.jpg").pixels.shape == (64, 80, 3)
    (tmp_path / "cut.jpg").write_bytes(whole[: int(0.7 * len(whole))] + b"\xff\xd9")
    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        read_picture(tmp_path / "cut.jpg")
