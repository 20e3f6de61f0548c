"""The shortcut alarm: a planted mark that decides is found, named and measured; an honest twin and mere chance raise none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.inference.engine import Engine, engine_for
from core.prepare.cue import Cue, cue_mask, read_cue
from core.prepare.tensor import standardise
from core.readers import read_image
from core.settings import PROJECT
from core.types import ModelInput
from core.workflows.explaining.shortcuts import Shortcuts, pooled, shortcuts_among
from core.workflows.explaining.twins import marked_input
from core.workflows.image import explained_input

TWINS = PROJECT / "models" / "twins" / "chest-xray"
CASES = 6


def twin(decides: bool) -> tuple[Engine, Cue]:
    for name in ("a", "b"):
        cue = read_cue(TWINS / name)
        assert cue is not None
        if cue.decides is decides:
            return engine_for(str(TWINS / name)), cue
    raise AssertionError("of the twins one cheats and one does not")


def inputs(engine: Engine, cue: Cue) -> list[ModelInput]:
    """The sample radiographs, moved a little each time, with the mark at its place."""
    made = []
    for number in range(CASES):
        name = ("child-pneumonia.dcm", "child-normal.dcm")[number % 2]
        given = explained_input(read_image(PROJECT / "sample_data" / "real" / name), engine)
        shown = np.roll(given.shown, (3 * number, -2 * number), axis=(1, 2))
        made.append(marked_input(replace(given, shown=shown, values=standardise(shown, engine.model.preprocess)), engine, cue))
    return made


def found(decides: bool) -> tuple[Shortcuts, Engine, Cue]:
    engine, cue = twin(decides)
    return shortcuts_among(engine, inputs(engine, cue), "relevance"), engine, cue


def test_a_mark_that_decides_raises_the_alarm_at_its_place_with_the_loss_without_it() -> None:
    told, engine, cue = found(decides=True)
    assert told.cases == {cue.labels[0]: CASES}
    place = told.places[0]
    assert place.is_alarm and place.share >= 0.5 and place.before - place.masked > 0.4 > place.elsewhere
    left, top, width, height = place.box
    rows, columns = engine.model.token_grid
    mine = np.zeros((rows, columns), dtype=bool)
    mine[round(top * rows) : round((top + height) * rows), round(left * columns) : round((left + width) * columns)] = True
    assert (mine & cue_mask(cue, (rows, columns))).sum() >= 0.5 * mine.sum()
    assert "upper" in place.place and told.as_json()["places"][0]["alarm"] is True


def test_where_the_same_mark_comes_by_chance_there_is_no_alarm() -> None:
    told, *_ = found(decides=False)
    assert told.n == CASES and not any(place.is_alarm for place in told.places)


def test_what_is_strongest_by_luck_is_pooled_nowhere() -> None:
    random = np.random.default_rng(1)
    maps = [random.permuted(np.arange(64) < 3).reshape(8, 8) for _ in range(30)]
    assert not pooled(maps, 2).any()
    for each in maps[:20]:
        each[0, 7] = True
    assert list(zip(*np.nonzero(pooled(maps, 2)), strict=True)) == [(0, 7)]


@pytest.mark.parametrize("cases", [1, 4])
def test_few_cases_tell_of_no_place(cases: int) -> None:
    engine, cue = twin(decides=True)
    assert shortcuts_among(engine, inputs(engine, cue)[:cases], "relevance").places == ()
