"""Old pixels are put back: a change of its own pixels vanishes with them, one that comes from beside does not, and both are told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy

from core.change.evidence import NODATA, Evidence
from core.change.methods.base import ComparedBands, ComparedStrip, Method
from core.change.methods.choose import bands_method, method_for
from core.change.taken_back import take_back
from core.change.threshold import ScoreHistogram
from core.errors import InputError
from core.inference.engine import Engine
from core.prepare.grid.bands import read_window
from core.readers import SceneOptions
from core.types import ChangePolygon, Domain, Preprocess, Progress, Scene
from core.workflows.change import detect_change
from tests.unit.change.pairs import BLOCK, ground, two_dates, with_block, written

WINDOW = (BLOCK[1].start, BLOCK[0].start, 32, 32)
POLYGON = ChangePolygon(1, 1.0, None, None, 0.5, WINDOW, (0.0, 0.0))
LIGHT = Preprocess(domain=Domain.LAND_COVER, size=(16, 16), channels=("red", "green", "blue"), standardise="image")


class Brightness(Method):
    """How much brighter the second date is, averaged over a square about each pixel. side: of the square, in pixels."""

    name = "brightness"

    def __init__(self, side: int = 1) -> None:
        self.side = side

    def check(self, before: Scene, after: Scene) -> None:
        """It compares everything."""

    def reading(self, before: Scene, aligned: Scene) -> ComparedBands:
        return ComparedBands(LIGHT)

    def tiles(self, before: Scene) -> int:
        return 1

    def strips(self, before: Scene, aligned: Scene, scratch: Path, progress: Progress | None = None) -> Iterator[ComparedStrip]:
        whole = (0, 0, before.width, before.height)
        first, second = (read_window(scene, scene.bands, whole)[0].mean(axis=0) for scene in (before, aligned))
        score = scipy.ndimage.uniform_filter(np.abs(second - first), self.side, mode="nearest")
        nothing = np.full(score.shape, NODATA, dtype=np.uint8)
        yield ComparedStrip(Evidence(score.astype(np.float32), nothing, nothing))

    def threshold(self, scores: ScoreHistogram) -> float:
        return 0.05

    def parameters(self, reading: ComparedBands) -> Mapping[str, Any]:
        return {}


def test_a_change_of_its_own_pixels_vanishes_with_them_and_stays_without_others(tmp_path: Path) -> None:
    before, after = two_dates(tmp_path)
    found = take_back(before, after, Brightness(), 0.05, POLYGON, tmp_path)
    assert (found.undone, found.kept) == (1.0, 1.0) and found.is_gone
    assert found.first is not None and found.second is not None
    assert found.first + found.second == pytest.approx(1.0, abs=1e-4)  # what each pixel brings is its own
    assert found.cells.shape == (32, 32)


def test_the_half_that_is_ranked_first_is_the_one_that_changed_more(tmp_path: Path) -> None:
    pixels = with_block(ground())
    pixels[:, BLOCK[0], BLOCK[1].start : BLOCK[1].start + 16] += 1500
    before, after = written(tmp_path / "a.tif", ground()), written(tmp_path / "b.tif", pixels)
    found = take_back(before, after, Brightness(), 0.05, POLYGON, tmp_path)
    assert found.first is not None and found.second is not None and found.first > found.second + 0.2 and found.is_proved
    assert np.nanmin(found.cells[:, :16]) > np.nanmax(found.cells[:, 16:])


def test_a_band_that_makes_the_change_is_named_first(tmp_path: Path) -> None:
    pixels = ground()
    pixels[1][BLOCK] += 1500  # green
    pixels[0][BLOCK] += 300
    before, after = written(tmp_path / "a.tif", ground()), written(tmp_path / "b.tif", pixels)
    found = take_back(before, after, Brightness(), 0.05, POLYGON, tmp_path)
    assert [name for name, _ in found.bands] == ["green", "red", "blue"]
    assert dict(found.bands)["green"] == pytest.approx(1500 / 1800, abs=0.01) and dict(found.bands)["blue"] == pytest.approx(0.0, abs=1e-3)


def test_a_change_that_comes_from_beside_is_not_proved(tmp_path: Path) -> None:
    """The polygon is unchanged ground within a ring that changed: the score of its pixels is that of the ring."""
    pixels = with_block(ground())
    inner = (slice(BLOCK[0].start + 14, BLOCK[0].start + 18), slice(BLOCK[1].start + 14, BLOCK[1].start + 18))
    pixels[:, *inner] = ground()[:, *inner]
    before, after = written(tmp_path / "a.tif", ground()), written(tmp_path / "b.tif", pixels)
    within = replace(POLYGON, window=(inner[1].start, inner[0].start, 4, 4))
    found = take_back(before, after, Brightness(side=15), 0.05, within, tmp_path)
    assert found.undone == 0.0 and not found.is_gone and not found.is_proved


def test_progress_is_told_to_its_end_and_ends_the_work_where_it_raises(tmp_path: Path) -> None:
    before, after = two_dates(tmp_path)
    told: list[tuple[int, int]] = []
    take_back(before, after, Brightness(), 0.05, POLYGON, tmp_path, lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == len(told)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_back(before, after, Brightness(), 0.05, POLYGON, tmp_path, stop)


def test_whole_scene_methods_large_polygons_and_unchanged_ones_are_refused(tmp_path: Path) -> None:
    before, after = two_dates(tmp_path)
    with pytest.raises(InputError, match="whole scenes"):
        take_back(before, after, bands_method("mad"), 0.5, POLYGON, tmp_path)
    with pytest.raises(InputError, match="whole scenes"):
        detect_change(before, after, bands_method("mad"), tmp_path / "mad", taken_back=1)
    assert not (tmp_path / "mad").exists()
    with pytest.raises(InputError, match="not found"):
        take_back(before, before, Brightness(), 0.05, POLYGON, tmp_path)
    large = replace(before, width=5000, height=5000), replace(after, width=5000, height=5000)
    with pytest.raises(InputError, match="million pixels"):
        take_back(*large, Brightness(), 0.05, replace(POLYGON, window=(0, 0, 4000, 4000)), tmp_path)


def test_a_network_compares_the_surroundings_of_a_polygon_as_it_compared_the_scene(engine: Engine, tmp_path: Path) -> None:
    before, after = two_dates(tmp_path)
    result = detect_change(before, after, method_for(engine), tmp_path / "out", taken_back=1)
    told = [polygon.taken_back for polygon in result.polygons if polygon.taken_back is not None]
    assert told and all(0.0 <= one.undone <= 1.0 for one in told)
    import geopandas

    rows = geopandas.read_file(tmp_path / "out" / "changes.gpkg", layer="changes").set_index("id")["taken_back"]
    assert {key: rows[key] for key in (one.polygon for one in told)} == pytest.approx({one.polygon: one.undone for one in told})
    assert rows.drop([one.polygon for one in told]).isna().all()


def test_values_whose_scale_is_guessed_are_taken_back_as_those_whose_scale_is_told(engine: Engine, tmp_path: Path) -> None:
    found = []
    for name, options in (("told", SceneOptions(scale=1e-4, offset=0.0)), ("guessed", SceneOptions())):
        (tmp_path / name).mkdir()
        before = written(tmp_path / name / "a.tif", ground(), options=options)
        after = written(tmp_path / name / "b.tif", with_block(ground()), options=options)
        result = detect_change(before, after, method_for(engine), tmp_path / name / "out", taken_back=1)
        found.append([polygon.taken_back for polygon in result.polygons if polygon.taken_back is not None])
    (told,), (guessed,) = found
    assert guessed.undone == told.undone and guessed.bands == told.bands and guessed.first == pytest.approx(told.first, abs=1e-3)
