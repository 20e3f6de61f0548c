"""Where the weight of a map lies, by what is known of the image, and whether what is explained is what was answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.explain.inside import beside, with_inside
from core.explain.views import what_differs
from core.inference.engine import engine_for
from core.inference.prediction import predict_input
from core.prepare.ct import centre_window
from core.prepare.inputs import to_input
from core.readers import read_scene
from core.types import Domain, Inside, Target, notice
from tests.tiny import write_tiny_model
from tests.unit.cli.running import TILE
from tests.unit.prepare.ct_slices import CT, chest, slices
from tests.unit.readers.scenes.geotiff_files import write_geotiff
from tests.unit.report import examples as ex


def test_the_weight_of_a_map_over_ct_is_split_between_lungs_body_and_room() -> None:
    study = slices(chest(0.7), spacing=0.7)
    given = centre_window(study, CT)
    parts = with_inside(replace(ex.explanation(), saliency=np.ones((56, 56), np.float32)), study, given, CT).inside
    assert parts is not None and set(parts.shares) == {"lungs", "body", "outside"}
    assert sum(share or 0.0 for share in parts.shares.values()) == pytest.approx(1.0)
    assert parts.shares == pytest.approx(parts.areas)  # an even map lies as the parts do
    assert 0.05 < (parts.shares["lungs"] or 0.0) < 0.9 and parts.shares["outside"] == 0.0


def test_a_map_beside_the_patient_is_said_to_be_there() -> None:
    pixels = np.full((1, 64, 64), 3000, dtype=np.uint16)
    pixels[:, :, :16] = 0
    study, preprocess = ex.study(pixels), replace(ex.CHEST, size=(64, 64))
    given = to_input(study, preprocess)
    saliency = np.zeros((64, 64), dtype=np.float32)
    saliency[:, :8], saliency[:, 40:48] = 1.0, 3.0
    inside = with_inside(replace(ex.explanation(), saliency=saliency), study, given, preprocess).inside
    assert inside is not None and inside.shares["lungs"] is None
    assert inside.shares["outside"] == pytest.approx(0.25, abs=0.02) == beside(inside)
    assert inside.areas["outside"] == pytest.approx(0.25, abs=0.05)


def test_a_map_over_a_scene_is_split_between_ground_and_no_data(tmp_path: Path) -> None:
    digital = np.random.default_rng(0).integers(100, 2700, (3, TILE, TILE)).astype(np.uint16)
    digital[:, :, :8] = 0
    scene = read_scene([write_geotiff(tmp_path / "a.tif", digital, descriptions=("B04", "B03", "B02"), nodata=0)])
    preprocess = replace(ex.LAND, size=(TILE, TILE))
    given = to_input(scene, preprocess)
    made = with_inside(replace(ex.explanation(), saliency=np.ones((TILE, TILE), np.float32)), scene, given, preprocess)
    assert made.inside is not None and made.inside.shares == pytest.approx({"valid": 0.75, "cloud": None, "nodata": 0.25})


def test_of_a_picture_of_anything_nothing_is_known() -> None:
    preprocess = replace(ex.CHEST, domain=Domain.PICTURE)
    given = to_input(ex.picture(), preprocess)
    assert with_inside(ex.explanation(), ex.picture(), given, preprocess).inside is None and beside(None) == 0.0
    assert beside(Inside({"lungs": 0.5, "body": 0.5, "outside": None}, {})) == 0.0


def test_a_map_of_one_view_of_an_answer_over_eight_says_by_how_much_they_differ(tmp_path: Path) -> None:
    engine = engine_for(str(write_tiny_model(tmp_path / "ct", Domain.CHEST_CT)))
    given = centre_window(slices(chest(0.7), spacing=0.7), engine.model.preprocess)
    (told,) = what_differs(engine, given, Target.of_label("nodule"))
    assert (told.code, told["views"]) == ("explanation.one-view", 8)
    assert told["told"] == pytest.approx(predict_input(engine, given).probability("nodule"), abs=1e-5)
    assert what_differs(engine, given, Target("nodule", ("nodule",), token=(0, 0))) == ()


def test_a_map_of_one_tile_of_a_scene_says_what_the_mean_of_all_is(tmp_path: Path) -> None:
    engine = engine_for(str(write_tiny_model(tmp_path / "cover", Domain.LAND_COVER)))
    labels = engine.model.labels
    given = to_input(ex.picture(np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)), engine.model.preprocess)
    of_tiles = notice("scene.mean-of-tiles", tiles=9, width=32, height=32)
    reported = ex.prediction([1.0 / len(labels)] * len(labels), labels, labels[:1], assumptions=(of_tiles,))
    (told,) = what_differs(engine, given, Target.of_label(labels[0]), reported)
    assert (told.code, told["told"]) == ("explanation.one-tile", pytest.approx(0.1))
    assert what_differs(engine, given, Target.of_label(labels[0])) == ()
