"""Crops of CT and the windows cut from them: by patient, at every place but never the same one, with the label that they then have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import BadRecipe, NotFound
from tests.unit.training.crops import PATIENTS, RECIPE, SIDE, draw_crops
from training.config.recipe import Recipe, read_recipe
from training.config.recipe_parts import Augmentation
from training.data.folders import read_images, split
from training.data.items import labels_of
from training.data.nodules import UNRATED, Crops, area_of, by_patient, rated, read_crops
from training.data.windows import WITH, WITHOUT, centres, corners, cut, cut_once, entries, token_shares

SIZE = (24, 24)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_crops(tmp_path_factory.mktemp("crops"))


@pytest.fixture(scope="module")
def crops(folder: Path) -> Crops:
    return read_crops(folder)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    path = tmp_path_factory.mktemp("recipe") / "tiny-ct.toml"
    path.write_text(RECIPE.format(steps=6))
    return read_recipe(path)


def readers(rows: slice, columns: slice, count: int = 3) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    drawn = np.zeros((SIDE, SIDE), dtype=np.uint8)
    drawn[rows, columns] = count
    return drawn


def test_nothing_of_one_patient_is_on_two_sides(crops: Crops) -> None:
    sides = by_patient(crops, 0.5, seed=7)
    patients = [set(side.patients) for side in (sides.train, sides.calibration, sides.validation)]
    assert all(patients)
    assert sum(map(len, patients)) == len(set.union(*patients)) == PATIENTS


def test_a_window_with_a_nodule_holds_all_of_it_and_one_without_holds_nothing_of_it() -> None:
    drawn = readers(slice(30, 36), slice(33, 41))
    with_it, without = corners(drawn, SIZE, WITH), corners(drawn, SIZE, WITHOUT)
    assert len(with_it) == (24 - 6 + 1) * (24 - 8 + 1)
    for places, wanted in ((with_it, 48), (without, 0)):
        assert len(places)
        assert {int((drawn[top : top + 24, left : left + 24] > 0).sum()) for top, left in places} == {wanted}


def test_what_one_reader_drew_is_no_nodule_and_no_absence_either() -> None:
    drawn = readers(slice(30, 36), slice(30, 36), count=1)
    assert len(corners(drawn, SIZE, WITH)) == 0
    assert all((drawn[top : top + 24, left : left + 24] == 0).all() for top, left in corners(drawn, SIZE, WITHOUT))


def test_a_nodule_larger_than_the_window_gives_none_with_it() -> None:
    assert len(corners(readers(slice(10, 50), slice(10, 50)), SIZE, WITH)) == 0


def test_the_place_of_the_nodule_in_its_window_says_nothing(crops: Crops) -> None:
    windows = cut_once(crops, SIZE, seed=1)
    held = windows.labels == WITH
    middles = np.array([(SIDE / 2 - left, SIDE / 2 - top) for left, top, _, _ in np.array(windows.boxes)[held]])
    assert (np.ptp(middles, axis=0) > 8).all()
    torch.manual_seed(0)
    drawn = np.concatenate([centres(crops, *entries(crops, SIZE), SIZE).numpy() for _ in range(5)])
    _, labels = entries(crops, SIZE)
    offsets = drawn[np.tile(labels, 5) == WITH] * SIDE / 2
    assert (np.abs(offsets.mean(axis=0)) < 2.0).all() and (offsets.std(axis=0) > 3.0).all()


def test_windows_are_the_pixels_of_their_boxes_and_are_read_again_as_they_were_cut(folder: Path, crops: Crops, recipe: Recipe) -> None:
    parts = split(recipe, [folder])
    sides = by_patient(crops, recipe.data.validation_share, recipe.data.seed)
    windows = cut_once(sides.validation, SIZE, recipe.data.seed)
    assert labels_of(parts.validation).tolist() == windows.labels.tolist()
    again = read_images(parts.validation, recipe.preprocess, SIZE).numpy()[:, 0]
    np.testing.assert_array_equal(again, windows.images)
    assert {item.group for item in parts.train}.isdisjoint({item.group for item in parts.validation})


def test_an_upright_window_is_the_crop_at_its_middle(crops: Crops) -> None:
    middle = torch.tensor([[(2 * 20 + 24) / SIDE - 1.0, (2 * 31 + 24) / SIDE - 1.0]])
    image, drawn = cut(torch.from_numpy(crops.images[:1]), torch.from_numpy(crops.readers[:1]), middle, SIZE, Augmentation())
    np.testing.assert_allclose(image[0, 0].numpy() * 255, crops.images[0, 31:55, 20:44], atol=1e-2)
    np.testing.assert_allclose(drawn[0, 0].numpy() * 4, crops.readers[0, 31:55, 20:44], atol=1e-4)


def test_a_token_knows_how_much_of_it_the_readers_drew() -> None:
    drawn = torch.zeros(1, 1, 24, 24)
    drawn[0, 0, 8:12, 16:20] = 1.0
    assert token_shares(drawn, 8).tolist() == [[0, 0, 0, 0, 0, 1, 0, 0, 0]]
    drawn[0, 0, 10:12] = 0.0
    assert token_shares(drawn, 8)[0, 5] == 0.5


def test_ratings_count_where_enough_readers_drew_and_the_middle_is_left_out(crops: Crops) -> None:
    alone = crops.drawn_by == 1
    assert alone.any() and not rated(crops)[alone].any() and rated(crops)[~alone].all()
    assert (area_of(crops)[crops.malignancy == 1] > area_of(crops)[crops.malignancy == 0].max()).all()


def test_a_rating_in_the_middle_or_missing_is_none(tmp_path: Path) -> None:
    folder = draw_crops(tmp_path / "crops")
    index = (folder / "index.csv").read_text().splitlines()
    index[1] = index[1].rpartition(",")[0] + ",3"
    index[2] = index[2].rpartition(",")[0] + ","
    (folder / "index.csv").write_text("\n".join(index))
    assert read_crops(folder).malignancy[:2].tolist() == [UNRATED, UNRATED]


def test_a_folder_that_holds_no_crops_is_refused_with_the_reason(tmp_path: Path, folder: Path, recipe: Recipe) -> None:
    with pytest.raises(NotFound, match=r"index\.csv"):
        read_crops(tmp_path)
    (tmp_path / "index.csv").write_text("file,label\na.jpg,x\n")
    with pytest.raises(BadRecipe, match="does not list crops"):
        read_crops(tmp_path)
    (tmp_path / "index.csv").write_text("file,patient,most_readers\na.jpg,P,2\n")
    with pytest.raises(NotFound, match=r"a\.jpg"):
        read_crops(tmp_path)
    with pytest.raises(BadRecipe, match="2 folders"):
        split(recipe, [folder, folder])
