"""Zip archives are unpacked with care."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import SightlineError, TooLarge, UnreadableFile, UnsafeFile
from core.readers.archive import members


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def unpack(archive: Path, into: Path) -> list[Path]:
    """Where the members of an archive lie; the error of the first that cannot be unpacked."""
    paths = []
    for member in members(archive, into):
        if member.error is not None:
            raise member.error
        assert member.path is not None
        paths.append(member.path)
    return paths


def test_each_member_lies_alone_in_a_folder_of_its_own(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"x/a.tif": b"1", "x/a.tif.ovr": b"2", "y/a.tif": b"3"})
    paths = unpack(archive, tmp_path / "out")
    assert [path.read_bytes() for path in paths] == [b"1", b"2", b"3"]
    assert all(len(list(path.parent.iterdir())) == 1 for path in paths)


def test_hidden_members_and_resource_forks_are_left_out(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"__MACOSX/._a": b"", ".DS_Store": b"", "a": b"1"})
    assert [path.name for path in unpack(archive, tmp_path / "out")] == ["a"]


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:\\evil"])
def test_a_member_that_leaves_its_folder_condemns_the_archive(tmp_path: Path, name: str) -> None:
    archive = pack(tmp_path / "a.zip", {"fine": b"1", name: b"2"})
    with pytest.raises(UnsafeFile, match="outside its folder"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "evil").exists()


def test_a_link_condemns_the_archive(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(UnsafeFile, match="a link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_bomb_is_refused_by_what_it_promises(tmp_path: Path, set_limits: Callable[..., None]) -> None:
    set_limits(archive_mb=1)
    archive = pack(tmp_path / "a.zip", {"zeros": bytes(2_000_000)})
    assert archive.stat().st_size < 10_000
    with pytest.raises(TooLarge, match="more than 1 MB"):
        unpack(archive, tmp_path / "out")


def test_a_bomb_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"zeros": bytes(3_000_000)})
    data = bytearray(archive.read_bytes())
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<L", data, central + 24, 10)  # the size that the directory promises
    archive.write_bytes(bytes(data))
    with pytest.raises(SightlineError):
        unpack(archive, tmp_path / "out")
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file()) <= 10


def test_too_many_members_are_refused(tmp_path: Path, set_limits: Callable[..., None]) -> None:
    set_limits(archive_files=3)
    archive = pack(tmp_path / "a.zip", {str(index): b"" for index in range(4)})
    with pytest.raises(TooLarge, match="4 files, more than 3"):
        unpack(archive, tmp_path / "out")


def test_a_damaged_member_does_not_stop_the_others(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("bad", b"A" * 100)
        archive.writestr("good", b"B" * 100)
    data = (tmp_path / "a.zip").read_bytes().replace(b"A" * 100, b"A" * 99 + b"X")
    (tmp_path / "a.zip").write_bytes(data)
    bad, good = members(tmp_path / "a.zip", tmp_path / "out")
    assert isinstance(bad.error, UnreadableFile)
    assert good.path is not None
    assert good.path.read_bytes() == b"B" * 100


def test_encrypted_and_damaged_archives_are_told(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"a": b"1"})
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(bytes(data))
    with pytest.raises(UnreadableFile, match="encrypted"):
        unpack(archive, tmp_path / "out")
    archive.write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        unpack(archive, tmp_path / "out")
