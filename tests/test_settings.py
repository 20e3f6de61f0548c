"""Settings are read once, each value is checked at the door, and a wrong one is named."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from core.errors import InputError, OutOfRange
from core.settings import Settings, read_settings


def test_an_empty_environment_gives_settings_that_listen_on_this_machine_only() -> None:
    settings = read_settings({})
    assert settings.address == "127.0.0.1"
    assert settings.password == ""
    assert settings.roots == ()


def test_an_empty_variable_is_no_variable() -> None:
    assert read_settings({"SIGHTLINE_PORT": "", "SIGHTLINE_DEVICE": ""}) == read_settings({})


def test_every_field_is_set_by_its_variable() -> None:
    given = {
        "SIGHTLINE_HOME": "/srv/sightline",
        "SIGHTLINE_DEVICE": "cpu",
        "SIGHTLINE_PORT": "9000",
        "SIGHTLINE_BATCH_WAIT_MS": "0.5",
        "SIGHTLINE_PASSWORD": "open sesame",
    }
    settings = read_settings(given)
    assert settings.home == Path("/srv/sightline")
    assert settings.device == "cpu"
    assert settings.port == 9000
    assert settings.batch_wait_ms == 0.5
    assert settings.password == "open sesame"


def test_variables_of_other_programs_are_left_alone() -> None:
    assert read_settings({"PORT": "1", "HOME": "/nowhere"}) == read_settings({})


def test_a_misspelt_name_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(InputError, match="SIGHTLINE_TREADS is not a setting") as refusal:
        read_settings({"SIGHTLINE_TREADS": "2"})
    assert "SIGHTLINE_THREADS" in refusal.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("THREADS", "-1"), ("BATCH_WAIT_MS", "nan"), ("BATCH_WAIT_MS", "-2"), ("DOWNLOAD_TIMEOUT_S", "0"), ("PORT", "0"), ("PORT", "70000"),
        ("DOWNLOAD_MINUTES", "0"), ("DOWNLOAD_LEAST_KBS", "nan"), ("USER_MB", "0"), ("SERVER_MB", "-1"),
        ("ROOTS", "/"), ("ARCHIVE_MB", "0"), ("SCENE_MEGAPIXELS", "0"),
        ("DOWNLOAD_MINUTES", "0"), ("DOWNLOAD_LEAST_KBS", "-1"), ("LOCAL_DOWNLOADS", "maybe"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(OutOfRange, match=f"SIGHTLINE_{name}"):
        read_settings({f"SIGHTLINE_{name}": value})


def test_roots_are_folders_between_colons_with_links_resolved(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    assert read_settings({"SIGHTLINE_ROOTS": f"{tmp_path / 'link'}::{tmp_path}"}).roots == (real.resolve(), tmp_path.resolve())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGHTLINE_PORT", "eighty"),
        ("SIGHTLINE_BATCH_SIZE", "0"),
        ("SIGHTLINE_BATCH_SIZE", "2.5"),
        ("SIGHTLINE_UPLOAD_MB", "-1"),
        ("SIGHTLINE_STRIP_ROWS", "0"),
        ("SIGHTLINE_DEVICE", "tpu"),
        ("SIGHTLINE_PRECISION", "fp8"),
        ("SIGHTLINE_RANDOM_MAPS", "19"),
        ("SIGHTLINE_RANDOM_MAPS", "100001"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(OutOfRange) as refusal:
        read_settings({name: value})
    assert name in str(refusal.value)
    assert value in str(refusal.value)
    assert refusal.value.exit_status == 2


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]
