"""Which methods find a planted cue that decides a network's answers, and which raise a false alarm in the twin that it does not decide?

    python benchmarks/planted_cue.py chest-xray ../shared/data/chest-xray/train --images 10

The cue is drawn into each image as both twins read it; the label that it goes with is explained by every method with its own settings.
The k strongest tokens are counted on the cue, k being the tokens of the cue (core/explain/probes/cheater.py). Prints a table for RESULTS.md
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.explain.evidence import no_progress
from core.explain.measure.opponents import on_token_grid
from core.explain.probes.cheater import CueFinding, cue_scores, share_on_cue
from core.explain.registry import COMMON, method_of, methods_for
from core.explain.targets import target_of
from core.inference.engine import Engine, engine_for
from core.prepare.cue import Cue, cue_mask, read_cue
from core.readers import read_image
from core.settings import settings
from core.types import FloatImage, Image
from core.workflows.explaining.twins import TWIN_NAMES, marked_input
from core.workflows.image import explained_input

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm"})


def main() -> None:
    """Print one line a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pair", help="folder of a pair of twins, beside the zoo")
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=10)
    asked = parser.parse_args()
    cheater, honest, cue = twins_of(settings().zoo.parent / "twins" / asked.pair)
    cases = [findings(read_image(file), cheater, honest, cue) for file in drawn(asked.data, asked.images)]
    mask = cue_mask(cue, cheater.model.token_grid)
    print(f"{asked.pair}: {len(cases)} images, k = {int(mask.sum())} of {mask.size} tokens, {100 * mask.mean():.1f} % by chance\n")
    print("| method | found | false alarms | mean share on the cue | of the honest twin |\n|---|---|---|---|---|")
    for score in sorted(cue_scores(cases), key=lambda each: (-each.found, each.false_alarms)):
        print(f"| {score.method} | {score.found:.2f} | {score.false_alarms:.2f} | {score.cheater:.2f} | {score.honest:.2f} |")


def twins_of(folder: Path) -> tuple[Engine, Engine, Cue]:
    """(cheater, honest, cue). Raises InputError where the folder holds no pair of them."""
    cues = {name: read_cue(folder / name) for name in TWIN_NAMES}
    deciding = [name for name, cue in cues.items() if cue is not None and cue.decides]
    if len(deciding) != 1:
        raise InputError(f"{folder} holds no pair of twins of which one cheats.", "Name a folder of models/twins.")
    cue = cues[deciding[0]]
    assert cue is not None
    other = next(name for name in TWIN_NAMES if name != deciding[0])
    return engine_for(str(folder / deciding[0])), engine_for(str(folder / other)), cue


def drawn(data: Path, count: int) -> list[Path]:
    """So many files of a folder, always the same ones."""
    files = sorted(path for path in data.rglob("*") if path.suffix.lower() in ENDINGS)
    return [files[place] for place in np.random.default_rng(0).permutation(len(files))[:count]]


def findings(image: Image, cheater: Engine, honest: Engine, cue: Cue) -> list[CueFinding]:
    """Of every method on one image."""
    mask = cue_mask(cue, cheater.model.token_grid)
    found = []
    for method in methods_for(cheater.model):
        on_cheater, on_honest = (share_on_cue(tokens(image, engine, cue, method), mask) for engine in (cheater, honest))
        found.append(CueFinding(method, on_cheater, on_honest, float(mask.mean())))
    return found


def tokens(image: Image, engine: Engine, cue: Cue, method: str) -> FloatImage:
    """The map of the marked image, float32 [rows, columns] of tokens."""
    given = marked_input(explained_input(image, engine), engine, cue)
    chosen = method_of(method)
    found = chosen.run(engine, given, target_of(engine, given, cue.labels[0]), {**chosen.defaults, **COMMON}, no_progress)
    return found.tokens.values if found.tokens is not None else on_token_grid(found.pixels, engine.model.patch)


if __name__ == "__main__":
    main()
