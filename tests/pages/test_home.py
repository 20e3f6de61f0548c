"""The Home page: what this is, three ways in, and what the models here know."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs import jobs
from core.settings import PROJECT, settings
from core.ui.models.cards import figure_words, figures
from core.ui.radiology.page_state import PAGE
from core.ui.shell import sign_in, warm_up
from core.ui.shell.admission import admission
from core.ui.state.session import Session
from core.ui.widgets.words import INTENDED_USE
from tests.pages.conftest import run_until, words

FIRST_VISIT = """
import sys
import streamlit as st
from streamlit.testing.v1 import AppTest
from core.ui.shell import warm_up as libraries

asked = []
libraries.load = lambda: asked.append("loading")
page = AppTest.from_file("app.py", default_timeout=60).run()
print(len(page.button), any("Accuracy" in each.value for each in page.get("html")), *asked)
print(*({"torch", "transformers"} & set(sys.modules)))
"""
"""A server's first visitor, in a process of its own: what is shown, and whether the libraries of the models were asked for."""


def test_home_says_what_each_model_answers_and_what_it_does_not_know(application: AppTest) -> None:
    said = words(application)
    assert "Tiny radiograph model" in said
    for label in ("Normal", "Bacterial pneumonia", "Viral pneumonia", "Annual crop", "Sea or lake"):
        assert f"<li>{label}</li>" in said
    assert "<dt>Accuracy</dt><dd>0.500</dd>" in said
    assert "<dt>Licence</dt><dd>Apache-2.0</dd>" in said
    assert "It knows nothing." in said
    assert "Integrated Gradients" in said


def test_home_is_whole_without_the_libraries_of_the_models() -> None:
    begins = subprocess.run([sys.executable, "-c", FIRST_VISIT], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert begins.stdout.splitlines() == ["3 True", ""]


def test_the_libraries_are_loaded_once_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(warm_up, "LOADED", Event())
    monkeypatch.setattr(warm_up, "load", lambda: loaded.append("once"))
    warm_up.begin()
    assert warm_up.LOADED.wait(30)
    warm_up.ready()
    assert loaded == ["once"] and warm_up.is_ready()


def test_every_page_shows_the_intended_use_and_the_device(application: AppTest) -> None:
    rail = [text.value for text in application.sidebar.text]
    assert INTENDED_USE in rail
    assert any("torch" in line for line in rail)


def test_a_tile_asks_its_page_for_its_sample(application: AppTest) -> None:
    assert [button.label for button in application.button] == ["A chest radiograph", "A CT series", "One place, two dates"]
    application.button(key="open-1").click().run()
    assert not application.exception
    session = jobs().held(application.query_params["session"], sign_in.owner())
    assert isinstance(session, Session)
    assert PAGE.arrival(session).title == "Opening A short chest CT"


def test_a_tile_says_that_its_sample_is_real_and_whose_it_is(application: AppTest) -> None:
    said = words(application)
    for origin in ("Real: Kermany et al. 2018, Mendeley Data; CC BY 4.0.", "Real: RIDER Pilot, The Cancer Imaging Archive; CC BY."):
        assert origin in said
    assert said.count("Real: Contains modified Copernicus Sentinel data 2024; free and open.") == 1


def test_the_first_click_on_two_dates_finds_the_hectares_that_burned(application: AppTest) -> None:
    application.button(key="open-2").click().run()
    text = run_until(application, lambda said: " ha changed" in said)
    assert "361.8 ha changed" in text and "NBR = (near infrared - short-wave infrared 2)" in text
    assert "2024, before to 2024, after" in text
    assert "Which band is which?" not in text and "How do its values become reflectance?" not in text


def test_an_empty_zoo_is_told_in_a_sentence(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_ZOO", str(tmp_path / "nothing"))
    settings.cache_clear()
    page = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    assert not page.exception
    assert "There are none yet." in words(page)


def test_a_broken_model_folder_is_told_and_leaves_the_page_standing(
    home: Path, tiny_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_zoo, tmp_path / "zoo")
    (tmp_path / "zoo" / "chest-xray" / "preprocess.json").unlink()
    monkeypatch.setenv("SIGHTLINE_ZOO", str(tmp_path / "zoo"))
    settings.cache_clear()
    page = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    assert not page.exception
    assert "damaged or incomplete" in words(page)
    assert "preprocess.json" in words(page)


def test_a_password_keeps_the_pages_closed_until_it_is_given(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_PASSWORD", "open sesame")
    monkeypatch.setattr("core.ui.shell.admission.FIRST_DELAY_S", 0.0)
    settings.cache_clear()
    page = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    assert "Models on this machine" not in words(page)
    page.text_input[0].set_value("open window")
    page.button[0].click().run()
    assert [error.value for error in page.error] == ["That is not the password."]
    tickets: list[str] = []
    monkeypatch.setattr(sign_in, "_enter", lambda key, data: tickets.append(data["ticket"]))
    page.text_input[0].set_value("open sesame")
    page.button[0].click().run()
    assert not page.error
    name = admission().enter(tickets[0])  # as the script of the page does, which a test of pages does not run
    monkeypatch.setattr(sign_in, "browser", lambda: name)
    assert "Models on this machine" in words(page.run())


@pytest.mark.parametrize("page", sorted(file.name for file in (PROJECT / "pages").glob("*.py")))
def test_no_page_is_served_past_the_sign_in(page: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit serves pages/ by address before app.py has run once: a page drawn on its own shows nothing to whoever is not let in."""
    monkeypatch.setenv("SIGHTLINE_PASSWORD", "open sesame")
    settings.cache_clear()
    alone = AppTest.from_file(str(PROJECT / "pages" / page), default_timeout=60).run()
    assert not alone.exception
    assert words(alone) == ""
    assert [*alone.button, *alone.text_input, *alone.get("file_uploader")] == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.934, "0.934"),
        ([0.934, 0.91, 0.951], "0.934 (0.910 to 0.951)"),
        ({"value": 0.5, "low": 0.25, "high": 0.75}, "0.500 (0.250 to 0.750)"),
        (624, "624"),
        (True, ""),
        ("best", ""),
        ({"by": [1]}, ""),
    ],
)
def test_a_figure_is_written_with_its_interval(value: object, said: str) -> None:
    assert figure_words(value) == said


def test_what_a_card_keeps_for_programs_alone_is_not_shown() -> None:
    metrics = {"balanced_accuracy": [0.9, None, None], "pneumonia_auroc": [0.97, 0.96, 0.98], "ece_by_chance": 0.02, "confusion": [[1, 2]]}
    assert figures(metrics) == [("Balanced accuracy", "0.900"), ("AUROC, pneumonia", "0.970 (0.960 to 0.980)")]
