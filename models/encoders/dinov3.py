"""DINOv3's vision transformer with a linear head, which transformers does not have."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForImageClassification, DINOv3ViTConfig, DINOv3ViTModel, DINOv3ViTPreTrainedModel
from transformers.modeling_outputs import ImageClassifierOutput


class DINOv3ViTForImageClassification(DINOv3ViTPreTrainedModel):  # type: ignore[misc]
    """A linear head on [CLS] beside the mean of the patches, as its authors evaluate it (Simeoni et al. 2025) and DINOv2 has it.

    The encoder lies under `dinov3_vit`, so that a checkpoint that was trained without labels is one without `classifier.`
    """

    base_model_prefix = "dinov3_vit"

    def __init__(self, config: DINOv3ViTConfig) -> None:
        super().__init__(config)
        self.dinov3_vit = DINOv3ViTModel(config)
        self.classifier = nn.Linear(2 * config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, pixel_values: Tensor, **kwargs: Any) -> ImageClassifierOutput:
        """pixel_values: float [batch, channels, rows, columns]. Returns logits [batch, labels], and hidden states where they are asked for.

        Registers, which lie between [CLS] and the patches, are read by no head.
        """
        output = self.dinov3_vit(pixel_values, **kwargs)
        state = output.last_hidden_state
        read = torch.cat([state[:, 0], state[:, 1 + self.config.num_register_tokens :].mean(dim=1)], dim=1)
        return ImageClassifierOutput(logits=self.classifier(read), hidden_states=output.hidden_states)


# exist_ok: the configuration is transformers' own, and only so is the class remembered for it.
AutoModelForImageClassification.register(DINOv3ViTConfig, DINOv3ViTForImageClassification, exist_ok=True)
