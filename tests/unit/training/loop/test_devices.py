"""How a step is shared by devices and parts, what layers compute in, and how the learning rate goes."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import Trainer

from core.errors import BadRecipe
from models.registry import load_model
from tests.conftest import PROJECT
from tests.unit.training.conftest import RECIPE, draw_images
from training.config.recipe import Recipe, read_recipe
from training.config.recipe_parts import Augmentation, Schedule
from training.loop.devices import images_at_once, precision
from training.loop.trainer import fit, training_arguments

SCRIPT = """
import os, sys
from pathlib import Path
from safetensors.torch import save_file
import training.stages.train as training

recipe, data, out = map(Path, sys.argv[1:])
rank = os.environ["RANK"]
fit, write = training.fit, training.write_network

def kept(*words):
    network = fit(*words)
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(weights, out / f"rank-{rank}.safetensors")
    return network

def counted(*words):
    (out / f"written-by-{rank}").touch(exist_ok=False)
    write(*words)

training.fit, training.write_network = kept, counted
training.train(recipe, [data], out)
"""
SECONDS = 600
"""After which two processes that wait for each other are ended."""


TOLERANCE = {"float32": 5e-5, "bfloat16": 2e-3}
"""How far two ways to the same weights may be apart by what layers compute in. In bfloat16 that is below one step of Adam, whose
direction turns where a gradient is smaller than its rounding; what "auto" means is left to the processor, so no test here asks for it."""


def plain(path: Path, steps: int = 6, **schedule: object) -> Recipe:
    """The tiny recipe without anything random in a step: no change of images, no dropping of tokens."""
    path.write_text(RECIPE.format(split="patient", steps=steps))
    recipe = replace(read_recipe(path), augmentation=Augmentation())
    return replace(recipe, schedule=replace(recipe.schedule, checkpoint_every=100, **schedule))


def weights(recipe: Recipe, work: Path) -> dict[str, torch.Tensor]:
    """Of a network trained on noise of two brightnesses."""
    random = np.random.default_rng(0)
    labels = np.arange(32) % 2
    pixels = torch.from_numpy(random.integers(0, 128, (32, 1, 16, 16)).astype(np.uint8)) + torch.from_numpy(labels * 100).view(-1, 1, 1, 1)
    images = pixels.to(torch.uint8)
    return fit(recipe, (images, labels), (images, labels), work).state_dict()


@pytest.mark.parametrize("kind", TOLERANCE)
def test_a_step_in_two_parts_is_the_step_in_one(tmp_path: Path, kind: str) -> None:
    recipe = plain(tmp_path / "tiny.toml", precision=kind)
    whole = weights(recipe, tmp_path / "whole")
    parts = weights(replace(recipe, schedule=replace(recipe.schedule, accumulation=4)), tmp_path / "parts")
    assert difference(whole, parts) < TOLERANCE[kind]
    other = weights(replace(recipe, schedule=replace(recipe.schedule, learning_rate=1e-3)), tmp_path / "other")
    assert difference(whole, other) > 2 * TOLERANCE[kind]


def test_what_is_learnt_in_bfloat16_is_what_is_learnt_in_float32(tmp_path: Path) -> None:
    exact, lower = (weights(plain(tmp_path / "tiny.toml", precision=kind), tmp_path / kind) for kind in TOLERANCE)
    assert 0 < difference(exact, lower) < TOLERANCE["bfloat16"]
    assert {value.dtype for value in lower.values()} == {torch.float32}, "layers compute in bfloat16, weights stay whole"


@pytest.mark.slow
@pytest.mark.parametrize("kind", TOLERANCE)
def test_two_processes_share_each_step_and_end_with_the_weights_of_one(tmp_path: Path, kind: str) -> None:
    path, out = tmp_path / "tiny.toml", tmp_path / "out"
    changes = "zoom = [0.8, 1.0]\nnoise = 0.02\ndropped = [0.0, 0.25]\n"
    text = RECIPE.format(split="patient", steps=4).replace(changes, "")
    path.write_text(text.replace('precision = "float32"', f'precision = "{kind}"'))
    (tmp_path / "shared.py").write_text(SCRIPT)
    images, alone = draw_images(tmp_path), tmp_path / "alone"
    out.mkdir()
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(tmp_path / "shared.py")]
    ran = subprocess.run(
        [*launch, str(path), str(images), str(out)],
        env={"PYTHONPATH": str(PROJECT), "PATH": "", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    first, second = (load_file(out / f"rank-{rank}.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert ran.stdout.count("tiny: step 4 of 4") == 1, "the first process alone speaks"
    assert [file.name for file in out.glob("written-by-*")] == ["written-by-0"]
    assert load_model(str(out / "tiny")).labels == ("dark", "bright")
    alone.mkdir()
    assert difference(first, trained_alone(path, images, alone)) < TOLERANCE[kind]


def trained_alone(path: Path, images: Path, out: Path) -> dict[str, torch.Tensor]:
    """By the same recipe, in this process."""
    from training.data.folders import read_images, split
    from training.data.items import labels_of

    recipe = read_recipe(path)
    parts = split(recipe, [images])
    train = (read_images(parts.train, recipe.preprocess, recipe.data.read_size), labels_of(parts.train))
    held = (read_images(parts.validation, recipe.preprocess, recipe.preprocess.size), labels_of(parts.validation))
    return fit(recipe, train, held, out).state_dict()


def difference(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """The largest, over all weights."""
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def test_a_step_that_cannot_be_shared_evenly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = Schedule(steps=1, batch_size=12, accumulation=2)
    assert images_at_once(schedule) == 6
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert images_at_once(schedule) == 2
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(BadRecipe, match="shared by 4 processes in 2 parts"):
        images_at_once(schedule)


def test_precision_is_what_the_recipe_says_and_half_precision_needs_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for kind, found in (("float32", (False, False)), ("bfloat16", (True, False))):
        arguments = training_arguments(Schedule(steps=1, batch_size=2, precision=kind), tmp_path)
        assert (arguments.bf16, arguments.fp16) == found
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadRecipe, match="no GPU"):
        training_arguments(Schedule(steps=1, batch_size=2, precision="float16"), tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert precision(Schedule(steps=1, batch_size=2, precision="float16")) == "float16"


def test_left_to_itself_a_training_computes_in_bfloat16_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for has, found in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has: has)
        assert precision(Schedule(steps=1, batch_size=2)) == found


def test_the_learning_rate_rises_in_a_line_and_falls_as_a_cosine(tmp_path: Path) -> None:
    schedule = Schedule(steps=100, batch_size=2, learning_rate=1e-3, warmup_steps=20)
    trainer = Trainer(model=nn.Linear(1, 1), args=training_arguments(schedule, tmp_path))
    trainer.create_optimizer_and_scheduler(num_training_steps=schedule.steps)
    rates = []
    for _ in range(schedule.steps + 1):
        rates.append(trainer.lr_scheduler.get_last_lr()[0])
        trainer.optimizer.step()
        trainer.lr_scheduler.step()
    for step, rate in enumerate(rates):
        share = step / 20 if step < 20 else 0.5 * (1.0 + math.cos(math.pi * (step - 20) / 80))
        assert rate == pytest.approx(1e-3 * share, abs=1e-9)
