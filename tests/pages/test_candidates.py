"""What was found in CT: outlined on its slices, and visited where it can be seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from core.readers import read_series
from core.settings import PROJECT
from core.types import Candidate, Mark, Picture
from core.ui.radiology import page_state as radiology
from core.ui.radiology import study_viewer, work
from core.ui.radiology.candidates import Visit, candidate_boxes, candidate_words, ranking_words
from core.ui.radiology.page_state import ImageAnswer
from core.ui.radiology.study_show import lung_window
from core.ui.state.session import Session, Task
from core.ui.viewer import Click, Viewport, pack_study
from core.workflows.ct_search import Ranking
from tests.pages.conftest import waited

CT = PROJECT / "sample_data" / "ct-series"


def test_a_candidate_is_outlined_on_its_slice_and_the_map_lies_on_the_window_that_was_read(home: Path) -> None:
    study = read_series(sorted(CT.iterdir())[20:23], "series")[0]
    opening, session = radiology.Opening(study), Session()
    task: Task[ImageAnswer] = work.answer(session, opening, "chest-ct")
    waited(task)
    answer = task.value
    assert answer is not None and answer.searched is not None
    best = answer.searched.window
    assert study_viewer.read_box(study, answer) == best.box
    assert [study_viewer.is_read_from(answer, index) for index in range(3)] == [index == best.frame for index in range(3)]
    outlined = [candidate_boxes(answer.searched, index) for index in range(3)]
    assert sum(map(len, outlined)) == sum(len(one.marks) for one in answer.prediction.candidates or ())
    first = (answer.prediction.candidates or ())[0]
    assert candidate_words(replace(first, ratings={"malignancy": 0.9991})).endswith(", malignancy > 0.99")  # never as if certain
    left, top, width, height = outlined[first.frame][0]
    assert left < first.column < left + width and top < first.row < top + height
    left, top, width, height = best.box
    study_viewer.pick_token(opening, answer.grid, Click(round(left + width - 1), round(top + 1), best.frame, "both"), answer)
    assert opening.clicked == (0, answer.grid[1] - 1)
    study_viewer.pick_token(opening, answer.grid, Click(0, 0, best.frame, "both"), answer)
    assert opening.clicked is None


def test_a_candidate_is_visited_through_the_window_of_the_lung_and_a_picture_keeps_its_own(home: Path) -> None:
    study = read_series(sorted(CT.iterdir())[20:23], "series")[0]
    opening = radiology.Opening(study, viewport=Viewport(slice=1, centre=40.0, width=400.0), visit=Visit(1, (10.0, 12.0, 20.0, 20.0), 2))
    shown = study_viewer.image_view(opening, radiology.Slices(pack_study(study)), None, None, has_overlay=False)
    command = shown.as_data()["command"]
    assert command["slice"] == 2
    assert command["window"] == {"centre": -600.0, "width": 1500.0, "shape": "LINEAR"}
    assert Viewport().at_slice(2, lung_window(study)) == Viewport(slice=2, centre=-600.0, width=1500.0)
    assert lung_window(Picture("slice.png", "0" * 64, np.zeros((4, 4), dtype=np.uint8))) is None


def test_a_search_under_way_tells_its_first_candidates_and_that_more_may_come() -> None:
    found = tuple(Candidate(10.0, 10.0, frame, 0.9 - frame / 100, 0.9, None, (Mark(10.0, 10.0, frame),)) for frame in range(7))  # type: ignore[arg-type]
    lines = ranking_words(Ranking(found, 38, 300))
    assert lines[0] == "So far, in 38 of 300 slices; better may come, and some may go:"
    assert [line[:7] for line in lines[1:]] == ["Slice 1", "Slice 2", "Slice 3", "Slice 4", "Slice 5"]
    assert ranking_words(Ranking((), 38, 300)) == ("So far, in 38 of 300 slices, no candidate was found.",)
    assert ranking_words(None) == ()
