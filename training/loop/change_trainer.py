"""The loop of a change training: transformers' Trainer with crops drawn by number, two losses for a rare class, and averaged weights."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset, Sampler, SequentialSampler
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed

from core.errors import BrokenModel
from models.bert_image import BertImageForChangeDetection
from models.registry import load_model
from training.config.change_recipe import ChangeRecipe
from training.config.recipe_parts import Schedule
from training.data.change_augment import clouded, cutmix, photometric
from training.data.city_pixels import CityPixels, CropMaker, Crops, seen_in
from training.evaluate.change_figures import best_threshold, levelled
from training.evaluate.change_scores import city_scores
from training.loop.averaging import AveragedWeights
from training.loop.checkpoints import last_checkpoint
from training.loop.starts import encoder_weights
from training.loop.trainer import Numbers, optimizer_of, training_arguments
from training.loop.tuning import freeze


class ChangeTrainer(Trainer):  # type: ignore[misc]
    """Trainer whose batches are crops of cities, each made from its number."""

    def __init__(self, recipe: ChangeRecipe, schedule: Schedule, cities: Sequence[CityPixels], **kwargs: Any) -> None:
        self.recipe, self.schedule = recipe, schedule
        self.colours = [recipe.preprocess.channels.index(name) for name in ("red", "green", "blue") if name in recipe.preprocess.channels]
        self.maker = CropMaker(cities, recipe.preprocess.size, recipe.augmentation, schedule.seed)
        super().__init__(train_dataset=Numbers(schedule.steps * schedule.batch_size), data_collator=self._gather, **kwargs)
        self.loss_is_scaled_for_ga = False  # compute_loss gives a mean: the parts of a step must be averaged, not added

    def create_optimizer(self, model: Any = None) -> Any:
        """AdamW as transformers sets it up, with the learning rate of a pretrained stem apart."""
        if self.optimizer is None:
            self.optimizer: Any = optimizer_of(self, model or self.model, self.schedule, self.recipe.tuning)
        return self.optimizer

    def _gather(self, numbers: list[int]) -> dict[str, Tensor]:
        return vars(self.maker.make(numbers))

    def _get_train_sampler(self, train_dataset: Dataset[int] | None = None) -> Sampler[int]:
        return SequentialSampler(Numbers(self.schedule.steps * self.schedule.batch_size))

    def compute_loss(self, model: Any, inputs: dict[str, Tensor], return_outputs: bool = False, **kwargs: Any) -> Any:
        """The loss of a batch, crops changed at random. inputs: the fields of Crops."""
        how = self.recipe.augmentation
        crops = cutmix(photometric(clouded(Crops(**inputs), how.clouds), how, self.colours), how.cutmix)
        dates = (each.contiguous(memory_format=torch.channels_last) for each in (crops.before, crops.after))
        output = model(*dates)
        loss = change_loss(output.logits.float(), crops.changed, crops.known, self.schedule.label_smoothing)
        return (loss, output) if return_outputs else loss


def change_loss(logits: Tensor, changed: Tensor, known: Tensor, smoothing: float) -> Tensor:
    """Binary cross-entropy, which keeps the logits honest, and Dice (Milletari et al. 2016), which does not drown in what did not change.

    logits, changed, known: float32 [batch, rows, columns]; pixels that are not known count for nothing. Returns a scalar.
    """
    targets = changed * (1.0 - smoothing) + 0.5 * smoothing
    entropy = (F.binary_cross_entropy_with_logits(logits, targets, reduction="none") * known).sum() / known.sum().clamp(min=1.0)
    probs = torch.sigmoid(logits) * known
    dice = 1.0 - (2.0 * (probs * changed).sum() + 1.0) / (probs.sum() + (changed * known).sum() + 1.0)
    return entropy + dice


class ChangeProgress(TrainerCallback):  # type: ignore[misc]
    """A line every so often: step, speed, and how the averaged weights do on the cities that are held back."""

    def __init__(self, recipe: ChangeRecipe, schedule: Schedule, averaged: AveragedWeights, held: Sequence[CityPixels]) -> None:
        self.recipe, self.schedule, self.averaged = recipe, schedule, averaged
        bands = recipe.preprocess.preferred or recipe.preprocess.channels
        self.held = [seen_in(city, bands, recipe.preprocess) for city in held]
        self.began, self.first = time.monotonic(), 0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Start the clock; a resumed run counts from its own first step."""
        self.began, self.first = time.monotonic(), state.global_step

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Speak at every tenth of a validation interval, validate at each whole one."""
        step, every = state.global_step, self.schedule.validate_every
        is_whole = step % every == 0 or step == self.schedule.steps
        if not (is_whole or step % max(1, every // 10) == 0) or not state.is_world_process_zero:
            return
        speed = (step - self.first) * self.schedule.batch_size / max(time.monotonic() - self.began, 1e-6)
        line = f"{self.recipe.id}: step {step}/{self.schedule.steps}, {speed:.1f} crops/s"
        if self.held and is_whole:
            line += f", {self._validated(kwargs['model'])}"
        print(line, flush=True)

    def _validated(self, network: BertImageForChangeDetection) -> str:
        averaged = deepcopy(network)
        averaged.load_state_dict(self.averaged.mean)
        scores = city_scores(averaged, self.held, self.recipe)
        threshold, score = best_threshold(levelled(scores, scores))
        return f"held back: F1 {score:.4f} at {threshold:.3f}"


def fit_change(
    network: BertImageForChangeDetection,
    recipe: ChangeRecipe,
    schedule: Schedule,
    cities: tuple[Sequence[CityPixels], Sequence[CityPixels]],
    work: Path,
) -> BertImageForChangeDetection:
    """The network trained further, with averaged weights. cities: to train on, and held back (which may be none).

    work: folder of checkpoints; where it holds a whole one, the run goes on from there.
    """
    set_seed(schedule.seed)
    torch.set_num_threads(schedule.threads)
    network = network.to(memory_format=torch.channels_last)
    freeze(network, recipe.tuning)
    averaged = AveragedWeights(network, schedule.averaging)
    train, held = cities
    trainer = ChangeTrainer(
        recipe,
        schedule,
        train,
        model=network,
        args=training_arguments(schedule, work),
        callbacks=[averaged, ChangeProgress(recipe, schedule, averaged, held)],
    )
    checkpoint = last_checkpoint(work)
    if checkpoint is not None:
        print(f"{recipe.id}: going on from {checkpoint}", flush=True)
        averaged.load(checkpoint)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    network.load_state_dict(averaged.mean)
    return network.to("cpu").eval()  # type: ignore[no-any-return]


def started(recipe: ChangeRecipe) -> BertImageForChangeDetection:
    """A new network; its encoder begins with the weights of recipe.start where the recipe names a model.

    Channels that the other model knows by name take its first weights, the others begin with the mean of these; positions are
    interpolated where the input has another size. Raises NotFound for a model that is not there, BrokenModel where its sizes differ.
    """
    set_seed(recipe.schedule.seed)
    network = BertImageForChangeDetection(recipe.config())
    if not recipe.start:
        return network
    try:
        network.bert.load_state_dict(encoder_weights(load_model(recipe.start), recipe.preprocess, recipe.config().grid))
    except RuntimeError:
        raise BrokenModel(
            f"The stem and layers of {recipe.start} have other sizes than the recipe {recipe.id}.", "Name a model of the same sizes."
        ) from None
    return network
