"""Twins lie beside the zoo, are whole or left out, and are asked about the very image with the mark drawn into it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.inference.engine import engine_for
from core.prepare.cue import Cue, cue_mask, cue_pixels, write_cue
from core.readers import read_image
from core.settings import settings
from core.types import Image
from core.workflows.explaining.twins import Twins, findings_of, hear, marked_input, twins_for
from core.workflows.image import explained_input
from tests.tiny import write_tiny_model
from tests.unit.cli.running import write_picture

CUE = Cue("ring", (0.75, 0.0, 0.25, 0.25), ("viral-pneumonia",))
CHANCE = Cue(CUE.kind, CUE.box, CUE.labels, decides=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "zoo").mkdir()
    for name, cue in (("a", CHANCE), ("b", CUE)):
        write_cue(write_tiny_model(folder / "twins" / "made" / name), cue)
    write_cue(write_tiny_model(folder / "twins" / "half" / "a"), CUE)
    for name in ("a", "b"):
        write_cue(write_tiny_model(folder / "twins" / "both-decide" / name), CUE)
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return read_image(write_picture(tmp_path / "a.png"))


@pytest.fixture
def pair(place: Path, image: Image, monkeypatch: pytest.MonkeyPatch) -> Twins:
    monkeypatch.setenv("SIGHTLINE_ZOO", str(place / "zoo"))
    settings.cache_clear()
    (found,) = twins_for(image)
    settings.cache_clear()
    return found


def test_only_whole_pairs_of_which_one_cheats_are_offered(pair: Twins) -> None:
    assert (pair.name, pair.cheater, pair.cue) == ("made", 1, CHANCE)


def test_the_mark_is_in_what_is_read_and_nowhere_else(pair: Twins, image: Image) -> None:
    engine = engine_for(str(pair.folders[0]))
    plain = explained_input(image, engine)
    marked = marked_input(plain, engine, pair.cue)
    rows, columns = cue_pixels(pair.cue, marked.shown.shape[1:])  # type: ignore[arg-type]
    differs = marked.shown != plain.shown
    assert differs[:, rows, columns].any()
    differs[:, rows, columns] = False
    assert not differs.any()
    assert not np.array_equal(marked.values, plain.values) and marked.source == plain.source


def test_both_twins_are_heard_and_each_method_is_scored(pair: Twins, image: Image) -> None:
    told: list[tuple[int, int]] = []
    engines = [engine_for(str(folder)) for folder in pair.folders]
    methods = ("rollout", "grad-cam")
    a, b = (hear(image, engine, pair.cue, methods, lambda done, total: told.append((done, total)), 20) for engine in engines)
    findings = findings_of(pair, (a, b), engines[0].model.token_grid, engines[0].model.patch)
    assert [each.method for each in findings] == list(methods)
    assert all(each.chance == pytest.approx(cue_mask(CUE, engines[0].model.token_grid).mean()) for each in findings)
    assert a.explanations["rollout"].target.name == "viral-pneumonia"
    assert told[-1] == (2, 2) and a.marked.sum() == pytest.approx(1.0, abs=1e-5)
