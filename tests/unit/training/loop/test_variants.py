"""A recipe can ask for windows, linear attention and merged tokens: each learns, is written, and is opened again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.errors import BadRecipe
from models.registry import load_model
from tests.unit.training.conftest import LABELS, RECIPE
from training.config.recipe import Recipe, read_recipe
from training.evaluate.curves import accuracy_without_tokens
from training.loop.forward import forward_all
from training.loop.trainer import fit
from training.publish.zoo import loaded_back, write_network

VARIANTS = {
    "linear": 'attention = "linear"\nrandom_features = 16',
    "windows": "window_size = 2\nwindowed_layers = 1",
    "pyramid": "merges = [1]",
}


def recipe_of(folder: Path, lines: str, dropped: str) -> Recipe:
    text = RECIPE.format(split="patient", steps=12).replace("num_hidden_layers = 1", f"num_hidden_layers = 2\n{lines}")
    text = text.replace("size = [16, 16]", "size = [32, 32]").replace("read_size = [20, 20]", "read_size = [36, 36]")
    path = folder / "variant.toml"
    path.write_text(text.replace("dropped = [0.0, 0.25]", f"dropped = {dropped}"))
    return read_recipe(path)


def greys(count: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 [count, 1, side, side], every second image bright, and its labels."""
    labels = torch.arange(count) % len(LABELS)
    noise = 20 * torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(0))
    return (noise + 80 + 90 * labels.view(-1, 1, 1, 1)).clamp(0, 255).to(torch.uint8), labels


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_learns_and_is_the_same_when_it_is_opened_again(tmp_path: Path, name: str) -> None:
    dropped = "[0.0]" if name == "pyramid" else "[0.0, 0.5]"
    recipe = recipe_of(tmp_path, VARIANTS[name], dropped)
    (images, labels), (held, known) = greys(32, 36), greys(16, 32)
    network = fit(recipe, (images, labels.numpy()), (held, known.numpy()), tmp_path / "work")
    write_network(tmp_path / "out", network, recipe.preprocess)
    model = load_model(str(tmp_path / "out"))
    assert {weight.dtype for weight in model.network.state_dict().values() if weight.is_floating_point()} == {torch.float32}
    logits = forward_all(model.network, held, recipe.preprocess).logits
    assert (logits.argmax(axis=1) == known.numpy()).mean() > 0.9
    again = forward_all(loaded_back(tmp_path / "out"), held, recipe.preprocess).logits
    assert (again == logits).all()
    shares = [one.share for one in accuracy_without_tokens(model.network, held, known.numpy(), recipe)]
    assert shares == ([] if name == "pyramid" else [0.0, 0.25, 0.5, 0.75])


def test_a_recipe_that_drops_tokens_and_merges_them_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match=r"augmentation.dropped is \(0.0, 0.25\)"):
        recipe_of(tmp_path, "merges = [1]", "[0.0, 0.25]")


def test_a_variant_that_does_not_fit_is_refused_by_its_field(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="network: window_size is 0 and windowed_layers 1"):
        recipe_of(tmp_path, "windowed_layers = 1", "[0.0]")
