"""The OOD detector of a classifier is fitted to outliers too, can be fitted again, and the card says what it goes by."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from core.errors import NotFound
from models.registry import load_model
from tests.unit.training.conftest import RECIPE, draw_images
from training.calibrate import ood_detector as detector
from training.data import foreign
from training.evaluate import faithfulness as trust
from training.stages.train import train

DETECTOR = """
[ood_detector]
outliers = ["inverted", "flat"]
others = ["elsewhere"]
count = 12
"""


@dataclass(frozen=True)
class Taught:
    """A model folder whose OOD detector learnt from outliers, and what it was trained by."""

    folder: Path
    recipe: Path
    images: Path


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    home = tmp_path_factory.mktemp("taught")
    recipe, images = home / "tiny.toml", draw_images(home)
    recipe.write_text(RECIPE.format(split="patient", steps=12) + DETECTOR)
    (home / "elsewhere").mkdir()
    for number in range(20):
        stripes = np.tile(np.array([0, 255], dtype=np.uint8), (16, 8))
        Pillow.fromarray(np.roll(stripes, number, axis=1)).save(home / "elsewhere" / f"{number}.png")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(foreign, "MOST_MEASURED", 8)
        return Taught(train(recipe, [images], home / "out"), recipe, images)


def test_a_detector_that_learnt_from_outliers_refuses_more_of_them(
    taught: Taught, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(foreign, "MOST_MEASURED", 8)
    monkeypatch.setattr(trust, "EXPLAINED_IMAGES", 1)
    words = ["trust", str(taught.folder), str(taught.recipe), "--data", str(taught.images)]
    monkeypatch.setattr(sys, "argv", [*words, "--foreign", str(taught.images.parent / "elsewhere")])
    trust.main()
    card = capsys.readouterr().out
    assert "learnt from outliers (among them other pictures of elsewhere than those below), whichever is larger" in card
    row = next(line for line in card.splitlines() if "/elsewhere |" in line)
    assert row.endswith("| 8 | 1.000 | 100.0 % |")


def test_a_detector_can_be_fitted_again_without_training(taught: Taught, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "MOST_MEASURED", 8)
    before = load_model(str(taught.folder))
    (taught.folder / "outside.safetensors").unlink()
    monkeypatch.setattr(sys, "argv", ["ood_detector", str(taught.folder), str(taught.recipe), "--data", str(taught.images)])
    detector.main()
    after = load_model(str(taught.folder))
    assert before.ood_detector is not None and after.ood_detector is not None and after.ood_detector.svm is not None
    assert after.weights_hash == before.weights_hash
    assert after.ood_detector.threshold == pytest.approx(before.ood_detector.threshold)


def test_a_folder_that_a_detector_needs_is_asked_for_before_the_training(tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE.format(split="patient", steps=12) + DETECTOR)
    with pytest.raises(NotFound, match="No folder elsewhere lies beside"):
        train(recipe, [draw_images(tmp_path)], tmp_path / "out")
    assert not (tmp_path / "out").exists()
