"""What does each kind of attention cost, in time and in memory, as tokens grow?

    python benchmarks/attention_cost.py                  64 to 4,096 tokens, a table for RESULTS.md
    python benchmarks/attention_cost.py --runs 21        the median of more runs

One forward pass of an image BERT of random weights without gradients: batch 1, width 128, four layers, one thread. Time is that of the
processor, which on a machine without other work is the time that passes. Memory is the most that
torch's allocator holds at once beyond the weights and the image, from its own record of what was allocated and freed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from models.bert_image import BertImageConfig, BertImageForImageClassification, attention_captured

PATCH = 4
SIDES = (8, 16, 32, 64)
"""Tokens a side."""
SIZES: dict[str, Any] = {
    "num_channels": 3, "patch_size": PATCH, "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 512,
    "pooling": "mean",
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "full (SDPA)": {},
    "full, its matrix formed": {},
    "windows of 8 x 8 in every layer": {"window_size": 8, "windowed_layers": 4},
    "windows of 8 x 8 in two of four": {"window_size": 8, "windowed_layers": 2},
    "linear, 128 features": {"attention": "linear", "random_features": 128},
    "pyramid, merged after layers 1 and 2": {"merges": [1, 2]},
}
FORMED = "full, its matrix formed"


def forward(kind: str, network: BertImageForImageClassification, image: torch.Tensor) -> None:
    """One pass; where the matrix is formed, each layer's is let go when the next begins, as eager attention does."""
    with torch.inference_mode():
        if kind != FORMED:
            network(pixel_values=image)
            return
        with attention_captured(network) as captured:
            hooks = [layer.register_forward_hook(lambda *_: captured.clear()) for layer in network.bert.encoder.layer]
            network(pixel_values=image)
        for hook in hooks:
            hook.remove()


def milliseconds(kind: str, network: BertImageForImageClassification, image: torch.Tensor) -> float:
    """Processor time of one pass."""
    began = time.process_time()
    forward(kind, network, image)
    return (time.process_time() - began) * 1e3


def peak_megabytes(kind: str, network: BertImageForImageClassification, image: torch.Tensor) -> float:
    """The most bytes that were allocated and not yet freed during one pass, in 10^6."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        forward(kind, network, image)
    changes = [event for event in recorded.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(changes, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak / 1e6


def main() -> None:
    """Print the table. Kinds take turns at each size, so that other work on the machine slows all alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11, help="passes that the median is of")
    runs = parser.parse_args().runs
    torch.set_num_threads(1)
    cells: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for side in SIDES:
        image = torch.randn(1, 3, side * PATCH, side * PATCH)
        configs = {kind: BertImageConfig(image_size=side * PATCH, **SIZES, **changes) for kind, changes in KINDS.items()}
        networks = {kind: BertImageForImageClassification(config).eval() for kind, config in configs.items()}
        for kind, network in networks.items():
            forward(kind, network, image)  # the first pass sets things up
        times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for _ in range(runs):
            for kind, network in networks.items():
                times[kind].append(milliseconds(kind, network, image))
        for kind, network in networks.items():
            cells[kind].append(f"{statistics.median(times[kind]):,.1f} ms, {peak_megabytes(kind, network, image):,.1f} MB")
            print(f"{side * side:,} tokens, {kind}: {cells[kind][-1]}", file=sys.stderr, flush=True)
    print("| attention | " + " | ".join(f"{side * side:,} tokens" for side in SIDES) + " |")
    print("|---" * (len(SIDES) + 1) + "|")
    for kind, row in cells.items():
        print(f"| {kind} | " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
