"""SaCo, sensitivity-n, filling, dropping, localisation: against loops, dense solutions and networks of which one knows what they read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.explain.measure.dropping import dropping_gain, reads_what_is_left
from core.explain.measure.filling import NEIGHBOURS, filled_from_neighbours, filling_gain
from core.explain.measure.localisation import best_centred, localised, resized_to
from core.explain.measure.opponents import on_token_grid
from core.explain.measure.saco import coefficient, saco
from core.explain.measure.sensitivity import pearson, removed_sets
from core.explain.targets import read_logits, scores
from core.inference.calibration import probabilities
from core.inference.engine import Engine, engine_for
from core.types import ModelInput, Target
from models.measured import Dropped, Measurement, write_measured
from tests.tiny import PATCH, write_tiny_model
from tests.unit.explain.constructed import bright_input, quadrant_engine, quadrant_map
from tests.unit.explain.cue import WITH, cue_engine, cue_inputs

NORMAL = Target.of_label("normal")
ZERO = np.zeros((1, 32, 32), dtype=np.float32)
QUADRANT = on_token_grid(quadrant_map(), (PATCH, PATCH))


def saco_as_written(salience: list[float], falls: list[float]) -> float:
    """Algorithm 1 of the paper, line by line."""
    faith = total = 0.0
    for i in range(len(salience) - 1):
        for j in range(i + 1, len(salience)):
            weight = salience[i] - salience[j] if falls[i] >= falls[j] else -(salience[i] - salience[j])
            faith += weight
            total += abs(weight)
    return faith / total


def test_saco_is_the_papers() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        salience, falls = np.sort(random.normal(size=7))[::-1], random.normal(size=7)
        assert coefficient(salience, falls) == pytest.approx(saco_as_written(salience.tolist(), falls.tolist()), abs=1e-12)
    assert coefficient(np.arange(5.0)[::-1], np.arange(5.0)[::-1]) == 1.0 and coefficient(np.arange(5.0)[::-1], np.arange(5.0)) == -1.0
    assert coefficient(np.ones(4), np.arange(4.0)) is None, "a flat map ranks nothing"


def test_saco_tells_a_map_of_what_is_read_from_its_opposite(engine: Engine) -> None:
    quadrant = quadrant_engine(engine)
    found = [saco(quadrant, bright_input(), NORMAL, sign * QUADRANT, ZERO, 0) for sign in (1, -1)]
    assert found[0] is not None and found[1] is not None and found[0] > 0.9 and found[1] < -0.9


def test_what_sets_lose_is_what_the_network_says_without_them(engine: Engine, image: ModelInput) -> None:
    sets = removed_sets(engine, image, NORMAL, ZERO, 0, shares=(0.25, 0.5), sets=3)
    assert sets.removed.shape == (2, 3, 4, 4) and sets.removed.sum(axis=(2, 3)).tolist() == [[4] * 3, [8] * 3]
    whole = scores(engine.model, read_logits(engine, image.values[None], NORMAL), NORMAL)[0]
    for size, number in ((0, 0), (1, 2)):
        changed = image.values.copy()
        for row, column in np.argwhere(sets.removed[size, number]):
            changed[:, PATCH * row : PATCH * (row + 1), PATCH * column : PATCH * (column + 1)] = 0.0
        without = scores(engine.model, read_logits(engine, changed[None], NORMAL), NORMAL)[0]
        assert sets.falls[size, number] == pytest.approx(whole - without, abs=1e-5)
    tokens = np.random.default_rng(1).normal(size=(4, 4)).astype(np.float32)
    expected = [np.corrcoef((sets.removed[size] * tokens).sum(axis=(1, 2)), sets.falls[size])[0, 1] for size in (0, 1)]
    assert sets.correlation(tokens) == pytest.approx(np.mean(expected), abs=1e-6)
    assert sets.correlation(np.ones((4, 4), dtype=np.float32)) is None and pearson(np.ones(3), np.arange(3.0)) is None


def test_of_a_network_that_adds_up_the_true_shares_have_a_sensitivity_of_one(engine: Engine) -> None:
    sets = removed_sets(quadrant_engine(engine), bright_input(), NORMAL, ZERO, 0)
    found = sets.correlation(QUADRANT)
    assert found == pytest.approx(1.0, abs=1e-5)


def test_what_is_filled_is_the_mean_of_its_neighbours_solved_for_all_at_once(image: ModelInput) -> None:
    removed = np.zeros((4, 4), dtype=bool)
    removed[0, 0] = removed[1, 1] = removed[1, 2] = removed[3, 3] = True
    found = on_token_grid(filled_from_neighbours(image.values, removed, 0)[0], (PATCH, PATCH))
    known = on_token_grid(image.values[0], (PATCH, PATCH))
    np.testing.assert_allclose(found[~removed], known[~removed])
    values = np.where(removed, 0.0, known)
    for _ in range(500):  # by Jacobi's iteration, where the code solves a sparse system
        old = values.copy()
        for row, column in np.argwhere(removed):
            around = {
                (row + d, column + a): w for (d, a), w in NEIGHBOURS.items() if 0 <= row + d < 4 and 0 <= column + a < 4
            }  # fmt: skip
            values[row, column] = sum(w * old[place] for place, w in around.items()) / sum(around.values())
    np.testing.assert_allclose(found, values, atol=5e-3)  # the noise of 0.01 meaned over 64 pixels
    everything = filled_from_neighbours(image.values, np.ones((4, 4), dtype=bool), 0)
    assert everything.mean() == pytest.approx(image.values.mean(), abs=1e-3) and everything.std() < 0.02


def test_filling_and_dropping_tell_a_map_that_knows_the_cue_from_its_opposite(engine: Engine) -> None:
    knowing, target = cue_engine(engine, "mean"), Target.of_label(engine.model.labels[WITH])
    given, place = cue_inputs(1)[0]
    tokens = np.random.default_rng(0).random(16, dtype=np.float32)
    tokens[place] = 2.0
    for gain in (filling_gain, dropping_gain):
        right, wrong = (gain(knowing, given, target, (sign * tokens).reshape(4, 4), 8, 0) for sign in (1, -1))
        assert right > wrong


def test_dropping_reads_what_is_left_at_its_place(engine: Engine, image: ModelInput) -> None:
    """Two steps over four by four tokens: all, half of them, one."""
    tokens = np.arange(16, dtype=np.float32).reshape(4, 4)
    network = engine.model.network

    def probability(kept: list[int]) -> float:
        with torch.no_grad():
            logits = network(pixel_values=torch.from_numpy(image.values)[None], keep_tokens=torch.tensor([kept])).logits.numpy()
        return float(probabilities(logits, engine.model.calibration)[0, 0])

    every, half = list(range(16)), 8
    deletion = [probability(every), probability(every[:half]), probability([0])]
    insertion = [probability([15]), probability(every[half:]), probability(every)]
    expected = np.trapezoid(np.array(insertion) - np.array(deletion), dx=0.5)
    assert dropping_gain(engine, image, NORMAL, tokens, 2, 0) == pytest.approx(expected, abs=1e-5)


def test_only_networks_whose_answers_without_tokens_were_measured_are_asked_so(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model")
    assert not reads_what_is_left(engine_for(str(folder)).model)
    write_measured(folder, [Measurement("held back", 8, ("normal",), dropped=(Dropped(0.5, 0.9),))])
    assert reads_what_is_left(engine_for(str(folder)).model)
    merging = write_tiny_model(tmp_path / "merging", merges=[1])
    write_measured(merging, [Measurement("held back", 8, ("normal",), dropped=(Dropped(0.5, 0.9),))])
    assert not reads_what_is_left(engine_for(str(merging)).model)


def test_localisation_counts_weight_strongest_place_and_overlap() -> None:
    drawn = np.zeros((8, 8), dtype=bool)
    drawn[:4, :4] = True
    pixels = np.zeros((8, 8), dtype=np.float32)
    pixels[:4, 2:6] = 1.0
    found = localised(pixels, 0.0, drawn)
    assert (found.energy, found.pointing) == (0.5, 0.5)
    assert found.overlap == pytest.approx(8 / 24), "sixteen of either, eight of both"
    sharp = localised(drawn.astype(np.float32) - 1.0, -1.0, drawn)
    assert (sharp.energy, sharp.pointing, sharp.overlap) == (1.0, 1.0, 1.0)
    against = localised(-drawn.astype(np.float32), 0.0, drawn)
    assert (against.energy, against.pointing) == (0.25, 0.25), "what speaks against is no evidence for: as a flat map"
    flat = localised(np.ones((8, 8), dtype=np.float32), 0.0, drawn)
    assert flat.energy == flat.pointing == 0.25 and flat.overlap == pytest.approx(0.25 / 1.75)


def test_a_centred_prior_wins_where_what_was_drawn_lies_in_the_middle() -> None:
    middle, corner = np.zeros((2, 32, 32), dtype=bool)
    middle[12:20, 12:20] = corner[:8, :8] = True
    assert best_centred(middle, (PATCH, PATCH)).energy > 3 * best_centred(corner, (PATCH, PATCH)).energy
    assert resized_to(middle, (16, 16))[6:10, 6:10].all() and resized_to(middle, (16, 16)).sum() == 16
