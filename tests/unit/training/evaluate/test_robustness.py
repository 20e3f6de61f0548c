"""What the robustness table changes in an image, and what it says of a network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.registry import CARD
from tests.unit.training.conftest import RECIPE, draw_images
from training.evaluate import robustness
from training.stages.train import train


@pytest.mark.parametrize("name", [*robustness.OF_SCENES, *robustness.OF_RADIOGRAPHS])
def test_every_change_keeps_shape_and_range_and_changes_something(name: str) -> None:
    change = {**robustness.OF_SCENES, **robustness.OF_RADIOGRAPHS}[name]
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
    changed = change(images)
    assert changed.shape == images.shape
    assert float(changed.min()) >= 0.0 and float(changed.max()) <= 1.0
    assert not torch.allclose(changed, images, atol=1e-3)


def test_a_dark_object_is_taken_off_each_band_of_each_image() -> None:
    images = torch.rand(2, 3, 32, 32) * 0.5 + torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)
    without = robustness.without_dark_object(images)
    assert float(without.amin(dim=(2, 3)).max()) < 0.01


def test_the_card_gets_a_row_for_every_change_and_the_command_that_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, images = tmp_path / "tiny.toml", draw_images(tmp_path)
    recipe.write_text(RECIPE.format(split="patient", steps=12))
    folder = train(recipe, [images], tmp_path / "out")
    monkeypatch.setattr("sys.argv", ["robustness", str(folder), str(recipe), "--data", str(images)])
    robustness.main()
    card = (folder / CARD).read_text()
    rows = [line for line in card.partition("## Robustness")[2].splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == ["images", "as they are", *robustness.OF_RADIOGRAPHS]
    assert rows[1].endswith("| 0.0 % |")
    assert "python -m training.evaluate.robustness" in card and card.index("## Robustness") < card.index("## Limits")
