"""Arguments, folders and archives become single files, each with the label that the user knows it by."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import NotFound, UnsafeFile
from core.readers import open_raster
from core.settings import settings
from core.sources import Source, Unusable, inside_roots, walk
from tests.unit.readers.scenes.geotiff_files import constant, write_geotiff


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a small tree in it."""
    monkeypatch.chdir(tmp_path)
    for name in ("data/b.txt", "data/a.txt", "data/sub/c.txt", "data/.hidden", "data/.git/config"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def labels(*paths: str | Path, workspace: Path) -> list[str]:
    return [item.label for item in walk(paths, workspace)]


def test_a_label_is_the_argument_as_given_joined_with_the_relative_name(here: Path) -> None:
    work = here / "work"
    expected = ["a.txt", "b.txt", "sub/c.txt"]
    assert labels("data", workspace=work) == [f"data/{name}" for name in expected]
    assert labels("./data", workspace=work) == [f"./data/{name}" for name in expected]
    assert labels("data/", workspace=work) == [f"data/{name}" for name in expected]
    assert labels(here / "data", workspace=work) == [f"{here}/data/{name}" for name in expected]
    assert labels("data/b.txt", "data/sub", workspace=work) == ["data/b.txt", "data/sub/c.txt"]


def test_hidden_files_are_skipped_unless_they_are_named(here: Path) -> None:
    assert labels("data/.hidden", workspace=here / "work") == ["data/.hidden"]


def test_members_of_an_archive_are_labelled_and_lie_alone(here: Path) -> None:
    with zipfile.ZipFile(here / "data" / "scans.dat", "w") as archive:
        archive.writestr("x/1", "one")
        archive.writestr("x/2", "two")
    found = [item for item in walk(["data/scans.dat"], here / "work") if isinstance(item, Source)]
    assert [item.label for item in found] == ["data/scans.dat!/x/1", "data/scans.dat!/x/2"]
    assert [item.path.read_text() for item in found] == ["one", "two"]
    assert found[0].path.parent != found[1].path.parent


def test_a_side_file_in_an_archive_does_not_reach_the_raster(here: Path) -> None:
    secret = write_geotiff(here / "secret.tif", constant(1, 64, 64, 77))
    zeros = write_geotiff(here / "a.tif", constant(1, 128, 128, 0))
    with zipfile.ZipFile(here / "a.zip", "w") as archive:
        archive.write(zeros, "a.tif")
        archive.write(secret, "a.tif.ovr")
    first = next(iter(walk(["a.zip"], here / "work")))
    assert isinstance(first, Source)
    assert [path.name for path in first.path.parent.iterdir()] == ["a.tif"]
    with open_raster(first.path) as dataset:
        assert dataset.read(1, out_shape=(64, 64)).max() == 0


def test_what_cannot_be_opened_is_told_and_the_others_go_on(here: Path) -> None:
    (here / "data" / "dangling").symlink_to(here / "nowhere")
    os.mkfifo(here / "data" / "pipe")
    (here / "data" / "bad.zip").write_bytes(b"PK\x03\x04")
    with zipfile.ZipFile(here / "data" / "evil.zip", "w") as archive:
        archive.writestr("../evil", "x")
    with zipfile.ZipFile(here / "data" / "outer.zip", "w") as archive:
        archive.writestr("inner.zip", (here / "data" / "evil.zip").read_bytes())
    items = list(walk(["data", "missing"], here / "work"))
    unusable = {item.label: item.error.message for item in items if isinstance(item, Unusable)}
    assert set(unusable) == {
        "data/bad.zip",
        "data/dangling",
        "data/evil.zip",
        "data/outer.zip!/inner.zip",
        "data/pipe",
        "missing",
    }
    assert "archive inside an archive" in unusable["data/outer.zip!/inner.zip"]
    assert unusable["missing"] == "missing does not exist."
    assert sum(isinstance(item, Source) for item in items) == 3


def test_links_are_followed_and_a_loop_of_links_ends(here: Path) -> None:
    (here / "elsewhere").mkdir()
    (here / "elsewhere" / "d.txt").write_text("d")
    (here / "data" / "linked").symlink_to(here / "elsewhere")
    (here / "data" / "sub" / "loop").symlink_to(here / "data")
    assert labels("data", workspace=here / "work") == ["data/a.txt", "data/b.txt", "data/linked/d.txt", "data/sub/c.txt"]


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One allowed folder."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "scan").write_text("x")
    (tmp_path / "secret").write_text("x")
    monkeypatch.setenv("SIGHTLINE_ROOTS", str(allowed))
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield allowed
    monkeypatch.undo()
    settings.cache_clear()


def test_only_paths_inside_the_roots_are_read(roots: Path) -> None:
    assert inside_roots(roots / "scan") == roots / "scan"
    (roots / "link").symlink_to(roots.parent / "secret")
    for path in (roots.parent / "secret", roots / ".." / "secret", roots / "link", Path("/etc/passwd"), Path("~/x")):
        with pytest.raises(UnsafeFile, match="outside the folders"):
            inside_roots(path)
    with pytest.raises(NotFound):
        inside_roots(roots / "nothing")


def test_a_folder_whose_name_begins_like_a_root_is_outside(roots: Path) -> None:
    other = roots.with_name("allowed-not")
    other.mkdir()
    with pytest.raises(UnsafeFile):
        inside_roots(other)


def test_a_loop_of_links_is_no_path(roots: Path) -> None:
    (roots / "a").symlink_to(roots / "b")
    (roots / "b").symlink_to(roots / "a")
    with pytest.raises((NotFound, UnsafeFile)):
        inside_roots(roots / "a")
