"""What a file is, by its content."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from core.errors import NotFound, UnreadableFile
from core.readers import Kind, read_image, sniff
from tests.unit.readers.dicom.dicom_files import installed


def test_a_name_says_nothing(tmp_path: Path) -> None:
    picture = tmp_path / "scan.dcm"
    Image.new("L", (4, 4)).save(picture, format="PNG")
    assert sniff(picture) is Kind.PNG
    study = tmp_path / "photo.jpg"
    study.write_bytes(installed("CT_small.dcm").read_bytes())
    assert sniff(study) is Kind.DICOM


@pytest.mark.parametrize("name", ["ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm", "rtstruct.dcm"])
def test_dicom_without_preamble_is_known(name: str) -> None:
    assert sniff(installed(name)) is Kind.DICOM


def test_a_dicom_file_whose_preamble_is_a_tiff_is_dicom(tmp_path: Path) -> None:
    both = tmp_path / "both"
    data = installed("CT_small.dcm").read_bytes()
    both.write_bytes(b"II*\0" + data[4:])
    assert sniff(both) is Kind.DICOM


@pytest.mark.parametrize(
    ("content", "words", "advice"),
    [
        (b"", "an empty file", "Copy or export it again"),
        (b"%PDF-1.7 ...", "a PDF document", "Give the image itself"),
        (b"GIF89a....", "a GIF picture", "PNG or JPEG"),
        (b"<VRTDataset rasterXSize='1'>", "a VRT (GDAL virtual raster)", "give the GeoTIFF files themselves"),
        (b"<GDAL_WMS><Service name='TMS'>", "a GDAL web map description", "give a GeoTIFF"),
        (b"<?xml version='1.0'?><a/>", "an XML document", "reads DICOM"),
        (b"<!DOCTYPE html><html>", "a web page", "reads DICOM"),
        (b'{"a": 1}', "a JSON document", "reads DICOM"),
        (b"patient;age\n1;2\n", "a text file", "reads DICOM"),
        ("Grüße aus Köln".encode(), "a text file", "reads DICOM"),
        (bytes(344) + b"n+1\0" + bytes(100), "a NIfTI volume", "DICOM files that it was made from"),
        (b"\xff\x4f\xff\x51", "a JPEG 2000 codestream", "Convert it to GeoTIFF"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 or netCDF file", "Convert it to GeoTIFF"),
        (b"\x1f\x8b\x08\x00", "a gzip archive", "zip"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "a WebP picture", "PNG or JPEG"),
        (bytes(range(256)) * 2, "a file of a kind that is not known here", "reads DICOM"),
    ],
)
def test_a_refusal_says_what_the_file_is_and_what_would_be_right(tmp_path: Path, content: bytes, words: str, advice: str) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read_image(path)
    assert caught.value.message == f"upload is {words}."
    assert advice in caught.value.hint


def test_an_office_document_is_not_taken_for_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "letter.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    assert sniff(path) is Kind.OTHER
    with pytest.raises(UnreadableFile, match="office document"):
        read_image(path)


def test_folders_pipes_and_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="is a folder"):
        sniff(tmp_path)
    with pytest.raises(NotFound):
        sniff(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFile, match="pipe or a device"):
        sniff(tmp_path / "pipe")
