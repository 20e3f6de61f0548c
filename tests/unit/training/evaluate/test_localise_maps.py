"""How much of a map lies inside what readers drew, on maps of which it can be counted."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.explain.evidence import MethodResult
from training.evaluate.localise_maps import BOXES, best_prior, boxed_radiographs, inside, lines, resized, weight_of


def test_energy_is_the_share_of_the_weight_inside_and_pointing_asks_for_the_strongest() -> None:
    weight = np.array([[1.0, 3.0], [0.0, 4.0]], np.float32)
    assert inside(weight, np.array([[True, True], [False, False]])) == (0.5, 0.0)
    assert inside(weight, np.array([[False, False], [False, True]])) == (0.5, 1.0)


def test_of_strongest_pixels_that_are_equal_the_share_inside_counts_and_a_flat_map_is_spread_evenly() -> None:
    weight = np.array([[2.0, 2.0], [0.0, 0.0]], np.float32)
    drawn = np.array([[True, False], [False, False]])
    assert inside(weight, drawn) == (0.5, 0.5)
    assert inside(np.ones((2, 2), np.float32), drawn) == (0.25, 0.25)


def test_only_what_lies_above_the_zero_of_a_map_has_weight() -> None:
    made = MethodResult(np.array([[0.1, 0.25, 0.4]], np.float32), {}, 1, zero=0.25)
    np.testing.assert_allclose(weight_of(made), [[0.0, 0.0, 0.15]], atol=1e-6)


def test_boxes_of_the_index_become_masks_on_the_pixels_and_on_the_input(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / "a.png")
    with (tmp_path / "index.csv").open("w", newline="") as lines_:
        writer = csv.DictWriter(lines_, ["file", "patient", BOXES])
        writer.writeheader()
        writer.writerow({"file": "a.png", "patient": "1", BOXES: '[["Pneumonia", 4, 8, 6, 2]]'})
        writer.writerow({"file": "b.png", "patient": "2", BOXES: "[]"})
    (found,) = boxed_radiographs(tmp_path)
    assert found.group == "1" and found.drawn.sum() == 12 and found.drawn[8:10, 4:10].all()
    assert resized(found.drawn, (10, 10)).sum() == 3


def test_the_best_of_the_priors_stands_beside_the_methods() -> None:
    found = {"rollout": np.full((4, 2), 0.1), "centred prior 0.5": np.full((4, 2), 0.2), "centred prior 1.0": np.full((4, 2), 0.3)}
    best = best_prior(found)
    assert list(best) == ["rollout", "centred prior"] and best["centred prior"][0, 0] == pytest.approx(0.3)
    told = lines(best, np.full(4, 0.05), ["a", "b", "c", "d"], "On four images.", "measure it")
    assert "| centred prior | 0.300 (0.300 to 0.300) | 0.300 (0.300 to 0.300) |" in told
