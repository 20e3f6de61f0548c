"""The loop of masked image modelling: batches changed on tensors, tokens hidden at random, and what the hidden pixels were."""

from __future__ import annotations

import time
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed

from models.bert_image import BertImageForMaskedImageModelling
from training.config.masked_recipe import MaskedRecipe
from training.data.augment import augmented, standardised
from training.data.masking import masked_tokens
from training.loop.averaging import AveragedWeights
from training.loop.trainer import BalancedSampler, Numbers, loop

HELD_BATCH = 64


class MaskedTrainer(Trainer):  # type: ignore[misc]
    """Trainer whose batches are images without labels."""

    def __init__(self, recipe: MaskedRecipe, images: Tensor, **kwargs: Any) -> None:
        self.recipe, self.images = recipe, images
        super().__init__(train_dataset=Numbers(len(images)), data_collator=self._gather, **kwargs)
        self.loss_is_scaled_for_ga = False  # the loss is a mean: the parts of a step must be averaged, not added

    def _gather(self, numbers: list[int]) -> dict[str, Tensor]:
        return {"images": self.images[torch.tensor(numbers)]}

    def _get_train_sampler(self, train_dataset: Dataset[int] | None = None) -> Sampler[int]:
        schedule, one_kind = self.recipe.schedule, np.zeros(len(self.images), dtype=np.int64)
        return BalancedSampler(one_kind, [1.0], schedule.steps * schedule.batch_size, schedule.seed)

    def compute_loss(self, model: Any, inputs: dict[str, Tensor], return_outputs: bool = False, **kwargs: Any) -> Any:
        """Mean absolute error of the hidden pixels. inputs: images uint8 [B, C, rows, columns]."""
        recipe = self.recipe
        x = augmented(inputs["images"].float() / 255.0, recipe.preprocess.size, recipe.augmentation)
        x = standardised(x, recipe.preprocess).contiguous(memory_format=torch.channels_last)
        output = model(pixel_values=x, masked=masked_tokens(len(x), recipe.config().grid, recipe.masking).to(x.device))
        return (output.loss, output) if return_outputs else output.loss


class MaskedProgress(TrainerCallback):  # type: ignore[misc]
    """A line every so often: step, speed, and how the averaged weights do on images that are held back."""

    def __init__(self, recipe: MaskedRecipe, averaged: AveragedWeights, held: Tensor) -> None:
        self.recipe, self.averaged, self.held = recipe, averaged, held
        self.began, self.first = time.monotonic(), 0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Start the clock; a resumed run counts from its own first step."""
        self.began, self.first = time.monotonic(), state.global_step

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Speak and validate at each validation interval, and at the end."""
        step, schedule = state.global_step, self.recipe.schedule
        if not state.is_world_process_zero or (step % schedule.validate_every and step != state.max_steps):
            return
        speed = (step - self.first) * schedule.batch_size / (time.monotonic() - self.began)
        averaged = deepcopy(kwargs["model"])
        averaged.load_state_dict(self.averaged.mean)
        error = held_error(averaged, self.held, self.recipe)
        print(f"{self.recipe.id}: step {step} of {state.max_steps}, {speed:.0f} images/s, held back: error {error:.4f}", flush=True)


def held_error(network: BertImageForMaskedImageModelling, images: Tensor, recipe: MaskedRecipe) -> float:
    """Mean absolute error of hidden pixels, in deviations of the standardised image; the same tokens are hidden at each call.

    images: uint8 [N, C, rows, columns] at the network's size.
    """
    errors = []
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(recipe.schedule.seed)
        for start in range(0, len(images), HELD_BATCH):
            x = standardised(images[start : start + HELD_BATCH].float() / 255.0, recipe.preprocess).to(network.device)
            masked = masked_tokens(len(x), recipe.config().grid, recipe.masking).to(network.device)
            errors.append(float(network.eval()(pixel_values=x, masked=masked).loss) * len(x))
    return sum(errors) / len(images)


def fit_masked(recipe: MaskedRecipe, train: Tensor, held: Tensor, work: Path) -> BertImageForMaskedImageModelling:
    """The trained network with averaged weights.

    train, held: uint8 images [N, C, rows, columns], held at the network's own size. work: folder of checkpoints; where it holds a whole
    one, the run goes on from there.
    """
    set_seed(recipe.schedule.seed)
    network = BertImageForMaskedImageModelling(recipe.config())
    progress = partial(MaskedProgress, recipe, held=held)
    return loop(network, recipe.id, recipe.schedule, partial(MaskedTrainer, recipe, train), progress, work)
