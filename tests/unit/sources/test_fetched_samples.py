"""Samples: those that come with the project, and public ones that are fetched once into the cache."""

from __future__ import annotations

from pathlib import Path

from core.sources import Sample, bundled, catalogue, fetch
from tests.unit.sources.conftest import CONTENT, DIGEST, Handler


def test_a_sample_is_fetched_once(host: str, home: Path) -> None:
    sample = Sample("one", "One", "geotiff", f"{host}/scene.tif", DIGEST, len(CONTENT))
    first = fetch(sample)
    assert first == home / "samples" / "one" / "scene.tif"
    assert fetch(sample) == first
    assert Handler.requests == ["/scene.tif"]


def test_a_cached_sample_that_was_damaged_is_fetched_again(host: str, home: Path) -> None:
    sample = Sample("one", "One", "geotiff", f"{host}/scene.tif", DIGEST, len(CONTENT))
    fetch(sample).write_bytes(CONTENT[:-1] + b"x")
    assert fetch(sample).read_bytes() == CONTENT
    assert len(Handler.requests) == 2


def test_a_sample_cannot_be_written_outside_the_cache(host: str, home: Path) -> None:
    sample = Sample("../../x", "One", "geotiff", f"{host}/..%2f..%2fa", DIGEST, len(CONTENT))
    assert fetch(sample).resolve().is_relative_to((home / "samples").resolve())


def test_the_catalogue_names_public_samples_with_checksums(home: Path) -> None:
    samples = catalogue()
    assert len(samples) > 10
    for sample in samples:
        assert sample.address.startswith("https://")
        assert len(sample.sha256) == 64
        assert sample.bytes > 0
        assert sample.kind in ("dicom", "geotiff")
        assert sample.licence
        assert sample.local is None


def test_bundled_samples_are_here() -> None:
    samples = bundled()
    assert samples
    for sample in samples:
        assert fetch(sample).exists()
        assert sample.what_to_expect
