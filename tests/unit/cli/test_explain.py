"""`sightline explain`: the files that it leaves, and that they fit together."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from core.cli.explaining.knobs import maps_of
from core.inference.calibration import probabilities
from core.inference.engine import engine_for
from core.settings import PROJECT, Settings
from tests.tiny import PATCH, SIDE
from tests.unit.cli.running import Sightline, write_picture, write_scene
from tests.unit.readers.scenes.geotiff_files import constant, write_geotiff

KEYS = {
    "method", "parameters", "target", "input", "gain", "supported", "signed",
    "deletion", "insertion", "sanity", "completeness_error", "runtime", "precision", "seconds",
}  # fmt: skip
MAPS = 100
"""Random maps: the fewest of the command line."""
REMOVAL = {"value", "random_mean", "random_low", "random_high", "p"}


def arrays(folder: Path) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    return {file.stem: np.load(file, allow_pickle=False) for file in folder.glob("*.npy")}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return write_picture(tmp_path / "a.png")


def test_a_token_method_leaves_its_tokens_unscaled(picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    out = tmp_path / "deep" / "out"
    ran = sightline("explain", picture, "--model", radiograph_model, "--method", "rollout", "--out", out, "--json")
    assert ran.status == 0
    held = arrays(out)
    assert set(held) == {"saliency", "input", "tokens"}
    assert held["saliency"].shape == (SIDE, SIDE) and held["saliency"].dtype == np.float32
    assert (held["saliency"].min(), held["saliency"].max()) == (0.0, 1.0)
    assert held["tokens"].shape == (SIDE // PATCH, SIDE // PATCH) and held["tokens"].dtype == np.float32
    assert held["tokens"].sum() == pytest.approx(1.0, abs=1e-5)  # a share of attention each, not yet scaled
    enlarged = held["tokens"].repeat(PATCH, axis=0).repeat(PATCH, axis=1)
    np.testing.assert_array_equal(np.argsort(enlarged.ravel(), kind="stable"), np.argsort(held["saliency"].ravel(), kind="stable"))
    assert held["input"].shape == (1, SIDE, SIDE) and held["input"].dtype == np.float32


@pytest.mark.parametrize("method", ["integrated-gradients", "occlusion"])
def test_other_methods_leave_a_signed_attribution_and_what_removed_means(
    method: str, picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline
) -> None:
    sightline("explain", picture, "--model", radiograph_model, "--method", "rollout", "--out", tmp_path / "out")
    ran = sightline("explain", picture, "--model", radiograph_model, "--method", method, "--out", tmp_path / "out")
    assert ran.status == 0
    held = arrays(tmp_path / "out")
    assert set(held) == {"saliency", "input", "attribution", "baseline"}  # the tokens of the other method are gone
    assert held["attribution"].shape == held["baseline"].shape == held["input"].shape
    assert held["attribution"].min() < 0 < held["attribution"].max()


def test_explanation_json_says_how_it_was_made_and_measured(
    picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline
) -> None:
    out = tmp_path / "out"
    asked = ("--method", "integrated-gradients", "--target", "viral-pneumonia")
    ran = sightline("explain", picture, "--model", radiograph_model, *asked, "--out", out, "--json")
    told = json.loads((out / "explanation.json").read_text())
    assert ran.json == told
    assert set(told) >= KEYS
    assert set(told["deletion"]) >= REMOVAL and set(told["insertion"]) >= REMOVAL
    assert told["target"] == "viral-pneumonia"
    assert {"steps", "quadrature"} <= set(told["parameters"])
    assert told["sanity"] is None
    assert told["precision"] == "fp32"
    assert told["path"] == str(picture)
    assert told["input"]["sha256"] == hashlib.sha256(picture.read_bytes()).hexdigest()
    assert (told["input"]["frame"], told["input"]["shape"]) == (1, [1, SIDE, SIDE])


def test_sanity_is_checked_when_it_is_asked_for(picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    asked = ("explain", picture, "--model", radiograph_model, "--target", "normal", "--out", tmp_path / "out", "--sanity", "--method")
    told = sightline(*asked, "rollout", "--json").json
    assert told == json.loads((tmp_path / "out" / "explanation.json").read_text())
    assert told["sanity"]["parts"] == ["head", "layer 2", "layer 1", "stem"] and len(told["sanity"]["randomised"]) == 4
    assert told["sanity"]["target"] == 1.0 and told["class_specific"] is False
    assert told["sanity"]["stability"] > 0.9
    for method in ("activation-patching", "occlusion"):
        ran = sightline(*asked, method)
        assert "with random weights: not checked, since each map of this method takes dozens of passes" in ran.out
        left = json.loads((tmp_path / "out" / "explanation.json").read_text())["sanity"]
        assert left["randomised"] is None and left["parts"] == []
    said = ran.out
    assert "under noise of 1 % of the range: " in said and "with the map for " in said
    assert "This network: accuracy 0.500 on images held back, by its card." in said


@pytest.mark.parametrize("method", ["rollout", "relevance", "grad-cam"])
def test_what_a_token_method_leaves_has_its_unit_and_its_zero(
    method: str, picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline
) -> None:
    told = sightline("explain", picture, "--model", radiograph_model, "--method", method, "--out", tmp_path / "out", "--json").json
    unit = {"rollout": "attention", "relevance": "relevance", "grad-cam": "logit"}[method]
    assert (told["unit"], told["signed"]) == (unit, method == "grad-cam")
    assert told["zero"] == (pytest.approx(1 / 16) if method == "rollout" else 0.0)
    held = arrays(tmp_path / "out")
    enlarged = held["tokens"].repeat(PATCH, axis=0).repeat(PATCH, axis=1)
    np.testing.assert_array_equal(np.argsort(enlarged.ravel(), kind="stable"), np.argsort(held["saliency"].ravel(), kind="stable"))


def test_the_input_is_what_the_network_was_given(picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    """Whoever feeds input.npy to the network gets the prediction."""
    out = tmp_path / "out"
    told = sightline("explain", picture, "--model", radiograph_model, "--method", "rollout", "--out", out, "--json").json
    predicted = sightline("predict", picture, "--model", radiograph_model, "--json").json
    engine = engine_for(str(radiograph_model))
    probs = probabilities(engine.forward(np.load(out / "input.npy")[np.newaxis]).logits[0], engine.model.calibration)
    assert probs.tolist() == pytest.approx(predicted["probabilities"], abs=1e-5)
    assert told["target"] == ("pneumonia" if 2 * probs[0] < 1 else "normal")  # of a patient without an age the kind is not named


def test_the_overlay_has_the_size_of_the_input(picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    sightline("explain", picture, "--model", radiograph_model, "--method", "rollout", "--out", tmp_path)
    with Image.open(tmp_path / "overlay.png") as overlay:
        assert overlay.size == (SIDE, SIDE)


def test_of_a_scene_the_centre_is_explained_or_the_place_that_is_named(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    scene = write_scene(tmp_path / "a.tif", rows=3 * SIDE, columns=4 * SIDE)
    boxes = []
    for more in ((), ("--at", 100, 20), ("--at", 0, 0)):
        ran = sightline("explain", scene, "--model", cover_model, "--method", "rollout", "--out", tmp_path / "out", "--json", *more)
        boxes.append(ran.json["input"]["box"])
    assert boxes == [[48.0, 32.0, SIDE, SIDE], [84.0, 4.0, SIDE, SIDE], [0.0, 0.0, SIDE, SIDE]]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--method", "magic"), "rollout"),
        (("--method", "rollout", "--target", "magic"), "viral-pneumonia"),
        (("--method", "rollout", "--at", 1, 1), "at"),
    ],
)
def test_what_is_not_known_is_named_with_what_is(
    more: tuple[object, ...], named: str, picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline
) -> None:
    ran = sightline("explain", picture, "--model", radiograph_model, "--out", tmp_path / "out", *more)
    assert ran.status == 2
    assert named in ran.err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_a_label_is_explained_against_another_and_at_one_token(
    picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline
) -> None:
    asked = ("explain", picture, "--model", radiograph_model, "--method", "occlusion", "--out", tmp_path / "out", "--json")
    ran = sightline(*asked, "--target", "viral-pneumonia", "--against", "normal", "--token", 0, 0)
    assert ran.status == 0
    assert ran.json["target"] == {"label": "viral-pneumonia", "against": "normal", "token": [0, 0]}
    assert json.loads((tmp_path / "out" / "explanation.json").read_text()) == ran.json
    assert sightline(*asked, "--target", "normal", "--against", "normal").status == 2
    outside = sightline(*asked, "--token", 9999, 0)
    assert outside.status == 2 and "9999" in outside.error


def test_a_region_of_pixels_is_explained_by_its_tokens(picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    asked = ("explain", picture, "--model", radiograph_model, "--out", tmp_path / "out", "--target", "normal", "--method")
    ran = sightline(*asked, "rollout", "--region", 0, 0, 1, 1, "--json")
    assert ran.json["target"] == {"label": "normal", "against": None, "region": [0, 0, 0, 0]}
    assert ran.json["parameters"]["readout"] == "region"
    assert sightline(*asked, "occlusion", "--region", 0, 0, 1, 1).out.startswith("occlusion for normal in tokens 0 0 to 0 0, in ")
    for wrong in ((5, 0, 4, 4), (0, 0, 9999, 4)):
        refused = sightline(*asked, "rollout", "--region", *wrong)
        assert refused.status == 2 and "region" in refused.error


def test_what_was_asked_for_is_said(picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    asked = ("explain", picture, "--model", radiograph_model, "--method", "rollout", "--out", tmp_path / "out")
    ran = sightline(*asked, "--target", "viral-pneumonia", "--against", "normal", "--token", 0, 0)
    assert ran.out.splitlines()[0].startswith("rollout for viral-pneumonia rather than normal at token 0 0, in ")


def test_a_place_outside_the_scene_is_refused(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    scene = write_scene(tmp_path / "a.tif", rows=64, columns=64)
    ran = sightline("explain", scene, "--model", cover_model, "--method", "rollout", "--out", tmp_path / "out", "--at", 64, 0)
    assert ran.status == 2
    assert "64" in ran.error


def test_what_cannot_become_an_input_is_refused_with_the_reason(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    grey = write_geotiff(tmp_path / "grey.tif", constant(1, 64, 64))
    ran = sightline("explain", grey, "--model", cover_model, "--method", "rollout", "--out", tmp_path / "out")
    assert ran.status == 2
    assert "--bands" in ran.error


def test_an_outside_image_has_no_default_target_and_a_named_one_is_told_to_be_no_finding(
    tmp_path: Path, radiograph_model: Path, sightline: Sightline
) -> None:
    knee = dcmread(PROJECT / "sample_data" / "chest-radiograph.dcm")
    knee.BodyPartExamined = "KNEE"
    knee.save_as(tmp_path / "knee.dcm")
    asked = ("explain", tmp_path / "knee.dcm", "--model", radiograph_model, "--method", "rollout", "--out", tmp_path / "out")
    ran = sightline(*asked)
    assert ran.status == 2 and "--target" in ran.error and "outside what the model knows" in ran.error
    assert not (tmp_path / "out").exists()
    ran = sightline(*asked, "--target", "normal")
    assert ran.status == 0 and "not a finding" in ran.err


def test_a_folder_of_several_images_is_no_image(tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / "scans" / name)
    ran = sightline("explain", tmp_path / "scans", "--model", radiograph_model, "--method", "rollout", "--out", tmp_path / "out")
    assert ran.status == 2
    assert "2 files" in ran.error and "a.png" in ran.error


def test_a_region_may_be_drawn_in_a_file(picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    drawn = tmp_path / "drawn.geojson"
    drawn.write_text(json.dumps({"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]}))
    asked = ("explain", picture, "--model", radiograph_model, "--out", tmp_path / "out", "--target", "normal", "--maps", MAPS, "--method")
    ran = sightline(*asked, "rollout", "--region", drawn, "--json")
    assert ran.json["target"]["tokens"] == [[0, 0]] and ran.json["parameters"]["random_maps"] == MAPS
    for text, words in (("{", "cannot be read as polygons"), ('{"type": "Point", "coordinates": [1, 2]}', "no polygon but a Point")):
        drawn.write_text(text)
        refused = sightline(*asked, "rollout", "--region", drawn)
        assert refused.status == 2 and words in refused.error
    assert "does not exist" in sightline(*asked, "rollout", "--region", tmp_path / "none.json").error


def test_a_polygon_over_a_scene_is_laid_on_its_ground(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    import geopandas
    import rasterio
    from shapely.geometry import box

    scene = write_scene(tmp_path / "a.tif", rows=SIDE, columns=SIDE)
    with rasterio.open(scene) as opened:
        left, top = opened.transform * (PATCH, 0)
        right, bottom = opened.transform * (2 * PATCH, 2 * PATCH)
        geopandas.GeoDataFrame(geometry=[box(left, bottom, right, top)], crs=opened.crs).to_file(tmp_path / "zone.gpkg")
    asked = ("explain", scene, "--model", cover_model, "--method", "rollout", "--out", tmp_path / "out", "--maps", MAPS, "--json")
    assert sightline(*asked, "--region", tmp_path / "zone.gpkg").json["target"]["tokens"] == [[1, 0], [1, 1]]


def test_knobs_reach_the_method_and_are_written_down(picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    asked = ("explain", picture, "--model", radiograph_model, "--out", tmp_path / "out", "--maps", MAPS, "--json", "--method")
    told = sightline(*asked, "rollout", "--set", "fusion=max", "--set", "discard=0.25", "--seed", 3).json["parameters"]
    assert (told["fusion"], told["discard"], told["seed"], told["random_maps"]) == ("max", 0.25, 3, MAPS)
    told = sightline(*asked, "occlusion", "--window", 16, "--stride", 8, "--baseline", "air").json["parameters"]
    assert (told["window"], told["stride"], told["baseline"]) == ([16, 16], [8, 8], "air")
    assert sightline(*asked, "integrated-gradients", "--steps", 8).json["parameters"]["steps"] == 8
    told, held = sightline(*asked, "libra-grad", "--target", "normal").json, arrays(tmp_path / "out")
    logit = engine_for(str(radiograph_model)).forward(held["input"][np.newaxis], exact=True).logits[0, 0]
    missed = abs(held["tokens"].sum(dtype=np.float64) - logit) / abs(logit)
    assert told["conservation_error"] == pytest.approx(missed, rel=1e-2, abs=1e-5) and told["by_band"] is None
    for wrong, words in (
        (("rollout", "--set", "fusion"), "NAME=VALUE"),
        (("rollout", "--set", "fusion=3"), "a word"),
        (("rollout", "--window", 8), "no parameter 'window'"),
        (("rise", "--set", "masks=many"), "a whole number"),
        (("deep-lift",), "transformer multiplies"),
    ):
        refused = sightline(*asked, *wrong)
        assert refused.status == 2 and words in refused.err


def test_a_setting_of_fewer_random_maps_does_not_lower_what_a_command_ranks_among(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting, expected in ((20, MAPS), (100, 100), (200, 200)):
        monkeypatch.setattr("core.cli.explaining.knobs.settings", lambda setting=setting: Settings(random_maps=setting))
        assert maps_of(None) == expected and maps_of(150) == 150


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("occlusion", "--set", "window=5"), "two whole numbers (height,width) or none"),
        (("occlusion", "--set", "stride=3"), "two whole numbers (height,width) or none"),
        (("occlusion", "--set", "window=5,5,5"), "two whole numbers (height,width) or none"),
        (("occlusion", "--set", "perturbations_per_eval=0"), "a whole number, at least 1"),
        (("integrated-gradients", "--set", "steps=1,2"), "a whole number"),
        (("integrated-gradients", "--steps", 100_000), "at most 2000"),
        (("grad-cam", "--set", "layer=1,2"), "a whole number or none"),
        (("raw-attention", "--set", "head=1,2"), "a whole number or none"),
        (("activation-patching", "--set", "first_layer=1,2"), "a whole number or none"),
        (("rollout", "--seed", -1), "at least 0"),
        (("rollout", "--maps", 99), "from 100 to"),
        (("rollout", "--maps", 10**9), "to 100000"),
        (("rollout", "--seed", 2**64), "at most"),
        (("rollout", "--set", "removal_steps=1000000000"), "at most 1000"),
        (("rise", "--set", "cells=100000"), "the shorter side of the input"),
        (("rise", "--set", "masks=none"), "a whole number, at least 1"),
    ],
)
def test_a_parameter_of_another_kind_or_size_is_refused_in_a_sentence(
    wrong: tuple[object, ...], words: str, picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline
) -> None:
    ran = sightline("explain", picture, "--model", radiograph_model, "--out", tmp_path / "out", "--method", *wrong)
    assert ran.status == 2 and words in ran.error
    assert not (tmp_path / "out").exists()


def test_what_makes_an_image_like_another_is_explained(picture: Path, tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    other = write_picture(tmp_path / "b.png")
    asked = ("explain", picture, "--model", radiograph_model, "--out", tmp_path / "out", "--maps", MAPS, "--method", "grad-cam")
    assert sightline(*asked, "--like", other, "--json").json["target"] == {"like": "b.png"}
    assert sightline(*asked, "--like-token", 3, 4).out.startswith("grad-cam for the patch at 3 4, in ")
    both = sightline(*asked, "--like", other, "--target", "normal")
    assert both.status == 2 and "beside --like" in both.error


def test_the_other_image_is_read_and_told_of_as_the_first_is(
    picture: Path, tmp_path: Path, radiograph_model: Path, cover_model: Path, sightline: Sightline
) -> None:
    knee = dcmread(PROJECT / "sample_data" / "chest-radiograph.dcm")
    knee.BodyPartExamined = "KNEE"
    knee.save_as(tmp_path / "knee.dcm")
    asked = ("--out", tmp_path / "out", "--maps", MAPS, "--method", "grad-cam")
    ran = sightline("explain", picture, "--model", radiograph_model, *asked, "--like", tmp_path / "knee.dcm")
    assert ran.status == 0 and "knee.dcm is outside what the model knows" in ran.err
    digital = np.random.default_rng(1).integers(100, 2700, (3, SIDE, SIDE)).astype(np.uint16)
    bare = [write_geotiff(tmp_path / name, digital) for name in ("a.tif", "b.tif")]
    scene = ("explain", bare[0], "--model", cover_model, *asked, "--like", bare[1], "--bands", "B04,B03,B02")
    assert sightline(*scene, "--scale", 0.0001).status == 0, "without --bands it is refused"
    assert "b.tif: " in sightline(*scene).err, "what its numbers are taken for"
