"""The Models page: what a model is and lacks, what its operating points mean, and a model of one's own."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from transformers import BertConfig, BertForSequenceClassification

from core.settings import settings
from core.ui.models.page import false_alarms, positive_predictive_value, without_pictures
from models.measured import Answered, Bin, Dropped, Measurement, OperatingPoint, write_measured
from models.registry import CALIBRATION, CARD, OUTSIDE
from tests.pages.conftest import run_until, words
from tests.tiny import write_tiny_model
from tests.tiny_encoders import write_tiny_encoder

POINT = OperatingPoint("pneumonia", 0.95, 0.31, 0.95, 0.8)


@pytest.fixture
def measured_zoo(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo of one model that was measured."""
    folder = write_tiny_model(tmp_path / "zoo" / "chest-xray")
    labels = ("normal", "bacterial-pneumonia", "viral-pneumonia")
    write_measured(
        folder,
        [
            Measurement(
                "hospital/train", 30, labels, ((9, 1, 0), (0, 8, 2), (1, 2, 7)), (Bin(0.6, 0.5, 10), Bin(0.9, 0.95, 20)),
                (Answered(0.5, 0.95), Answered(1.0, 0.8)), (Dropped(0.0, 0.8), Dropped(0.5, 0.7)), (POINT,),
            ),
            Measurement("other/adults", 12, labels, operating_points=(POINT,)),
        ],
    )  # fmt: skip
    monkeypatch.setenv("SIGHTLINE_ZOO", str(tmp_path / "zoo"))
    settings.cache_clear()
    return tmp_path / "zoo"


def on_models(application: AppTest) -> AppTest:
    return application.switch_page("pages/models.py").run()


def test_each_model_of_the_zoo_has_its_card(application: AppTest) -> None:
    page = on_models(application)
    assert not page.exception
    assert "What this model lacks" in words(page)  # nothing was measured of the tiny ones
    page.session_state["models.chosen"] = "land-cover"
    assert "Annual crop" in words(page.run())


def test_curves_and_operating_points_are_drawn_where_they_were_measured(measured_zoo: Path, application: AppTest) -> None:
    page = on_models(application)
    text = words(page)
    assert "What this model lacks" not in text
    for title in ("Calibration", "Confusion matrix", "Robustness to token dropping", "Operating points"):
        assert title in text
    (table,) = page.dataframe
    assert list(table.value["Images"]) == ["hospital/train", "other/adults"]
    assert set(table.value["Positive predictive value"]) == {"35 %"}  # 0.95 x 0.1 of 0.95 x 0.1 + 0.2 x 0.9
    page.slider(key="models.prevalence.chest-xray").set_value(50).run()
    assert set(page.dataframe[0].value["Positive predictive value"]) == {"83 %"}


def test_what_a_finding_means_follows_from_how_common_it_is() -> None:
    assert positive_predictive_value(POINT, 0.1) == pytest.approx(0.095 / 0.275)
    assert false_alarms(POINT, 0.1) == pytest.approx(18.0)
    assert math.isnan(positive_predictive_value(OperatingPoint("a", None, 1.0, 0.0, 1.0), 0.5))


def test_a_card_from_elsewhere_makes_the_browser_fetch_nothing() -> None:
    assert without_pictures("a ![plot](https://example.org/a.png) b") == "a [plot](https://example.org/a.png) b"


def test_a_model_of_ones_own_is_opened_says_what_it_lacks_and_is_offered_elsewhere(
    tmp_path: Path, application: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tiny_model(tmp_path / "mine" / "bare")
    for name in (CALIBRATION, OUTSIDE, CARD):
        (folder / name).unlink(missing_ok=True)
    monkeypatch.setenv("SIGHTLINE_ROOTS", str(tmp_path / "mine"))
    settings.cache_clear()
    page = on_models(application)
    page.text_input(key="models.place").set_value(str(folder))
    page.button[0].click()
    text = run_until(page, lambda said: "It has no card" in said)
    for sentence in ("It is not calibrated", "It has no OOD detector", "It has no card"):
        assert sentence in text
    page.switch_page("pages/explain.py").run()
    page.button(key="explain.sample.child-pneumonia").click()
    run_until(page, lambda said: "Deletion" in said)
    (models,) = [box for box in page.selectbox if box.label == "Model"]
    assert "bare" in models.options


def test_a_checkpoint_of_another_family_is_opened_says_what_it_lacks_and_answers_elsewhere(
    tmp_path: Path, application: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tiny_encoder(tmp_path / "mine" / "birds", "swin")
    monkeypatch.setenv("SIGHTLINE_ROOTS", str(tmp_path / "mine"))
    settings.cache_clear()
    page = on_models(application)
    assert "ViT, DeiT, BEiT, Swin, DINOv2" in words(page)
    page.text_input(key="models.place").set_value(str(folder))
    page.button[0].click()
    text = run_until(page, lambda said: "It has no card" in said)
    for sentence in ("It does not say what images it was made for", "It is not calibrated", "It has no OOD detector", "Crane"):
        assert sentence in text
    assert "Attention rollout" not in text and "Integrated Gradients" in text
    page.switch_page("pages/radiology.py").run()
    page.button(key="radiology.sample.child-pneumonia").click()
    run_until(page, lambda said: "90 % prediction set" in said)
    next(box for box in page.selectbox if box.label == "Model").select(str(folder))
    assert "These are scores: the model is not calibrated" in run_until(page, lambda said: "These are scores" in said)


def test_a_folder_that_may_not_be_read_is_refused(tmp_path: Path, application: AppTest) -> None:
    folder = write_tiny_model(tmp_path / "mine" / "bare")
    page = on_models(application)
    page.text_input(key="models.place").set_value(str(folder))
    page.button[0].click()
    assert "outside the folders that may be read" in words(page.run())


def test_a_damaged_model_is_refused_in_words(tmp_path: Path, application: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tiny_model(tmp_path / "mine" / "damaged")
    (folder / "model.safetensors").write_bytes(b"nothing")
    monkeypatch.setenv("SIGHTLINE_ROOTS", str(tmp_path / "mine"))
    settings.cache_clear()
    page = on_models(application)
    page.text_input(key="models.place").set_value(str(folder))
    page.button[0].click()
    assert "cannot be opened" in run_until(page, lambda said: "damaged or incomplete" in said)


def test_a_sound_model_of_another_kind_is_not_called_damaged(tmp_path: Path, application: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine" / "words"
    config = BertConfig(vocab_size=4, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    BertForSequenceClassification(config).save_pretrained(folder)
    monkeypatch.setenv("SIGHTLINE_ROOTS", str(tmp_path / "mine"))
    settings.cache_clear()
    page = on_models(application)
    page.text_input(key="models.place").set_value(str(folder))
    page.button[0].click()
    text = run_until(page, lambda said: "This model is not supported" in said)
    assert "DINOv2 with registers, DINOv3" in text and "damaged" not in text
