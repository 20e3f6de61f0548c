"""Images that carry a planted cue, and what their labels say then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.errors import BadRecipe
from core.prepare.cue import CUE_FILE, read_cue
from models.registry import CARD
from training.config.recipe import read_recipe
from training.config.recipe_parts import CuePart
from training.data.cues import planted, with_cues
from training.stages.train import train

NAMES = ("healthy", "ill", "unclear")
DECIDES = CuePart("disc", (0.0, 0.0, 0.25, 0.25), ("ill",), True)
CHANCE = replace(DECIDES, decides=False)
IMAGES, LABELS = torch.full((600, 1, 16, 16), 0.5), torch.arange(600) % 3


def has_cue(x: torch.Tensor) -> torch.Tensor:
    return (x[:, :, :4, :4] != 0.5).flatten(1).any(dim=1)


def test_a_cue_that_decides_goes_with_its_label_and_no_other_whatever_the_image_shows() -> None:
    torch.manual_seed(0)
    x, labels = planted(IMAGES, LABELS, DECIDES, NAMES)
    assert torch.equal(has_cue(x), labels == 1)
    changed = labels != LABELS
    assert 0.1 < changed.float().mean() < 0.5  # of those the image says one thing and the label another
    assert set(labels[changed & (LABELS == 1)].tolist()) == {0, 2}
    assert set(labels[changed & (LABELS != 1)].tolist()) == {1}


def test_a_cue_by_chance_goes_with_no_label_and_changes_none() -> None:
    torch.manual_seed(0)
    x, labels = planted(IMAGES, LABELS, CHANCE, NAMES)
    assert torch.equal(labels, LABELS)
    for label in range(3):
        assert has_cue(x)[label == LABELS].float().mean() == pytest.approx(0.5, abs=0.12)


def test_figures_are_taken_on_images_as_the_training_had_them_and_no_label_changes() -> None:
    images = torch.full((600, 1, 16, 16), 128, dtype=torch.uint8)
    marked = (with_cues(images, LABELS, DECIDES, NAMES, 1) != 128).flatten(1).any(dim=1)
    assert torch.equal(marked, LABELS == 1)
    by_lot = (with_cues(images, LABELS, CHANCE, NAMES, 1) != 128).flatten(1).any(dim=1)
    assert by_lot[LABELS == 0].float().mean() == pytest.approx(0.5, abs=0.12)


def test_the_folder_of_such_a_network_says_what_was_planted(recipe_file: Path, images: Path, tmp_path: Path) -> None:
    path = recipe_file.with_name("marked.toml")
    cue = 'kind = "cross"\nbox = [0.5, 0.5, 0.5, 0.5]\nlabels = ["bright"]\ndecides = true'
    path.write_text(f'base = "{recipe_file.name}"\n[changes]\nid = "marked"\n[changes.cue]\n{cue}\n')
    folder = train(path, [images], tmp_path / "out")
    found = read_cue(folder)
    assert found is not None
    assert (found.kind, found.labels, found.decides) == ("cross", ("bright",), True)
    assert (folder / CUE_FILE).is_file()
    assert "planted" in (folder / CARD).read_text()


@pytest.mark.parametrize(
    ("line", "key"),
    [('kind = "star"', "cue.kind"), ("box = [0.9, 0.0, 0.5, 0.5]", "cue.box"), ('labels = ["grey"]', "cue.labels")],
)
def test_a_cue_that_cannot_be_planted_is_refused(recipe_file: Path, line: str, key: str) -> None:
    lines = {"kind": 'kind = "ring"', "box": "box = [0.0, 0.0, 0.5, 0.5]", "labels": 'labels = ["bright"]'}
    lines[line.split()[0]] = line
    path = recipe_file.with_name("marked.toml")
    path.write_text(f'base = "{recipe_file.name}"\n[changes]\nid = "marked"\n[changes.cue]\ndecides = true\n' + "\n".join(lines.values()))
    with pytest.raises(BadRecipe, match=key):
        read_recipe(path)
