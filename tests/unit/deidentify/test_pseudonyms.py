"""The site's key: made once, kept closed, and the same for everybody who begins at once."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.deidentify.pseudonyms import KEY_FILE, Pseudonyms, site_pseudonyms
from core.errors import OutOfRange, UnreadableFile
from core.settings import read_settings, settings


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SIGHTLINE_SITE_KEY", raising=False)
    settings.cache_clear()
    yield tmp_path / "home"
    monkeypatch.undo()
    settings.cache_clear()


def test_a_key_is_made_once_and_its_owner_alone_can_read_it(house: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = {each.key for each in pool.map(lambda _: site_pseudonyms(), range(16))}
    assert len(made) == 1 and [file.name for file in house.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((house / KEY_FILE).stat().st_mode) == 0o600
    assert made.pop().hex() not in repr(site_pseudonyms())


def test_a_key_that_is_cut_off_is_not_made_anew(house: Path) -> None:
    site_pseudonyms()
    (house / KEY_FILE).write_bytes(b"short")
    with pytest.raises(UnreadableFile, match="cut off"):
        site_pseudonyms()


def test_a_short_key_is_refused() -> None:
    with pytest.raises(OutOfRange, match="SITE_KEY"):
        read_settings({"SIGHTLINE_SITE_KEY": "short"})


@pytest.mark.parametrize(("told", "moved"), [("", ""), ("nonsense", ""), ("20250230", "")])
def test_what_is_no_date_is_dropped(told: str, moved: str) -> None:
    assert Pseudonyms(b"k" * 32).shifted(told, "1") == moved
