"""What does the second look of `change-sentinel2` cost? Processor time of a pair of tiles, with one look and with both.

python benchmarks/change_tta.py --runs 7
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from models.bert_image.test_time_augmentation import averaged_logits
from models.change_registry import LoadedChangeModel, load_change_model

MODEL = "change-sentinel2"
TILES = 16
"""Pairs of tiles of one forward pass."""


def milliseconds_a_pair(model: LoadedChangeModel, factors: tuple[float, ...], runs: int) -> list[float]:
    """Median processor time for each factor of the second look, on one thread, by turns, after a first run that warms up."""
    before, after = (torch.randn(TILES, len(model.preprocess.channels), *model.preprocess.size) for _ in range(2))
    times: list[list[float]] = [[] for _ in factors]
    with torch.inference_mode():
        for _ in range(runs + 1):
            for enlarged, spent in zip(factors, times, strict=True):
                started = time.process_time()
                averaged_logits(model.network, before, after, enlarged)
                spent.append(time.process_time() - started)
    return [statistics.median(spent[1:]) / TILES * 1000.0 for spent in times]


def main() -> None:
    """The command of the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = load_change_model(MODEL)
    one, both = milliseconds_a_pair(model, (0.0, model.preprocess.enlarged), given.runs)
    print(f"one look {one:.1f} ms, both {both:.1f} ms a pair of tiles: {both / one:.2f} times")


if __name__ == "__main__":
    main()
