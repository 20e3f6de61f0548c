"""The loop: transformers' Trainer with batches drawn by class, changed on tensors, and weights averaged. A killed run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset, Sampler
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed

from core.inference.calibration import probabilities
from core.metrics import auroc
from models.bert_image import BertImageForClassificationAndMasking, BertImageForImageClassification
from models.classifiers import Classifier
from models.encoders import ImageEncoderForClassification
from training.config.recipe import Recipe
from training.config.recipe_parts import Schedule, TuningPart
from training.data.augment import augmented, cutmix, kept_tokens, standardised
from training.data.cues import planted
from training.data.masking import masked_tokens
from training.loop.averaging import AveragedWeights
from training.loop.checkpoints import last_checkpoint
from training.loop.devices import images_at_once, precision, process_index
from training.loop.forward import forward_all
from training.loop.starts import started
from training.loop.teacher import Teacher
from training.loop.tuning import freeze, parameter_groups

Network = TypeVar("Network", bound=PreTrainedModel)


class Numbers(Dataset[int]):
    """The numbers of the images; the pixels are gathered a batch at a time."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> int:
        return index


class BalancedSampler(Sampler[int]):
    """One long stream for the whole training: each label has its share, and each image of a label comes once before any comes twice.

    The stream depends on the seed alone, so that a resumed run sees what the killed one would have seen.
    """

    def __init__(self, labels: NDArray[np.int64], shares: Sequence[float], length: int, seed: int) -> None:
        self.labels, self.shares, self.length, self.seed = labels, np.asarray(shares, dtype=float), length, seed

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        random = np.random.default_rng(self.seed)
        members = [np.flatnonzero(self.labels == label) for label in range(len(self.shares))]
        queues: list[list[int]] = [[] for _ in members]
        shares = np.where([len(one) > 0 for one in members], self.shares, 0.0)
        for label in random.choice(len(members), size=self.length, p=shares / shares.sum()):
            if not queues[label]:
                queues[label] = random.permutation(members[label]).tolist()
            yield queues[label].pop()


class ImageTrainer(Trainer):  # type: ignore[misc]
    """Trainer whose batches are made on tensors: gather, change, standardise, mix, drop tokens."""

    optimizer: Any

    def __init__(self, recipe: Recipe, images: Tensor, labels: NDArray[np.int64], **kwargs: Any) -> None:
        self.recipe, self.images, self.targets = recipe, images, torch.from_numpy(labels)
        self.teacher = Teacher(recipe.teacher, recipe) if recipe.teacher is not None else None
        super().__init__(train_dataset=Numbers(len(labels)), data_collator=self._gather, **kwargs)
        self.loss_is_scaled_for_ga = False  # compute_loss gives a mean: the parts of a step must be averaged, not added

    def create_optimizer(self, model: Any = None) -> Any:
        """AdamW as transformers sets it up, with the learning rate of a pretrained stem apart."""
        if self.optimizer is None:
            self.optimizer = optimizer_of(self, model or self.model, self.recipe.schedule, self.recipe.tuning)
        return self.optimizer

    def _gather(self, numbers: list[int]) -> dict[str, Tensor]:
        chosen = torch.tensor(numbers)
        return {"images": self.images[chosen], "labels": self.targets[chosen]}

    def _get_train_sampler(self, train_dataset: Dataset[int] | None = None) -> Sampler[int]:
        schedule, recipe = self.recipe.schedule, self.recipe
        shares = [recipe.shares.get(name, 1.0) for name in recipe.names]
        if not recipe.data.balanced:
            shares = [share * int((self.targets == label).sum()) for label, share in enumerate(shares)]
        return BalancedSampler(self.targets.numpy(), shares, schedule.steps * schedule.batch_size, schedule.seed)

    def compute_loss(self, model: Any, inputs: dict[str, Tensor], return_outputs: bool = False, **kwargs: Any) -> Any:
        """Cross-entropy against smoothed targets; where the recipe says so, reconstruction of hidden tokens and a teacher's answers too.

        inputs: images uint8 [B, C, rows, columns], labels int64 [B].
        """
        recipe = self.recipe
        x = augmented(inputs["images"].float() / 255.0, recipe.preprocess.size, recipe.augmentation)
        labels = inputs["labels"]
        if recipe.cue is not None:
            x, labels = planted(x, labels, recipe.cue, recipe.labels)
        targets = torch.nn.functional.one_hot(labels, len(recipe.names)).float()
        x, targets = cutmix(x, targets, recipe.augmentation.cutmix)
        pixels = standardised(x, recipe.preprocess).contiguous(memory_format=torch.channels_last)
        output = model(pixel_values=pixels, **self._hidden(pixels))
        loss = label_loss(output.logits.float(), targets, recipe)
        if recipe.masking is not None and output.reconstruction_loss is not None:
            loss = loss + recipe.masking.weight * output.reconstruction_loss
        if self.teacher is not None:
            loss = loss + self.teacher.how.weight * self.teacher.divergence(output.logits.float(), x)
        return (loss, output) if return_outputs else loss

    def _hidden(self, pixels: Tensor) -> dict[str, Tensor | None]:
        """Which tokens the network does not see: hidden ones that it reconstructs, or ones that are left out."""
        recipe, (rows, columns) = self.recipe, self.recipe.config().grid
        if recipe.masking is not None and torch.rand(()) < recipe.masking.probability:
            return {"masked": masked_tokens(len(pixels), (rows, columns), recipe.masking).to(pixels.device)}
        kept = kept_tokens(len(pixels), rows * columns, recipe.augmentation.dropped)
        return {"keep_tokens": None if kept is None else kept.to(pixels.device)}


def label_loss(logits: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    """Cross-entropy with smoothed labels; the probability of a parent label is the sum of its members'.

    logits: float32 [batch, labels]. targets: float32 [batch, names], rows summing to 1. Returns a scalar.
    """
    probs = torch.nn.functional.log_softmax(logits, dim=1)
    places = [[recipe.labels.index(label) for label in recipe.members(name)] for name in recipe.names]
    named = torch.stack([probs[:, place].logsumexp(dim=1) for place in places], dim=1)
    smoothing = recipe.schedule.label_smoothing
    return (1.0 - smoothing) * -(targets * named).sum(dim=1).mean() + smoothing * -probs.mean()


class Progress(TrainerCallback):  # type: ignore[misc]
    """A line every so often: step, speed, and how the averaged weights do on images that are held back."""

    def __init__(self, recipe: Recipe, averaged: AveragedWeights, held: tuple[Tensor, NDArray[np.int64]] | None) -> None:
        self.recipe, self.averaged, self.held = recipe, averaged, held
        self.began, self.first = time.monotonic(), 0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Start the clock; a resumed run counts from its own first step."""
        self.began, self.first = time.monotonic(), state.global_step

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Speak at every sixth of a validation interval, validate at each whole one and at the end."""
        every = self.recipe.schedule.validate_every
        is_whole = state.global_step % every == 0 or state.global_step == state.max_steps
        if not (is_whole or state.global_step % max(1, every // 6) == 0) or not state.is_world_process_zero:
            return
        seconds = time.monotonic() - self.began
        speed = (state.global_step - self.first) * self.recipe.schedule.batch_size / seconds
        line = f"{self.recipe.id}: step {state.global_step} of {state.max_steps}, {speed:.0f} images/s"
        if self.held is not None and is_whole:
            line += f", {self._validated(kwargs['model'], *self.held)}"
        print(line, flush=True)

    def _validated(self, network: Classifier, images: Tensor, labels: NDArray[np.int64]) -> str:
        averaged = deepcopy(network)
        averaged.load_state_dict(self.averaged.mean)
        logits = forward_all(averaged, images, self.recipe.preprocess).logits
        known = labels < len(self.recipe.labels)  # of the others only a parent label is known
        truth, found = labels[known], logits[known].argmax(axis=1)
        recalls = [float((found[truth == label] == label).mean()) for label in np.unique(truth)]
        area = auroc(truth, probabilities(logits[known], None))
        ranked = "" if area is None else f", AUROC {area:.4f}"
        return f"held back: accuracy {float((found == truth).mean()):.4f}, balanced {float(np.mean(recalls)):.4f}{ranked}"


def fit(recipe: Recipe, train: tuple[Tensor, NDArray[np.int64]], held: tuple[Tensor, NDArray[np.int64]], work: Path) -> Classifier:
    """The trained network with averaged weights.

    train, held: uint8 images [N, C, rows, columns] (held at the network's own size) and int64 labels [N].
    work: folder of checkpoints; where it holds a whole one, the run goes on from there.
    """
    return run(recipe, partial(ImageTrainer, recipe, *train), held, work)


def run(
    recipe: Recipe,
    make: Callable[..., Trainer],
    held: tuple[Tensor, NDArray[np.int64]] | None,
    work: Path,
    begun: Classifier | None = None,
) -> Classifier:
    """The loop of every classifier. make: a trainer of what transformers' Trainer takes (model, args, callbacks).

    held, work: as of fit; None where no image is held back. begun: the network to go on with, None for that which the recipe starts.
    """
    set_seed(recipe.schedule.seed)
    network = started(recipe) if begun is None else begun
    freeze(network, recipe.tuning)
    progress = partial(Progress, recipe, held=held)
    if recipe.masking is None or not isinstance(network, BertImageForImageClassification):
        return loop(network, recipe.id, recipe.schedule, make, progress, work)
    both = BertImageForClassificationAndMasking.around(network)
    return loop(both, recipe.id, recipe.schedule, make, progress, work).classifier_alone()


def loop(
    network: Network, name: str, schedule: Schedule, make: Callable[..., Trainer], progress: Callable[..., TrainerCallback], work: Path
) -> Network:
    """The loop of every training but that of change: the network trained, with averaged weights, on the CPU.

    make: as of run. progress: a callback of `averaged`. work: as of fit.
    """
    torch.set_num_threads(schedule.threads)
    if not isinstance(network, ImageEncoderForClassification):  # whose weights are saved as they lie in memory
        network.to(memory_format=torch.channels_last)
    before = written_attention(network)
    averaged = AveragedWeights(network, schedule.averaging)
    trainer = make(model=network, args=training_arguments(schedule, work), callbacks=[averaged, progress(averaged=averaged)])
    torch.manual_seed(schedule.seed + process_index())  # each process changes its images in its own way
    checkpoint = last_checkpoint(work)
    if checkpoint is not None:
        print(f"{name}: going on from {checkpoint}", flush=True)
        averaged.load(checkpoint)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    network.load_state_dict(averaged.mean)
    network.set_attn_implementation(before)
    network.to("cpu")
    network.eval()
    return network


def written_attention(network: PreTrainedModel) -> str:
    """On CPUs softmax attention is formed as matrices while it is trained; returns what the network had.

    The gradient of the fused kernel takes four times as long there (64 tokens, bfloat16).
    """
    before = str(network.config._attn_implementation)
    if before == "sdpa" and not torch.cuda.is_available():
        network.set_attn_implementation("eager")
    return before


def optimizer_of(trainer: Trainer, trained: nn.Module, schedule: Schedule, how: TuningPart) -> Any:
    """AdamW as transformers sets it up, with the learning rate of a pretrained stem apart."""
    groups = parameter_groups(trained, trainer.get_decay_parameter_names(trained), trainer.args.learning_rate, schedule.weight_decay, how)
    kind, options = trainer.get_optimizer_cls_and_kwargs(trainer.args, trained)
    return kind(groups, **options)


def training_arguments(schedule: Schedule, work: Path) -> TrainingArguments:
    """What transformers' Trainer is told. work: the folder of checkpoints. Raises BadRecipe for what this machine cannot do."""
    kind = precision(schedule)
    return TrainingArguments(
        output_dir=str(work),
        max_steps=schedule.steps,
        per_device_train_batch_size=images_at_once(schedule),
        gradient_accumulation_steps=schedule.accumulation,
        learning_rate=schedule.learning_rate,
        weight_decay=schedule.weight_decay,
        warmup_steps=schedule.warmup_steps,
        lr_scheduler_type="cosine",
        max_grad_norm=schedule.clip,
        optim="adamw_torch",
        bf16=kind == "bfloat16",
        fp16=kind == "float16",
        use_cpu=not torch.cuda.is_available(),
        save_strategy="steps",
        save_steps=schedule.checkpoint_every,
        save_total_limit=2,
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_drop_last=True,
        seed=schedule.seed,
    )
