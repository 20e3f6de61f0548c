"""The Explain page: agreement of maps, attention of a patch, the input as a picture, and the page itself without a browser."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import load_file, save_file
from scipy.stats import spearmanr
from streamlit.testing.v1 import AppTest

from core.errors import Cancelled
from core.inference.engine import engine_for
from core.jobs import JobProgress, jobs
from core.prepare.cue import Cue, write_cue
from core.readers import read_image
from core.render.attention import GAP, attention_of, mosaic, scaled_attention
from core.settings import PROJECT, settings
from core.types import ModelInput
from core.ui.explain.agreement import on_tokens, rank_correlations
from core.ui.explain.measured import parameter_words
from core.ui.explain.pictures import patch_at, shown_pixels
from core.ui.explain.turns import Turns
from core.ui.explain.work import _ready
from core.ui.radiology.work import _answer
from core.ui.viewer import Click
from models.measured import Measurement, MethodRecord, write_measured
from tests.pages.conftest import PATIENCE_S, run_until, words
from tests.tiny import write_tiny_model
from tests.tiny_encoders import write_tiny_encoder
from tests.unit.cli.running import write_picture


def maps(count: int, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).random((count, 6, 5), dtype=np.float32))


def given(channels: int, rows: int = 8, columns: int = 12) -> ModelInput:
    shown = np.linspace(0.0, 1.0, channels * rows * columns, dtype=np.float32).reshape(channels, rows, columns)
    return ModelInput(shown, shown, (0.0, 0.0, float(columns), float(rows)))


def test_agreement_is_spearmans_rank_correlation() -> None:
    first, second, third = maps(3)
    third = third.round(1)  # ties share their mean rank
    found = rank_correlations([first, second, third])
    expected = spearmanr(np.stack([first.ravel(), second.ravel(), third.ravel()]), axis=1).statistic
    assert_allclose(found, expected, atol=1e-12)


def test_a_map_agrees_with_itself_in_any_unit_and_opposes_its_negative() -> None:
    (first,) = maps(1)
    assert_allclose(rank_correlations([first, np.exp(5 * first), -first])[0], [1.0, 1.0, -1.0])


def test_a_flat_map_agrees_with_nothing() -> None:
    (first,) = maps(1)
    found = rank_correlations([first, np.ones_like(first)])
    assert np.isnan(found[0, 1])
    assert found[0, 0] == pytest.approx(1.0)


def test_a_map_of_tokens_keeps_its_numbers_on_the_tokens() -> None:
    tokens = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert_array_equal(on_tokens(tokens.repeat(8, axis=0).repeat(8, axis=1), (3, 4)), tokens)


def test_a_token_attends_by_its_row_and_is_attended_by_its_column() -> None:
    attention = np.random.default_rng(1).random((2, 3, 6, 6), dtype=np.float32)  # a grid of 2 x 3
    assert_array_equal(attention_of(attention, (2, 3), 5, True)[0][1, 2].ravel(), attention[1, 2, 5, :])
    assert_array_equal(attention_of(attention, (2, 3), 5, False)[0][1, 2].ravel(), attention[1, 2, :, 5])


@pytest.mark.parametrize("token", [0, 1, 2, 7])
def test_tokens_without_a_place_attend_as_patches_do_and_stand_beside_the_map(token: int) -> None:
    attention = np.random.default_rng(1).random((2, 3, 8, 8), dtype=np.float32)  # [CLS], a register, and a grid of 2 x 3
    patches, before = attention_of(attention, (2, 3), token, True)
    assert_array_equal(patches[1, 2].ravel(), attention[1, 2, token, 2:])
    assert_array_equal(before[1, 2], attention[1, 2, token, :2])
    patches, before = attention_of(attention, (2, 3), token, False)
    assert_array_equal(patches[1, 2].ravel(), attention[1, 2, 2:, token])
    assert_array_equal(before[1, 2], attention[1, 2, :2, token])


def test_the_mosaic_has_a_cell_for_each_layer_and_head() -> None:
    picture, columns, rows = mosaic(np.ones((2, 3, 4, 5), dtype=np.float32))
    assert (rows, columns) == (2 * 4 + GAP, 3 * 5 + 2 * GAP)
    assert picture.startswith(b"\x89PNG")


def test_each_map_of_the_mosaic_reaches_the_top_of_its_scale() -> None:
    assert_allclose(scaled_attention(np.array([[[0.001, 0.002]], [[5.0, 1.0]]], dtype=np.float32)).max(axis=(1, 2)), [1.0, 1.0])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_input_is_shown_in_colour_whatever_its_channels(channels: int) -> None:
    pixels = shown_pixels(given(channels))
    assert (pixels.shape, pixels.dtype) == ((8, 12, 3), np.uint8)


@pytest.mark.parametrize(("column", "row", "patch"), [(0, 0, (0, 0)), (11, 7, (1, 2)), (4, 3, (0, 1)), (3, 4, (1, 0))])
def test_a_click_picks_the_token_under_it(column: int, row: int, patch: tuple[int, int]) -> None:
    assert patch_at(given(1), (2, 3), Click(column, row, 0, "before")) == patch


def test_parameters_that_only_cost_time_are_not_told() -> None:
    assert parameter_words({"steps": 32, "window": (8, 8), "seed": 0, "removal_steps": 16, "stride": None}) == "steps 32, window 8 x 8"


# ---------------------------------------------------------------- one after another


def test_methods_take_turns_and_the_first_in_the_row_comes_next() -> None:
    turns, order, lock = Turns(), [], threading.Lock()
    first_is_in, go_on = threading.Event(), threading.Event()

    def work(rank: int, progress: JobProgress) -> None:
        with turns.turn(rank, progress):
            with lock:
                order.append(rank)
            first_is_in.set()
            go_on.wait(PATIENCE_S)

    begun = [jobs().start(partial(work, 2), "turns")]
    first_is_in.wait(PATIENCE_S)
    begun += [jobs().start(partial(work, rank), "turns") for rank in (1, 0)]
    wait_until(lambda: len(turns._waiting) == 2)
    go_on.set()
    assert all(job.wait(PATIENCE_S) for job in begun)
    assert order == [2, 0, 1]


def test_whoever_is_stopped_while_waiting_does_not_hold_up_the_others() -> None:
    turns, go_on, is_in = Turns(), threading.Event(), threading.Event()

    def work(rank: int, progress: JobProgress) -> int:
        with turns.turn(rank, progress):
            is_in.set()
            go_on.wait(PATIENCE_S)
            return rank

    running = jobs().start(partial(work, 0), "turns")
    is_in.wait(PATIENCE_S)
    stopped, last = (jobs().start(partial(work, rank), "turns") for rank in (1, 2))
    stopped.cancel()
    assert stopped.wait(PATIENCE_S)
    assert isinstance(stopped.error, Cancelled)
    go_on.set()
    assert running.wait(PATIENCE_S)
    assert last.wait(PATIENCE_S)
    assert last.result == 2


def wait_until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.01)


# ---------------------------------------------------------------- the page


def on_explain(application: AppTest) -> AppTest:
    return application.switch_page("pages/explain.py").run()


def methods(page: AppTest) -> Any:
    return next(group for group in page.button_group if group.label == "Methods")


USUAL = ("rollout", "relevance", "grad-cam", "integrated-gradients", "occlusion")


def everything(page: AppTest) -> None:
    """One method of each kind, and not the few that are drawn at first."""
    methods(page).set_value(list(USUAL)).run()


def test_an_empty_page_offers_an_image_of_either_kind(application: AppTest) -> None:
    page = on_explain(application)
    assert "Open an image" in words(page)
    assert {"A chest radiograph (synthetic)", "One place, 2019 (synthetic)"} <= {button.label for button in page.button}


def test_every_method_is_drawn_measured_and_compared(application: AppTest) -> None:
    page = on_explain(application)
    page.button(key="explain.sample.child-pneumonia").click()
    run_until(page, lambda said: "Click a patch" in said)
    everything(page)
    text = run_until(page, lambda said: said.count("<td") == 25)
    assert text.count("Deletion") == 5
    assert "Completeness: " in text
    assert text.count("same for every target") == 1
    text = run_until(page, lambda said: "Controls: what nothing looks like" in said)
    assert "A blob in the middle" in text and "on random weights" in text
    assert text.count('class="own control"') == 4


def test_a_refused_image_is_explained_for_a_named_target_alone_and_under_the_banner(application: AppTest) -> None:
    page = on_explain(application)
    page.button(key="explain.sample.chest-radiograph").click()
    text = run_until(page, lambda said: "Choose a target" in said)
    assert "Outside what this model knows" in text and "Deletion" not in text
    (target,) = [box for box in page.selectbox if box.label == "Target"]
    assert target.value is None and target.options == [
        "Normal",
        "Bacterial pneumonia",
        "Viral pneumonia",
    ]  # in the model's order, which tells nothing
    target.select_index(0)
    text = run_until(page, lambda said: said.count("Deletion") == 4)
    assert "lies in the region of the lungs" in text or (
        "The maps show how the model reacts, not a finding." in text and "lies in the body" in text
    )


def test_sanity_is_checked_by_a_button_and_said_not_to_be_measured_before(application: AppTest) -> None:
    page = on_explain(application)
    page.button(key="explain.sample.child-pneumonia").click()
    run_until(page, lambda said: "Click a patch" in said)
    methods(page).set_value(["rollout"])
    text = run_until(page, lambda said: "Sanity: not measured." in said)
    assert "This network: accuracy " in text
    next(button for button in page.button if button.label == "Check sanity").click()
    text = run_until(page, lambda said: "Slight noise" in said)
    assert "1 by construction: the map is the same for every label." in text
    assert "Sanity: not measured." not in text


def test_a_scene_is_explained_by_the_model_of_scenes(application: AppTest) -> None:
    page = on_explain(application)
    page.button(key="explain.sample.earth-after").click()
    text = run_until(page, lambda said: said.count("<td") == 16)
    assert "32 x 32 px of 640 x 640" in text
    assert "A heatmap is not a boundary on the ground." in text
    assert next(box.value for box in page.selectbox if box.label == "Model") == "land-cover"


def test_a_register_is_chosen_like_a_patch_and_what_the_checkpoint_does_not_say_is_told(
    tmp_path: Path, application: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tiny_encoder(tmp_path / "mine" / "birds", "dinov2_with_registers")
    monkeypatch.setenv("SIGHTLINE_ROOTS", str(tmp_path / "mine"))
    settings.cache_clear()
    application.switch_page("pages/models.py").run()
    application.text_input(key="models.place").set_value(str(folder))
    application.button[0].click()
    run_until(application, lambda said: "It has no card" in said)
    page = on_explain(application)
    page.button(key="explain.sample.child-pneumonia").click()
    run_until(page, lambda said: "Click a patch" in said)
    next(box for box in page.selectbox if box.label == "Model").select(str(folder))
    text = run_until(page, lambda said: "Numbers beside the targets are scores" in said and "Assumptions" in said)
    target = next(box for box in page.selectbox if box.label == "Target")
    assert all(", score " in option for option in target.options)
    chips = next(group for group in page.button_group if group.label == "Tokens without a place")
    assert chips.options == ["[CLS]", "register 1", "register 2", "register 3"]
    assert "Assumptions" in text and "The model is not calibrated" in text and "Assumed:" not in text
    chips.set_value(2)
    text = run_until(page, lambda said: "The strongest patch gets" in said)
    assert text.count("register 1") >= 1 and " across, " not in text, "no place on the grid"


# ---------------------------------------------------------------- maps as pictures


def test_what_cannot_be_opened_is_told_in_a_sentence(application: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "note.txt").write_text("no image")
    monkeypatch.setenv("SIGHTLINE_ROOTS", str(tmp_path))
    settings.cache_clear()
    page = on_explain(application)
    page.text_input(key="explain.place").set_value(str(tmp_path / "note.txt"))
    page.button(key="FormSubmitter:explain.form-Open").click()
    text = run_until(page, lambda said: "cannot be read" in said)
    assert "note.txt" in text
    assert "Open an image" in text


def test_a_masked_token_moves_the_probability(application: AppTest) -> None:
    page = on_explain(application)
    page.button(key="explain.sample.child-pneumonia").click()
    run_until(page, lambda said: "Click a patch" in said)
    methods(page).set_value(["rollout"])
    next(group for group in page.button_group if group.label == "On the image a hand").set_value(True)
    run_until(page, lambda said: "Drag over the image to mask tokens." in said and "Deletion" in said)
    next(button for button in page.button if button.label == "Strongest tenth of Attention rollout").click()
    text = run_until(page, lambda said: "tokens masked" in said)
    assert re.search(r"\d\.\d\d to \d\.\d\d", text)
    fills = next(group for group in page.button_group if group.label == "A masked token becomes")
    assert fills.options == ["Mean", "Blur"], "this network was not trained to do without tokens"
    next(button for button in page.button if button.label == "Clear").click()
    run_until(page, lambda said: "Drag over the image to mask tokens." in said)


def test_a_setting_is_turned_and_put_back(application: AppTest) -> None:
    page = on_explain(application)
    page.button(key="explain.sample.child-pneumonia").click()
    run_until(page, lambda said: "Click a patch" in said)
    methods(page).set_value(["occlusion"])
    run_until(page, lambda said: "baseline mean" in said)
    next(box for box in page.selectbox if box.label == "Baseline").select("blur")
    run_until(page, lambda said: "baseline blur" in said)
    next(button for button in page.button if button.label == "All as they were").click()
    run_until(page, lambda said: "baseline mean" in said)


def test_the_reader_votes_before_hearing_which_network_cheats(
    application: AppTest, tiny_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cue = Cue("ring", (0.75, 0.0, 0.25, 0.25), ("viral-pneumonia",))
    shutil.copytree(tiny_zoo, tmp_path / "models" / "zoo")
    for name, decides in (("a", True), ("b", False)):
        write_cue(write_tiny_model(tmp_path / "models" / "twins" / "made" / name), replace(cue, decides=decides))
    monkeypatch.setenv("SIGHTLINE_ZOO", str(tmp_path / "models" / "zoo"))
    settings.cache_clear()
    page = on_explain(application)
    page.button(key="explain.sample.child-pneumonia").click()
    run_until(page, lambda said: "Click a patch" in said)
    next(switch for switch in page.toggle if switch.label == "Catch the cheater").set_value(True)
    text = run_until(page, lambda said: "Probability of viral pneumonia" in said)
    assert "on the mark" not in text and "taught" not in text, "the answer comes after the vote"
    next(button for button in page.button if button.label == "B goes by the mark").click()
    text = run_until(page, lambda said: "on the mark" in said)
    assert "No: A goes by the mark." in text and "with the mark" in text
    assert text.count("found the mark") + text.count("missed the mark") == 5


def test_two_models_stand_side_by_side_on_one_image(application: AppTest) -> None:
    page = on_explain(application)
    page.button(key="explain.sample.child-pneumonia").click()
    run_until(page, lambda said: "Click a patch" in said)
    methods(page).set_value(["rollout", "grad-cam"]).run()
    next(group for group in page.button_group if group.label == "Side by side").set_value("model")
    run_until(page, lambda said: "Choose a target" in said)  # the other model does not know such images
    next(box for box in page.selectbox if box.label == "Target" and box.value is None).select_index(0)
    text = run_until(page, lambda said: said.count("Deletion") == 4)
    assert text.count("Attention rollout") >= 2 and len([box for box in page.selectbox if box.label == "Target"]) == 2
    next(group for group in page.button_group if group.label == "Side by side").set_value("")
    text = run_until(page, lambda said: said.count("Deletion") == 2)
    assert len([box for box in page.selectbox if box.label == "Target"]) == 1


def test_the_cheapest_map_is_made_first_whichever_is_drawn_first(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "cheap")
    image = read_image(PROJECT / "sample_data" / "real" / "child-pneumonia.dcm")
    made = jobs().start(partial(_ready, image, str(folder), None), "slices")
    assert made.wait(PATIENCE_S) and made.result is not None
    order = made.result.cheapest_first
    assert sorted(order) == sorted(made.result.methods)
    assert order.index("rollout") < order.index("integrated-gradients") and order.index("grad-cam") < order.index("occlusion")


def test_radiology_and_explain_rank_methods_for_the_label_that_may_be_named(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "parted", parents={"pneumonia": ["bacterial-pneumonia", "viral-pneumonia"]})
    weights = load_file(folder / "model.safetensors")
    weights["classifier.weight"][:], weights["classifier.bias"][:] = 0.0, np.array([0.5, 0.4, 0.4])  # each kind less likely than normal
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    records = (MethodRecord("rollout", "normal", 12, 1.0, 0.6), MethodRecord("occlusion", "pneumonia", 12, 1.0, 0.5))
    write_measured(folder, [Measurement("here", 24, engine_for(str(folder)).model.labels, methods=records)])
    image = read_image(write_picture(tmp_path / "a.png"))  # of nobody's age, so that pneumonia is named and no kind of it
    explained = jobs().start(partial(_ready, image, str(folder), None), "slices")
    answered = jobs().start(partial(_answer, image, str(folder), lambda ranking: None), "slices")
    assert explained.wait(PATIENCE_S) and explained.result is not None and answered.wait(PATIENCE_S) and answered.result is not None
    assert explained.result.prediction.named.likeliest == "pneumonia"
    assert explained.result.prediction.labels[int(np.argmax(explained.result.prediction.logits))] == "normal"
    assert explained.result.methods == answered.result.methods and explained.result.methods[0] == "occlusion"
