"""From files to images, predictions, explanations and reports."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from rasterio.transform import from_origin
from safetensors.numpy import load_file, save_file

from core.errors import Cancelled, OutOfRange
from core.explain.overlay import DrawnMap
from core.inference.engine import engine_for
from core.inference.ood import features, ood_score
from core.prepare.scene_input import input_at
from core.readers import open_raster, read_image, read_scene
from core.render.report_pictures import overlay
from core.render.report_scenes import scene_picture
from core.sources import Source
from core.types import Domain, MapUnit, Picture, Scene, Study, notice
from core.workflows import scene_prediction
from core.workflows.files import predict_files
from core.workflows.image import compose, explain_image, open_images, predict
from tests.tiny import SIDE, write_tiny_model
from tests.unit.cli.running import write_picture, write_scene
from tests.unit.readers.dicom.dicom_files import save, slice_dataset, write_stack
from tests.unit.readers.scenes.geotiff_files import write_geotiff


def unwatched(done: int, total: int) -> None:
    """Nobody looks."""


@pytest.fixture(scope="module")
def radiographs(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def cover(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", Domain.LAND_COVER))


# ---------------------------------------------------------------- open


def test_the_files_of_a_series_become_one_volume_and_the_rest_stands_alone(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_stack(folder, [0.0, 2.0, 4.0])
    write_picture(folder / "x.png")
    write_scene(folder / "y.tif")
    (folder / "z.txt").write_text("no image")
    opened = open_images([folder], tmp_path / "work", unwatched)
    assert [type(image) for image in opened.images] == [Study, Picture, Scene]
    assert isinstance(opened.images[0], Study) and opened.images[0].is_volume
    assert opened.images[0].name == "in"
    assert [label for label, _ in opened.refused] == [str(folder / "z.txt")]


def test_file_by_file_each_slice_stands_alone(tmp_path: Path) -> None:
    write_stack(tmp_path / "in", [0.0, 2.0, 4.0])
    opened = open_images([tmp_path / "in"], tmp_path / "work", unwatched, as_series=False)
    assert len(opened.images) == 3


def test_a_slice_that_cannot_be_read_is_named_and_the_volume_opens_without_it(tmp_path: Path) -> None:
    write_stack(tmp_path / "in", [0.0, 2.0, 4.0])
    whole = save(slice_dataset(), tmp_path / "in" / "broken.dcm").read_bytes()
    (tmp_path / "in" / "broken.dcm").write_bytes(whole[:-300])
    opened = open_images([tmp_path / "in"], tmp_path / "work", unwatched)
    assert [image.name for image in opened.images] == ["in"]
    assert [Path(label).name for label, _ in opened.refused] == ["broken.dcm"]


def test_exact_copies_in_a_series_are_no_fault(tmp_path: Path) -> None:
    first = write_stack(tmp_path / "in", [0.0, 2.0, 4.0])[0]
    (tmp_path / "in" / "copy.dcm").write_bytes(first.read_bytes())
    opened = open_images([tmp_path / "in"], tmp_path / "work", unwatched)
    assert (len(opened.images), opened.refused) == (1, ())


def test_a_zip_is_opened_like_a_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for file in write_stack(tmp_path / "in", [0.0, 2.0]):
            archive.write(file, file.name)
    opened = open_images([tmp_path / "in.zip"], tmp_path / "work", unwatched)
    assert [image.name for image in opened.images] == ["in.zip"]


def test_whoever_watches_is_told_and_may_stop(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / name)
    steps: list[tuple[int, int]] = []
    open_images([tmp_path], tmp_path / "work", lambda *step: steps.append(step))
    assert steps == [(0, 2), (1, 2), (2, 2)]

    def stop(done: int, total: int) -> None:
        raise Cancelled("The work was stopped.")

    with pytest.raises(Cancelled):
        open_images([tmp_path], tmp_path / "work", stop)


# ---------------------------------------------------------------- predict


def mosaic(path: Path, tiles: list[int], **profile: object) -> Path:
    """Two rows of two tiles, each of noise of its own."""
    parts = [np.random.default_rng(seed).integers(100, 2700, (3, SIDE, SIDE)).astype(np.uint16) for seed in tiles]
    pixels = np.concatenate([np.concatenate(parts[:2], axis=2), np.concatenate(parts[2:], axis=2)], axis=1)
    return write_geotiff(path, pixels, descriptions=("B04", "B03", "B02"), **profile)  # type: ignore[arg-type]


def test_a_scene_larger_than_the_input_gets_the_mean_of_its_tiles(tmp_path: Path, cover: str) -> None:
    scene = read_scene([mosaic(tmp_path / "a.tif", [1, 2, 3, 4])])
    engine = engine_for(cover)
    tiles = [input_at(scene, engine.model.preprocess, x, y) for y in (16, 48) for x in (16, 48)]
    values = np.stack([tile.values for tile in tiles])
    forward = engine.forward(values)
    each = [predict(read_scene([write_scene(tmp_path / f"{seed}.tif", seed)]), cover).probabilities for seed in (1, 2, 3, 4)]
    found = predict(scene, cover)
    assert found.probabilities is not None and engine.model.ood_detector is not None
    np.testing.assert_allclose(found.probabilities, np.mean(each, axis=0), atol=1e-5)  # type: ignore[arg-type]
    assert found.probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    assert found.outside.score == pytest.approx(
        np.median(ood_score(features(values, forward.embeddings), engine.model.ood_detector)), rel=1e-4
    )
    assert notice("scene.mean-of-tiles", tiles=4, width=32, height=32) in found.assumptions


def test_tiles_without_data_do_not_count(tmp_path: Path, cover: str) -> None:
    scene = mosaic(tmp_path / "a.tif", [1, 2, 3, 4])
    with open_raster(scene) as raster:
        pixels = raster.read()
    pixels[:, :, SIDE:] = 0
    half = write_geotiff(tmp_path / "b.tif", pixels, descriptions=("B04", "B03", "B02"), nodata=0)
    left = write_geotiff(tmp_path / "c.tif", pixels[:, :, :SIDE], descriptions=("B04", "B03", "B02"))
    np.testing.assert_allclose(
        predict(read_scene([half]), cover).probabilities, predict(read_scene([left]), cover).probabilities, atol=1e-5  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_scene_without_any_data_is_outside(tmp_path: Path, cover: str) -> None:
    empty = write_geotiff(tmp_path / "a.tif", np.zeros((3, 80, 80), np.uint16), descriptions=("B04", "B03", "B02"), nodata=0)
    found = predict(read_scene([empty]), cover)
    assert found.outside.is_outside and found.prediction is None
    assert found.outside.reason == notice("scene.window-empty")


def test_how_much_is_read_at_a_time_changes_nothing(tmp_path: Path, cover: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = read_scene([write_scene(tmp_path / "a.tif", rows=75, columns=150)])
    at_once = predict(scene, cover)
    monkeypatch.setattr(scene_prediction, "_MOST_PIXELS", 1)
    steps: list[tuple[int, int]] = []
    one_by_one = predict(scene, cover, watch=lambda *step: steps.append(step))
    np.testing.assert_allclose(at_once.probabilities, one_by_one.probabilities, atol=1e-5)  # type: ignore[arg-type]
    assert steps == [(done, 15) for done in range(1, 16)]


def test_a_scene_is_outside_where_most_of_its_tiles_are(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "strict", Domain.LAND_COVER)
    arrays = load_file(folder / "outside.safetensors")
    save_file({**arrays, "threshold": np.array([1e-6], np.float32)}, folder / "outside.safetensors")
    found = predict(read_scene([mosaic(tmp_path / "a.tif", [1, 2, 3, 4])]), str(folder))
    assert found.outside.is_outside and found.prediction is None
    assert found.probabilities is not None
    assert found.outside.reason is not None
    assert (found.outside.reason["outside"], found.outside.reason["tiles"]) == (4, 4)


def test_pixels_far_too_coarse_are_not_cut_into_tiles(tmp_path: Path, cover: str) -> None:
    coarse = write_scene(tmp_path / "a.tif", rows=80, columns=80, transform=from_origin(0.0, 5_000_000.0, 1000.0, 1000.0))
    steps: list[tuple[int, int]] = []
    found = predict(read_scene([coarse]), cover, watch=lambda *step: steps.append(step))
    assert found.outside.is_outside and steps == []


def test_a_frame_is_counted_from_zero_and_told_from_one(tmp_path: Path, radiographs: str) -> None:
    frames = np.random.default_rng(0).integers(0, 200, (3, 40, 40)).astype(np.uint8)
    several = slice_dataset(frames[0], NumberOfFrames=3, RescaleIntercept=0)
    several.PixelData = frames.tobytes()
    study = read_image(save(several, tmp_path / "a.dcm"))
    assert [predict(study, radiographs, frame).frame for frame in (None, 0, 2)] == [1, 0, 2]
    with pytest.raises(OutOfRange):
        predict(study, radiographs, 3)


def test_what_breaks_over_one_file_does_not_keep_the_others_from_their_answer(
    tmp_path: Path, radiographs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.workflows import files

    paths = [write_picture(tmp_path / f"{name}.png") for name in "abc"]

    def broken(path: Path, *_: object, **options: object) -> object:
        if path.name == "b.png":
            raise RuntimeError("nobody foresaw this")
        return read_image(path)

    monkeypatch.setattr(files, "read_image", broken)
    answers = list(predict_files([Source(path.name, path) for path in paths], engine_for(radiographs)))
    assert [answer.label for answer in answers if answer.prediction is not None] == ["a.png", "c.png"]
    assert answers[1].error is not None and "foresaw" not in str(answers[1].error)


# ---------------------------------------------------------------- explain and report


def test_an_explanation_is_of_the_place_that_was_named(tmp_path: Path, cover: str) -> None:
    scene = read_scene([mosaic(tmp_path / "a.tif", [1, 2, 3, 4])])
    alone = read_scene([write_scene(tmp_path / "4.tif", 4)])
    there = explain_image(scene, cover, "occlusion", "Forest", at=(48, 48))
    np.testing.assert_allclose(there.saliency, explain_image(alone, cover, "occlusion", "Forest").saliency, atol=1e-4)


def test_a_place_in_an_image_that_is_no_scene_is_refused(tmp_path: Path, radiographs: str) -> None:
    with pytest.raises(OutOfRange):
        explain_image(read_image(write_picture(tmp_path / "a.png")), radiographs, "rollout", at=(1, 1))


def test_a_report_agrees_with_its_prediction(tmp_path: Path, radiographs: str) -> None:
    image = read_image(write_picture(tmp_path / "a.png", seed=5))
    prediction = predict(image, radiographs)
    report = compose(image, prediction, explain_image(image, radiographs, "rollout"), radiographs)
    assert prediction.probabilities is not None
    assert report.fact("label.1.label").value == prediction.labels[int(np.argmax(prediction.probabilities))]
    assert report.fact("explanation.method").value == "rollout"


def test_a_map_over_a_picture_is_enlarged_and_not_smoothed() -> None:
    saliency = np.array([[0.0, 1.0]], dtype=np.float32)
    pixels = np.full((10, 20, 3), 128, dtype=np.uint8)
    shown = overlay(pixels, DrawnMap(saliency, 0.0, 1.0, MapUnit.RELEVANCE, is_signed=False))
    assert shown.shape == pixels.shape
    assert (shown[:, :10] == shown[0, 0]).all() and (shown[:, 10:] == shown[0, 19]).all()
    assert (shown[0, 0] != shown[0, 19]).any()


def test_a_scene_is_shown_small_with_its_colours_in_place(tmp_path: Path, cover: str) -> None:
    pixels = np.zeros((3, 100, 3000), np.uint16)
    pixels[0, :, :1500] = 2750  # red on the left, blue on the right
    pixels[2, :, 1500:] = 2750
    scene = read_scene([write_geotiff(tmp_path / "a.tif", pixels, descriptions=("B04", "B03", "B02"))])
    shown = scene_picture(scene, engine_for(cover).model.preprocess)
    assert shown.shape == (34, 1024, 3)
    assert Pillow.fromarray(shown).getpixel((100, 17)) == (255, 0, 0)
    assert Pillow.fromarray(shown).getpixel((900, 17)) == (0, 0, 255)


def test_answers_and_explanations_say_of_which_bytes_and_pixels_they_are(tmp_path: Path, cover: str) -> None:
    scene = read_scene([write_scene(tmp_path / "a.tif", rows=3 * SIDE, columns=4 * SIDE)])
    answer = predict(scene, cover)
    assert (answer.source, answer.box) == (scene.sha256, (0.0, 0.0, 4.0 * SIDE, 3.0 * SIDE))
    found = explain_image(scene, cover, "rollout", at=(100, 20))
    assert (found.source, found.frame, found.box) == (scene.sha256, 0, (84.0, 4.0, SIDE, SIDE))


def test_of_a_series_the_frame_is_kept_counted_from_zero(tmp_path: Path, radiographs: str) -> None:
    write_stack(tmp_path / "in", [0.0, 2.0, 4.0])
    study = open_images([tmp_path / "in"], tmp_path / "work", unwatched).images[0]
    found = explain_image(study, radiographs, "rollout", "normal", frame=2)
    assert (found.source, found.frame) == (study.sha256, 2)
    assert predict(study, radiographs, frame=2).source == study.sha256
