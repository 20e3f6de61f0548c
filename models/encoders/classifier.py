"""A classifier of another family, asked and answering as our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from models.bert_image.modelling import BertImageClassifierOutput
from models.encoders.families import FAMILIES, WITH_TEACHER, EncoderConfig, encoder_config

ATTENTIONS = ("ViTAttention", "DeiTAttention", "BeitAttention", "Dinov2Attention", "Dinov2WithRegistersAttention", "DINOv3ViTAttention")
"""Modules that form the matrices of full attention."""


class ImageEncoderForClassification(nn.Module):
    """A network of models.encoders.families with its own head, in the place of BertImageForImageClassification.

    inner: the network of transformers, whose weights and configuration are what is written to a folder.
    """

    def __init__(self, inner: PreTrainedModel, size: tuple[int, int]) -> None:
        """size: (rows, columns) of the inputs in pixels."""
        super().__init__()
        self.inner = inner
        self.config: EncoderConfig = encoder_config(inner.config, size, type(inner).__name__ == WITH_TEACHER)
        for module in inner.modules():
            if type(module).__name__ in ATTENTIONS:
                module.attention_head_size = module.head_dim  # as BERT names it: models.bert_image.attention_captured looks for it

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    def set_attn_implementation(self, name: str) -> None:
        """Another attention function, by its name in transformers' AttentionInterface."""
        self.inner.set_attn_implementation(name)

    def forward(
        self, pixel_values: Tensor, keep_tokens: None = None, output_hidden_states: bool | None = None, **kwargs: Any
    ) -> BertImageClassifierOutput:
        """pixel_values: float [batch, channels, rows, columns], standardised; sides multiples of the patch size.

        Returns logits [batch, labels] and embedding [batch, embedding_size], the mean token of some hidden states; token_logits
        [batch, tokens, labels] where the head reads the mean of the tokens. Raises ValueError for keep_tokens: these networks read all.
        """
        if keep_tokens is not None:
            raise ValueError(f"a {self.config.family} reads every token: keep_tokens must be None")
        with _reusable():
            output = self.inner(pixel_values, output_hidden_states=True, **self._told(pixel_values))
        states = output.hidden_states
        prefix = self.config.prefix_tokens
        return BertImageClassifierOutput(
            logits=output.logits,
            token_logits=self._token_logits(states[-1]) if self.config.pooling == "mean" else None,
            embedding=torch.cat([states[place][:, prefix:].mean(dim=1) for place in self.config.embedded], dim=1),
            hidden_states=states if output_hidden_states else None,
        )

    def _told(self, pixel_values: Tensor) -> dict[str, bool]:
        """That positions are to be interpolated, where the size is not the one that was learned and the family wants to be told."""
        learned = self.inner.config.image_size
        sides = (learned, learned) if isinstance(learned, int) else tuple(learned)
        is_new = tuple(pixel_values.shape[2:]) != sides
        return {"interpolate_pos_encoding": True} if is_new and FAMILIES[self.inner.config.model_type].interpolates_when_told else {}

    def _token_logits(self, state: Tensor) -> Tensor:
        """What Swin's head says of each token, whose mean is what it says of the image. state: [batch, tokens, width]."""
        return self.inner.classifier(self.inner.swin.layernorm(state))  # type: ignore[no-any-return]


@contextmanager
def _reusable() -> Iterator[None]:
    """In place of inference mode only without gradients: BEiT keeps tables of its first pass, and a later one may need gradients."""
    if not torch.is_inference_mode_enabled():
        yield
        return
    with torch.inference_mode(False), torch.no_grad():
        yield
