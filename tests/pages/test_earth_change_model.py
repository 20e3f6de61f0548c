"""The Earth page with a change model in the zoo, and the pages that must not offer it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.types import Domain, Picture
from core.ui.explain.work import models_by_fit
from tests.pages.conftest import run_until
from tests.tiny import write_tiny_model
from tests.tiny_change import write_tiny_change_model


@pytest.fixture(scope="module")
def tiny_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of the zoo by their ids, tiny and ignorant, a change model among them."""
    folder = tmp_path_factory.mktemp("zoo")
    write_tiny_change_model(folder / "change-sentinel2")
    write_tiny_model(folder / "chest-xray")
    write_tiny_model(folder / "land-cover", Domain.LAND_COVER)
    return folder


def test_two_dates_are_compared_by_the_change_model_and_the_other_ways_are_offered(application: AppTest) -> None:
    page = application.switch_page("pages/earth.py").run()
    page.button(key="earth.sample.earth-before+earth-after").click()
    text = run_until(page, lambda said: " ha changed" in said or "No change" in said)
    assert "not calibrated" not in text
    (choice,) = [control for control in page.get("button_group") if "earth.method" in str(control.proto.id)]
    assert [option.content for option in choice.proto.options] == [
        "Trained model",
        "Post-classification",
        "Embedding distance",
        "Spectral index",
        "IR-MAD",
    ]
    page.session_state["earth.tabs"] = "Report"
    assert "was calibrated on cities" in run_until(page, lambda said: "Method: a model trained on pixels that changed." in said)
    page.session_state["earth.tabs"] = "Export"
    assert "change_probability.tif" in run_until(page, lambda said: "change.tif" in said)


def test_a_model_of_two_dates_is_not_offered_for_one_image(home: Path) -> None:
    assert set(models_by_fit(Picture("a.png", "0", np.zeros((8, 8), np.uint8)))) == {"chest-xray", "land-cover"}


def test_a_picture_in_colours_is_asked_of_a_model_of_land_first(home: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    assert next(iter(models_by_fit(Picture("a.png", "0", colours)))) == "land-cover"
    grey = np.repeat(colours[:, :, :1], 3, axis=2)
    assert next(iter(models_by_fit(Picture("b.png", "0", grey)))) == "chest-xray"
