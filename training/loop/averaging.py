"""The running mean of the weights, which is smoother than any single step and is what a training leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

AVERAGED = "averaged.safetensors"


class AveragedWeights(TrainerCallback):  # type: ignore[misc]
    """Polyak averaging with a decay that starts low, saved in every checkpoint so that a resumed run goes on with it."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.mean: dict[str, Tensor] = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Move the mean towards the weights of this step."""
        decay = min(self.decay, (1 + state.global_step) / (10 + state.global_step))
        with torch.no_grad():
            for name, value in kwargs["model"].state_dict().items():
                if value.is_floating_point():
                    self.mean[name].lerp_(value.to(self.mean[name].device), 1.0 - decay)
                else:
                    self.mean[name].copy_(value)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Written after everything else of the checkpoint: a folder that has it is whole."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        part = folder / f"{AVERAGED}.part"
        save_file({name: value.contiguous() for name, value in self.mean.items()}, part)
        part.rename(folder / AVERAGED)

    def load(self, checkpoint: Path) -> None:
        """Go on with the mean of a checkpoint."""
        for name, value in load_file(checkpoint / AVERAGED).items():
            self.mean[name].copy_(value)
