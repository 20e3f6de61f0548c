"""The network over many images, in float32 and without gradients."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.inference.ood import features
from core.inference.tta import augmented_inputs, mean_over_inputs
from core.types import Preprocess
from models.classifiers import Classifier
from training.data.augment import standardised


@dataclass(frozen=True)
class Outputs:
    """logits: float32 [images, labels]. features: float32 [images, D], what the OOD detector looks at.

    heads: logits of the further heads by name, float32 [images, labels] or [images, tokens, labels].
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    heads: dict[str, NDArray[np.float32]] = field(default_factory=dict)


def answer_all(network: Classifier, images: Tensor, preprocess: Preprocess) -> Outputs:
    """As forward_all, with the logits that predictions are made from: the mean over the views where the preprocessing says so."""
    upright = forward_all(network, images, preprocess)
    if not preprocess.test_time_augmentation:
        return upright
    seen = forward_all(network, torch.from_numpy(augmented_inputs(images.numpy())[len(images) :]), preprocess)
    tokens = set(network.config.token_heads or {})
    return Outputs(
        mean_over_inputs(np.concatenate([upright.logits, seen.logits])),
        upright.features,
        {
            name: found if name in tokens else mean_over_inputs(np.concatenate([found, seen.heads[name]]))
            for name, found in upright.heads.items()
        },
    )


def forward_all(network: Classifier, images: Tensor, preprocess: Preprocess, batch_size: int = 64) -> Outputs:
    """images: uint8 [N, C, rows, columns] at the network's size."""
    network = network.eval()
    logits, seen = [], []
    heads: dict[str, list[Tensor]] = {name: [] for name in network.config.auxiliary_heads}
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            x = standardised(images[start : start + batch_size].float() / 255.0, preprocess)
            output = network(pixel_values=x.to(network.device))
            logits.append(output.logits.float().cpu())
            seen.append(features(x.numpy(), output.embedding.float().cpu().numpy()))
            for name, found in heads.items():
                found.append(output.head_logits[name].float().cpu())
    further = {name: torch.cat(found).numpy() for name, found in heads.items()}
    return Outputs(torch.cat(logits).numpy(), np.concatenate(seen), further)
