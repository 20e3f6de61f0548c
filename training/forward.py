"""The network over many images, in float32 and without gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.types import Preprocess
from models.bert_image import BertImageForImageClassification
from training.augment import standardised


@dataclass(frozen=True)
class Outputs:
    """logits: float32 [images, labels]. embeddings: float32 [images, (layers + 1) * width]."""

    logits: NDArray[np.float32]
    embeddings: NDArray[np.float32]


def forward_all(network: BertImageForImageClassification, images: Tensor, preprocess: Preprocess, batch_size: int = 64) -> Outputs:
    """images: uint8 [N, C, rows, columns] at the network's size."""
    network = network.eval()
    logits, embeddings = [], []
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            x = standardised(images[start : start + batch_size].float() / 255.0, preprocess)
            output = network(pixel_values=x.to(network.device))
            logits.append(output.logits.float().cpu())
            embeddings.append(output.embedding.float().cpu())
    return Outputs(torch.cat(logits).numpy(), torch.cat(embeddings).numpy())
