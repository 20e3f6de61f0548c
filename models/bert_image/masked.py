"""Masked image modelling, as BERT's masked language model (Devlin et al. 2019): some tokens are hidden, the network says what was there.

SimMIM (Xie et al. 2022): a learned token stands in the place of the hidden ones, a linear head gives back the pixels of each token, and the
mean absolute error counts where something was hidden. Tokens of a convolutional stem overlap, so their pixels are blanked as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import BoolTensor, LongTensor, Tensor, nn
from transformers.utils import ModelOutput
from transformers.utils.generic import can_return_tuple

from models.bert_image.configuration import BertImageConfig
from models.bert_image.modelling import (
    BertImageClassifierOutput,
    BertImageForImageClassification,
    BertImageModel,
    BertImagePreTrainedModel,
)


@dataclass
class BertImageMaskedOutput(ModelOutput):  # type: ignore[misc]
    """What masked image modelling gives.

    loss: mean absolute error of the hidden pixels. reconstruction: [batch, channels, rows, columns], of all pixels, standardised.
    """

    loss: Tensor | None = None
    reconstruction: Tensor | None = None


@dataclass
class BertImageJointOutput(BertImageClassifierOutput):
    """What the classifier gives, and the mean absolute error of the hidden pixels; None where nothing was hidden."""

    reconstruction_loss: Tensor | None = None


class Masking(nn.Module):
    """The learned token that stands for hidden ones, and the linear head from a token to its pixels."""

    def __init__(self, config: BertImageConfig) -> None:
        super().__init__()
        self.patch = config.patch_size
        self.token = nn.Parameter(torch.zeros(config.hidden_size))
        self.pixels = nn.Linear(config.hidden_size, config.num_channels * config.patch_size**2)

    def blanked(self, pixels: Tensor, masked: BoolTensor) -> Tensor:
        """[B, C, H, W] with the pixels of masked tokens at 0, the mean of what is standardised."""
        return pixels.masked_fill(self._of_pixels(masked), 0.0)

    def reconstruction(self, patches: Tensor, grid: tuple[int, int]) -> Tensor:
        """[B, rows * columns, width], without [CLS] -> [B, C, H, W]."""
        x = self.pixels(patches).transpose(1, 2).unflatten(2, grid)  # [B, C * patch * patch, rows, columns]
        return F.pixel_shuffle(x, self.patch)

    def error(self, reconstruction: Tensor, pixels: Tensor, masked: BoolTensor) -> Tensor:
        """Mean absolute error of the pixels of masked tokens, a scalar."""
        hidden = self._of_pixels(masked)  # [B, 1, H, W]
        differences = (reconstruction.float() - pixels.float()).abs() * hidden
        return differences.sum() / (hidden.sum() * pixels.shape[1]).clamp(min=1)

    def _of_pixels(self, masked: BoolTensor) -> Tensor:
        return masked[:, None].repeat_interleave(self.patch, dim=2).repeat_interleave(self.patch, dim=3)


class BertImageForMaskedImageModelling(BertImagePreTrainedModel):
    """The encoder with a head that gives back pixels. A classifier can begin with its encoder: weights below `bert` have the same names."""

    def __init__(self, config: BertImageConfig) -> None:
        super().__init__(config)
        self.bert = BertImageModel(config)
        self.masking = Masking(config)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(self, pixel_values: Tensor, masked: BoolTensor, **kwargs: Any) -> BertImageMaskedOutput:
        """pixel_values: float [batch, channels, rows, columns], standardised. masked: bool [batch, token rows, token columns]."""
        encoded = self.bert(self.masking.blanked(pixel_values, masked), masked=masked, mask_token=self.masking.token)
        patches = encoded.last_hidden_state[:, self.config.prefix_tokens :]
        reconstruction = self.masking.reconstruction(patches, (masked.shape[1], masked.shape[2]))
        return BertImageMaskedOutput(loss=self.masking.error(reconstruction, pixel_values, masked), reconstruction=reconstruction)


class BertImageForClassificationAndMasking(BertImageForImageClassification):
    """Both tasks at once: the labels of what is left to see, and the pixels of what is not. Without `masked` it is the classifier."""

    def __init__(self, config: BertImageConfig) -> None:
        super().__init__(config)
        self.masking = Masking(config)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self, pixel_values: Tensor, labels: LongTensor | None = None, masked: BoolTensor | None = None, **kwargs: Any
    ) -> BertImageJointOutput:
        """As BertImageForImageClassification; masked: bool [batch, token rows, token columns], not together with keep_tokens."""
        if masked is None:
            return BertImageJointOutput(**super().forward(pixel_values, labels, **kwargs))
        states = self.bert(self.masking.blanked(pixel_values, masked), masked=masked, mask_token=self.masking.token).last_hidden_state
        patches = states[:, self.config.prefix_tokens :]
        read_out = patches.mean(dim=1) if self.config.pooling == "mean" else states[:, 0]
        logits = self.classifier(read_out)
        reconstruction = self.masking.reconstruction(patches, (masked.shape[1], masked.shape[2]))
        return BertImageJointOutput(
            loss=F.cross_entropy(logits.float(), labels) if labels is not None else None,
            logits=logits,
            reconstruction_loss=self.masking.error(reconstruction, pixel_values, masked),
        )

    @classmethod
    def around(cls, classifier: BertImageForImageClassification) -> BertImageForClassificationAndMasking:
        """Both tasks with the weights of a classifier, and new ones for what only reconstruction needs."""
        both = cls(classifier.config)
        both.load_state_dict(classifier.state_dict(), strict=False)
        return both

    def classifier_alone(self) -> BertImageForImageClassification:
        """A classifier with these weights, in evaluation mode, without what only reconstruction needs."""
        alone = BertImageForImageClassification(self.config)
        alone.load_state_dict({name: value for name, value in self.state_dict().items() if not name.startswith("masking.")})
        return alone.eval()  # type: ignore[no-any-return]
