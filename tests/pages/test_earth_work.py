"""What the Earth page computes: a comparison that is switched off stops, and a map is drawn while it is made."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from core.jobs import JobProgress
from core.readers import read_scene
from core.render.preview import Preview
from core.sources.scenes import SceneFiles
from core.ui.earth import comparison
from core.ui.earth.page_state import EarthState
from core.ui.earth.work import change_task, land_cover, previews, stop_switched_off
from core.ui.models import own
from core.ui.state.session import Session, Task
from core.ui.state.uploads import OpenFolder
from tests.unit.readers.scenes.geotiff_files import write_geotiff

PATIENCE = 20.0


@pytest.fixture
def here(home: Path, tmp_path: Path) -> EarthState:
    """Two dates of one place that the model of land cover reads; there is no change model."""
    groups = []
    for year in ("2019", "2021"):
        path = write_geotiff(tmp_path / f"{year}.tif", np.full((3, 64, 64), 900, np.uint16), descriptions=("B04", "B03", "B02"))
        groups.append(SceneFiles((path,), read_scene([path])))
    return EarthState(results=OpenFolder(), groups=groups, pair=(0, 1), model="land-cover", method="classes")


def begin(task: Task[object]) -> threading.Event:
    """Work without an end. Set when it was told to stop."""
    stopped = threading.Event()

    def endless(progress: JobProgress) -> None:
        while not progress.is_cancelled:
            stopped.wait(0.01)
        stopped.set()
        progress.update(0)

    task.start("Comparing", endless, "tiles")
    return stopped


def test_a_comparison_by_a_method_that_is_switched_off_stops(here: EarthState) -> None:
    session = Session()
    stopped = begin(change_task(session, here))
    stop_switched_off(session, here)
    assert not stopped.wait(0.1), "the method is still chosen"
    here.method = "embedding"
    stop_switched_off(session, here)
    assert stopped.wait(PATIENCE)
    assert change_task(session, here).job is None
    assert session.running() == []


def test_a_map_by_a_model_that_was_changed_stops_and_one_of_a_date_out_of_view_goes_on(here: EarthState) -> None:
    session = Session()
    other = begin(land_cover(session, here, 0))
    here.pair = (1, 1)
    stop_switched_off(session, here)
    assert not other.wait(0.1), "it was asked for, and the model is the same"
    here.model = "another"
    stop_switched_off(session, here)
    assert other.wait(PATIENCE)


def test_a_map_is_shown_as_far_as_it_is_done_while_it_is_made_and_not_after(here: EarthState) -> None:
    session = Session()
    preview = here.previews[0, "land-cover"] = Preview(64, 64)
    assert previews(here) == {}, "nothing is under way"
    task = land_cover(session, here, 0)
    stopped = begin(task)
    assert previews(here) == {}, "no row is done"
    preview.add(0, np.zeros((16, 64), np.uint8))
    assert previews(here) == {0: (preview, 0)}
    assert task.job is not None
    task.job.cancel()
    assert stopped.wait(PATIENCE) and task.job.wait(PATIENCE)
    task.settle()
    assert previews(here) == {}


def test_a_comparison_asks_for_no_session_in_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked() -> Session:
        raise AssertionError("a job has no session: it would get a new one, without the user's own models")

    monkeypatch.setattr(own, "session", asked)
    monkeypatch.setattr(comparison, "change_engine_for", lambda name: name)
    monkeypatch.setattr(comparison, "method_for", lambda engine, **others: engine)
    opened: object = comparison.opened_method("change-sentinel2", "", comparison.BY_MODEL, "", "")
    assert opened == "change-sentinel2"
