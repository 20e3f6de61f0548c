"""Cities that are put together: what was built is what is labelled, and fields that changed are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import NotFound
from training.data.made_cities import BUILT, FIELDS, OTHERS, SIDE, TILE, Tiles, made_cities, read_tiles

CHANNELS = ("blue", "green", "red", "near-infrared")
GREY = {"fields": 60, "other": 20, "built": 200}


def drawn(folder: Path) -> Path:
    """Two tiles of each class, one grey for all that is built and one for all fields."""
    for name in (*BUILT, *FIELDS, *OTHERS):
        kind = "built" if name in BUILT else "fields" if name in FIELDS else "other"
        (folder / name).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (TILE, TILE), (GREY[kind],) * 3).save(folder / name / f"{name}_{number}.jpg", quality=100)
    return folder


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Tiles:
    return read_tiles(drawn(tmp_path_factory.mktemp("tiles")), seed=1)


def test_a_city_has_two_dates_standardised_band_by_band_and_no_band_that_tiles_lack(tiles: Tiles) -> None:
    (city,) = made_cities(tiles, 1, CHANNELS, seed=1)
    assert city.before.shape == city.after.shape == (4, SIDE * TILE, SIDE * TILE)
    for date in (city.before, city.after):
        assert np.abs(date[:3].mean(axis=(1, 2))).max() < 1e-3
        assert date[:3].std(axis=(1, 2)) == pytest.approx(1.0, abs=1e-3)
        assert not date[3].any()
    assert city.known.all()


def test_a_pixel_is_labelled_where_something_was_built_and_not_where_fields_changed(tiles: Tiles) -> None:
    """All fields are of one grey here, so that whatever differs between the dates was built or went."""
    seen = labelled = 0
    for city in made_cities(tiles, 4, CHANNELS, seed=2):
        assert 0.002 < city.changed.mean() < 0.2
        scale = city.after[0].max() - city.after[0].min()
        differs = np.abs(city.after[0] - city.before[0]) > 0.4 * scale
        assert (differs & ~city.changed).mean() < 0.002  # soft edges alone
        seen, labelled = seen + int((differs & city.changed).sum()), labelled + int(city.changed.sum())
    assert seen > 0.3 * labelled  # the rest was built on what was built


def test_the_same_seed_makes_the_same_cities_and_another_others(tiles: Tiles) -> None:
    first, again, other = (made_cities(tiles, 1, CHANNELS, seed)[0] for seed in (3, 3, 4))
    assert np.array_equal(first.after, again.after) and np.array_equal(first.changed, again.changed)
    assert not np.array_equal(first.changed, other.changed)


def test_a_folder_without_the_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Industrial"):
        read_tiles(tmp_path, seed=1)
