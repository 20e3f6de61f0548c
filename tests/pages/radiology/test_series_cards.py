"""Several series at once: a card each, the one that suits the models in view, and ways out of what is no volume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import UnreadableFile
from core.readers import read_dicom, read_series
from core.readers.dicom.ways_out import WayOut, ways_out
from core.settings import PROJECT
from core.ui.radiology import page_state, work
from core.ui.radiology.page_state import Opening, RadiologyState, put_in_place
from core.ui.radiology.study_facts import image_facts, series_title, stack_title
from core.ui.radiology.study_show import slice_notes
from core.ui.radiology.ways_out_panel import way_words
from core.ui.state.session import Session
from core.workflows.image import Opened
from tests.pages.conftest import waited
from tests.unit.readers.dicom.dicom_files import write_stack

CT = PROJECT / "sample_data" / "ct-series"
RADIOGRAPH = PROJECT / "sample_data" / "chest-radiograph.dcm"
EVEN = [0.0, 2.5, 5.0, 7.5, 10.0, 12.5]


def test_a_series_of_two_tilted_stacks_is_one_card(shared_data: Path) -> None:
    stacks = read_series(sorted((shared_data / "dicom" / "ct-head-ge-gantry-tilt").iterdir()), "head")
    assert series_title(stacks) == "CT head, 14 + 14 slices, tilted, kernel STD+"
    assert [stack_title(stack).split(", ")[:2] for stack in stacks] == [["14 slices", "4 mm apart"], ["14 slices", "7 mm apart"]]


def test_the_series_that_suits_is_in_view_and_the_others_wait(home: Path) -> None:
    (series,) = read_series(sorted(CT.iterdir())[:6], "chest")
    head = replace(series, body_part="HEAD", series="other")
    refused = (("note.txt", UnreadableFile("note.txt is a text.")),)
    state = page_state._opened_state(Opened((head, series), refused), None)  # type: ignore[arg-type]
    assert state.opening.image.sha256 == series.sha256 and state.chosen == 1 and state.opening.is_proposed
    assert len(state.refused) == 1


def test_a_model_runs_on_the_series_in_view_alone(home: Path) -> None:
    session = Session()
    state = RadiologyState((Opening(read_dicom(RADIOGRAPH)), Opening(read_series(sorted(CT.iterdir()), "chest")[0])))
    begun = work.answer(session, state.openings[1], "chest-ct")
    assert begun.job is not None
    work.stop_unseen(session, state)
    assert not state.openings[1].answers
    waited(work.answer(session, state.openings[0], "chest-xray"))


def test_a_way_out_puts_the_volume_in_place_and_can_be_taken_back(home: Path, tmp_path: Path) -> None:
    write_stack(tmp_path, [*EVEN, 5.0])
    (broken,) = read_series(sorted(tmp_path.iterdir()), "series")
    session, state = Session(), RadiologyState((Opening(read_dicom(RADIOGRAPH)), Opening(broken)), chosen=1)
    offer = ways_out(broken)[0]
    assert offer.way is WayOut.DUPLICATES and way_words(offer) == "Leave out 1 slice that lies where another does"
    from core.ui.radiology.ways_out_panel import _take

    _take(session, state, state.opening, offer.way)
    assert state.chosen == 1 and state.opening.image.is_volume  # type: ignore[union-attr]
    assert state.opening.whole is broken
    put_in_place(session, state, (state.opening,), (Opening(broken),))
    assert state.opening.image is broken and len(state.openings) == 2


@pytest.mark.parametrize("tilted", [False, True])
def test_instance_number_and_table_position_stand_beside_each_slice(tmp_path: Path, tilted: bool) -> None:
    orientation = [1.0, 0.0, 0.0, 0.0, np.cos(0.3), np.sin(0.3)] if tilted else [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    write_stack(tmp_path, [-2.5, 0.0, 2.5], ImageOrientationPatient=orientation, ConvolutionKernel="B50f", SliceThickness=2.5)
    (study,) = read_series(sorted(tmp_path.iterdir()), "series")
    middle = 7.5 * 0.5 * np.sin(0.3) if tilted else 0.0  # the table stands where the middle of the slice does
    numbers = study.instance_numbers
    first = f"instance {numbers[0]}\ntable {study.positions[0][2] + middle:z.1f} mm".replace("-", "\N{MINUS SIGN}")
    assert slice_notes(study)[0] == first
    facts = dict(image_facts(study))
    assert (facts["Kernel"], facts["Slice thickness"], facts["Instance number"]) == ("B50f", "2.5 mm", "1 to 3")
