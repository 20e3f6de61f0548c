"""The whole way to a quantised form, by nncf where it is installed (requirements-training.txt)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.settings import settings
from models.folder import QUANTISED
from models.registry import CARD, load_model
from tests.unit.training.conftest import RECIPE, draw_images
from training.calibrate.quantised import MANNERS
from training.evaluate.quantised import Judged
from training.publish.zoo import loaded_back, write_network
from training.stages import quantise as stage
from training.stages.quantise import Tried, card_lines, quantise
from training.stages.train import train

PLAIN = Judged({"accuracy": 0.9}, np.array([0, 1]))
WORSE = Judged({"accuracy": 0.8}, np.array([0, 1]))


def test_the_card_says_what_was_tried_and_which_was_kept() -> None:
    held, failed = Tried(MANNERS[2], PLAIN, (), kept=True), Tried(MANNERS[0], WORSE, ("accuracy",))
    told = card_lines([failed, held], PLAIN, "python -m training.stages.quantise")
    assert "layers on the token grid, without SmoothQuant" in told[0]
    assert "| every layer, without SmoothQuant | -0.1000 | 0.00 % | 0.00 % | not: accuracy |" in told
    assert "| layers on the token grid, without SmoothQuant | +0.0000 | 0.00 % | 0.00 % | kept |" in told
    assert card_lines([failed], PLAIN, "")[0].startswith("None was kept")


@pytest.mark.slow
def test_a_form_is_made_judged_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nncf")
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    monkeypatch.setattr(stage, "FURTHEST", dict.fromkeys(stage.FURTHEST, 1.0))
    monkeypatch.setattr(stage, "faults", lambda plain, other: ())  # whatever so small a network says of so few images
    (tmp_path / "tiny.toml").write_text(RECIPE.format(split="patient", steps=6))
    images = draw_images(tmp_path)
    folder = train(tmp_path / "tiny.toml", [images], tmp_path / "runs")
    tried = quantise(folder, tmp_path / "tiny.toml", [images], [], "the command")
    assert [one.kept for one in tried].count(True) == 1
    assert "## Quantised form" in (folder / CARD).read_text()
    model = load_model(str(folder))
    given = np.random.default_rng(0).normal(size=(4, 1, 16, 16)).astype(np.float32)
    exact, rounded = (Engine(model, replace(Runtime(library="openvino"), precision=name)).forward(given) for name in ("fp32", "int8"))
    assert 0.0 < np.abs(exact.logits - rounded.logits).max() < 0.2
    write_network(folder, loaded_back(folder), model.preprocess)
    assert not (folder / QUANTISED).is_file(), "it is of earlier weights"
