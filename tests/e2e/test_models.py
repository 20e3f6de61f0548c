"""A look at the models, in a browser: what each knows, how good it is, and a model of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Page, expect

from core.settings import settings
from tests.e2e.conftest import Shoot
from tests.tiny_encoders import write_tiny_encoder


def test_what_each_model_knows_is_told_in_figures_and_curves(page: Page, shoot: Shoot) -> None:
    page.goto("/models")
    page.get_by_role("radio", name="Pneumonia").click()
    expect(page.get_by_role("heading", name="Pneumonia on chest radiographs").first).to_be_visible()
    expect(page.get_by_text("What it does not know")).to_be_visible()
    for title in ("Calibration", "Confusion matrix", "Operating points", "Faithfulness", "Out-of-distribution detector"):
        expect(page.get_by_role("heading", name=title, exact=True).first).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(4)
    shoot("models")
    page.get_by_role("radio", name="Land cover").click()
    expect(page.get_by_role("heading", name="Land cover from Sentinel-2 in natural colour").first).to_be_visible()
    expect(page.get_by_role("heading", name="Faithfulness", exact=True).first).to_be_visible()
    shoot("models-land-cover")
    page.get_by_role("radio", name="Change between two dates").click()
    expect(page.get_by_role("heading", name="Change between two dates of Sentinel-2").first).to_be_visible()
    expect(page.get_by_text("What this model lacks")).to_have_count(0)
    expect(page.get_by_text("pixels that changed").first).to_be_visible()
    shoot("models-change")


def test_a_model_of_ones_own_says_what_it_lacks(page: Page, place: Path, shoot: Shoot) -> None:
    folder = place / "my-model"
    shutil.copytree(
        settings().zoo / "chest-xray", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("calibration*", "README*", "measured*")
    )
    page.goto("/models")
    page.get_by_label("A model folder on this machine, or a hub id").fill(str(folder))
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_text("It is not calibrated")).to_be_visible()
    expect(page.get_by_role("heading", name="my-model")).to_be_visible()
    shoot("models-own")


def test_a_vision_transformer_of_ones_own_is_opened_and_says_what_it_lacks(page: Page, place: Path, shoot: Shoot) -> None:
    folder = write_tiny_encoder(place / "my-vit")
    page.goto("/models")
    page.get_by_label("A model folder on this machine, or a hub id").fill(str(folder))
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_text("It has no card")).to_be_visible()
    expect(page.get_by_text("It does not say what images it was made for")).to_be_visible()
    shoot("models-vit")
