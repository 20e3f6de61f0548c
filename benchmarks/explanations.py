"""What does a map cost, as multiples of one eager forward pass of the same network?

    python benchmarks/explanations.py                 all methods, a table for RESULTS.md
    python benchmarks/explanations.py --rounds 9      the median of more rounds
    python benchmarks/explanations.py --captum        with Captum's occlusion at its best perturbations_per_eval (a minute or more)

An image BERT of random weights at the scale of ViT-Tiny: 224 px, patches of 16, width 192, 12 layers of 3 heads, a linear stem, fp32, batch
1, one thread. In each round every method and the forward pass run once, so that what else the machine does falls on all alike; the ratio is
that of the medians of the processor's time. Methods are run as pages run them, without what measures their maps.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from captum.attr import Occlusion

from core.explain.evidence import no_progress
from core.explain.registry import COMMON, METHODS
from core.inference.engine import Engine, engine_for
from core.inference.runtimes import choose_runtime
from core.types import ModelInput, Target
from models.bert_image import BertImageConfig, BertImageForImageClassification

SIDE = 224
TINY: dict[str, Any] = {
    "image_size": SIDE, "patch_size": 16, "num_channels": 3, "hidden_size": 192, "num_hidden_layers": 12, "num_attention_heads": 3,
    "intermediate_size": 768, "pooling": "cls", "num_labels": 10,
}  # fmt: skip
QUICK = (
    "rollout", "raw-attention", "relevance", "gradient-rollout", "grad-cam", "eigen-cam", "attn-lrp", "libra-grad", "saliency",
    "input-x-gradient",
)  # fmt: skip
"""Those of a pass or two."""
WINDOW, STRIDE, PER_PASS = 32, 16, (1, 8, 16, 32)
"""Of occlusion: 169 windows; and what Captum is tried with."""


def tiny_engine() -> Engine:
    """A network of that size in the place of land-cover's."""
    torch.manual_seed(0)
    config = BertImageConfig(**TINY, id2label=dict(enumerate(engine_for("land-cover").model.labels)))
    network = BertImageForImageClassification(config).eval()
    preprocess = replace(engine_for("land-cover").model.preprocess, size=(SIDE, SIDE))
    changes: dict[str, Any] = {"config": config, "patch": (16, 16), "token_grid": (14, 14), "preprocess": preprocess}
    return Engine(engine_for("land-cover").model.with_network(network, **changes), choose_runtime())


def seconds(work: Callable[[], Any]) -> float:
    """Of the processor, all threads."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """The command of the module's docstring."""
    parser = argparse.ArgumentParser(description="Cost of maps in forward passes.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--captum", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    engine = tiny_engine()
    values = np.random.default_rng(0).standard_normal((3, SIDE, SIDE)).astype(np.float32)
    image, target = ModelInput(values, np.clip(values, 0, 1), (0.0, 0.0, float(SIDE), float(SIDE))), Target.of_label(engine.model.labels[0])
    network, batch = engine.model.network, torch.from_numpy(values)[None]

    def forward() -> None:
        with torch.no_grad():
            network(pixel_values=batch)

    def by(method: str, **parameters: Any) -> Callable[[], Any]:
        chosen = METHODS[method]
        complete = {**chosen.defaults, **COMMON, **parameters}
        return lambda: chosen.run(engine, image, target, complete, no_progress)

    jobs: dict[str, Callable[[], Any]] = {"forward": forward, **{method: by(method) for method in QUICK}}
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(given.rounds + 1):
        for name, work in jobs.items():
            spent = seconds(work)
            if number:  # the first round warms up
                times[name].append(spent)
    median = {name: statistics.median(each) for name, each in times.items()}
    print(f"one eager forward pass: {1000 * median['forward']:.0f} ms")
    print("| method | forward passes' time |\n|---|---|")
    for name in QUICK:
        print(f"| {name} | {median[name] / median['forward']:.2f} |")
    if given.captum:
        _beside_captum(by("occlusion", window=(WINDOW, WINDOW), stride=(STRIDE, STRIDE)), network, batch, median["forward"])


def _beside_captum(ours: Callable[[], Any], network: torch.nn.Module, batch: torch.Tensor, forward: float) -> None:
    def captum(per_pass: int) -> Callable[[], Any]:
        def run() -> None:
            with torch.no_grad():
                Occlusion(lambda x: network(pixel_values=x).logits[:, 0]).attribute(
                    batch,
                    sliding_window_shapes=(3, WINDOW, WINDOW),
                    strides=(3, STRIDE, STRIDE),
                    baselines=0.0,
                    perturbations_per_eval=per_pass,
                )

        return run

    found = {per_pass: seconds(captum(per_pass)) for per_pass in PER_PASS}
    best = min(found, key=lambda per_pass: found[per_pass])
    ours()  # the graph is made once
    mine = seconds(ours)
    print(f"occlusion of 169 windows: {mine / forward:.0f} forward passes' time; Captum {found[best] / forward:.0f} at {best} a pass;")
    print(f"ours takes {mine / found[best]:.2f} of Captum's time")


if __name__ == "__main__":
    main()
