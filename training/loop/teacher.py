"""Distillation: what a larger network answers teaches a smaller one more than the label alone (Hinton et al. 2015)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import BadRecipe
from models.registry import LoadedModel, load_model
from training.config.recipe import Recipe
from training.config.recipe_parts import TeacherPart
from training.data.augment import standardised


class Teacher:
    """Networks that answer for the same changed images as the student sees. They see every token, whatever the student does not."""

    def __init__(self, how: TeacherPart, recipe: Recipe) -> None:
        """Raises NotFound and BrokenModel for a model that cannot be opened, BadRecipe for one that answers another question."""
        self.how = how
        self.models = [load_model(name) for name in how.models]
        for model in self.models:
            _check(model, recipe)
        self.columns = [[model.labels.index(label) for label in recipe.labels] for model in self.models]

    def probabilities(self, images: Tensor) -> Tensor:
        """The mean of the softened probabilities, float32 [B, labels]. images: float32 [B, C, rows, columns] in [0, 1]."""
        softened = []
        with torch.no_grad():
            for model, columns in zip(self.models, self.columns, strict=True):
                x = standardised(_resized(images, model.preprocess.size), model.preprocess)
                logits = model.network.to(x.device)(pixel_values=x.contiguous(memory_format=torch.channels_last)).logits
                softened.append((logits[:, columns].float() / self.how.temperature).softmax(dim=1))
        return torch.stack(softened).mean(dim=0)

    def divergence(self, logits: Tensor, images: Tensor) -> Tensor:
        """Kullback-Leibler divergence of the student's softened answers from the teacher's, a scalar.

        It is multiplied by the square of the temperature, so that its gradients do not shrink with it. logits: float32 [B, labels].
        """
        own = (logits / self.how.temperature).log_softmax(dim=1)
        return F.kl_div(own, self.probabilities(images), reduction="batchmean") * self.how.temperature**2


def _check(model: LoadedModel, recipe: Recipe) -> None:
    missing = set(recipe.labels) - set(model.labels)
    if missing:
        raise BadRecipe(f"teacher.models: {model.id} does not know {min(missing)}.", "A teacher must know every label of the recipe.")
    if model.preprocess.channels != recipe.preprocess.channels:
        raise BadRecipe(
            f"teacher.models: {model.id} reads {', '.join(model.preprocess.channels)}.",
            f"A teacher must read {', '.join(recipe.preprocess.channels)}, as the recipe does.",
        )


def _resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(images.shape[2:]) == tuple(size):
        return images
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)
