"""What the Radiology page holds of an image, and the words that it finds for it."""

from __future__ import annotations

import io
import time
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from core.errors import Cancelled, DeviceError, UnreadableFile
from core.explain.measure.verdict import verdict_of
from core.inference.engine import engine_for
from core.jobs import Job, JobProgress
from core.prepare.inputs import to_input
from core.readers import read_dicom, read_series
from core.readers.dicom import frames
from core.readers.dicom.decode import decode_frame
from core.readers.dicom.pixels import PixelLayout
from core.report.editing import edit_section
from core.settings import PROJECT
from core.types import Domain, Gain, Target
from core.ui.radiology import page_state as radiology
from core.ui.radiology import study_viewer, work
from core.ui.radiology.explanation_panel import rank_words, token_words
from core.ui.radiology.exports import Taken
from core.ui.radiology.models import models_for, why_no_model
from core.ui.radiology.page_state import ImageAnswer
from core.ui.radiology.study_facts import geometry_words, image_facts, kept_header, plane
from core.ui.radiology.thumbnail import study_thumbnail
from core.ui.state.errors import OUR_FAULT, words_of
from core.ui.state.session import Session, Task
from core.ui.state.uploads import OpenFolder
from core.ui.viewer import Click
from core.ui.widgets.faithfulness import verdict_words
from core.workflows.image import open_images
from tests.pages.conftest import waited
from tests.unit.report.examples import explanation as explained

SAMPLES = PROJECT / "sample_data"
RADIOGRAPH = SAMPLES / "chest-radiograph.dcm"
CT = SAMPLES / "ct-series"


@pytest.fixture
def opening(home: Path) -> radiology.Opening:
    return radiology.Opening(read_dicom(SAMPLES / "real" / "child-pneumonia.dcm"))


def test_what_a_user_wrote_outlives_a_new_map_unless_its_facts_changed(opening: radiology.Opening) -> None:
    session = Session()
    answer = work.answer(session, opening, "chest-xray")
    waited(answer)
    assert answer.value is not None
    prediction = answer.value.prediction
    before = work.report(opening, "chest-xray", prediction, None)
    opening.report = edit_section(edit_section(before, "findings", "Clear lungs."), "explanation", "There is no map.")
    opening.target = ("rollout", prediction.labels[0])
    shown = replace(explained(), model="chest-xray", target=Target.of_label(prediction.labels[0]))
    after = work.report(opening, "chest-xray", prediction, shown)
    assert dict(after.edited) == {"findings": "Clear lungs."}


def test_a_click_finds_its_token_and_a_second_one_lets_go(opening: radiology.Opening) -> None:
    rows, columns = study_viewer.size_of(opening.image)
    study_viewer.pick_token(opening, (4, 4), Click(columns - 1, 0, 0, "both"))
    assert opening.clicked == (0, 3)
    study_viewer.pick_token(opening, (4, 4), Click(columns // 2, rows - 1, 0, "both"))
    assert opening.clicked == (3, 2)
    study_viewer.pick_token(opening, (4, 4), Click(columns // 2, rows - 1, 0, "both"))
    assert opening.clicked is None


def test_ct_is_answered_by_the_model_of_ct_and_radiographs_by_that_of_radiographs(home: Path) -> None:
    assert models_for(read_dicom(CT / "slice-22.dcm")) == ["chest-ct"]
    assert models_for(read_dicom(RADIOGRAPH)) == ["chest-xray"]
    ultrasound = replace(read_dicom(RADIOGRAPH), modality="US", sop_class_uid="")
    assert models_for(ultrasound) == []
    assert why_no_model(ultrasound)[0] == "No model on this machine reads US"


def test_an_export_names_nobody_and_holds_the_map(opening: radiology.Opening) -> None:
    session = Session()
    answer: Task[ImageAnswer] = work.answer(session, opening, "chest-xray")
    waited(answer)
    assert answer.value is not None
    label = answer.value.prediction.labels[0]
    task = work.explanation_task(session, opening, "chest-xray", ("rollout", label))
    waited(task)
    assert task.value is not None
    taken = Taken(opening.image, "chest-xray", work.report(opening, "chest-xray", answer.value.prediction, task.value), task.value)
    with zipfile.ZipFile(io.BytesIO(taken.archive())) as archive:
        names = set(archive.namelist())
        saliency = np.load(io.BytesIO(archive.read("saliency.npy")))
        texts = archive.read("report.md") + archive.read("report.json") + archive.read("explanation.json")
    assert {"report.md", "report.pdf", "report.json", "overlay.png", "saliency.npy", "explanation.json"} <= names
    np.testing.assert_array_equal(saliency, task.value.saliency)
    assert RADIOGRAPH.name.encode() not in texts


def test_stopped_work_does_not_begin_by_itself(home: Path) -> None:
    def endless(progress: JobProgress) -> None:
        while True:
            progress.update(1, 2)
            time.sleep(0.01)

    task: Task[None] = Task()
    task.ensure("Waiting", endless, "steps")
    job = task.job
    assert job is not None
    job.cancel()
    waited(task)
    assert isinstance(job.error, Cancelled)
    assert task.was_stopped
    task.ensure("Waiting", endless, "steps")
    assert task.job is None
    task.start_again()
    assert task.job is not None
    task.job.cancel()


def test_a_dropped_folder_takes_its_files_along(home: Path) -> None:
    class Named:
        name = "../../evil/name.dcm"

        def getbuffer(self) -> memoryview:
            return memoryview(b"1")

    folder = OpenFolder()
    (kept,) = folder.keep([Named()])
    assert kept.name == "name.dcm"
    assert kept.is_relative_to(folder.path)
    del folder
    assert not kept.exists()


# ---------------------------------------------------------------- words


def test_an_error_of_ours_is_told_under_a_code_without_its_values() -> None:
    told = words_of(ValueError("MUELLER^HANS"))
    assert told.title == OUR_FAULT
    assert "MUELLER" not in str(told)
    assert words_of(UnreadableFile("a.dcm is cut off.", "Send it again.")).message == "a.dcm is cut off."
    assert words_of(DeviceError("No memory.")).title == "The device ran out of memory or failed"


@pytest.mark.parametrize(
    ("p", "opponents", "words"),
    [
        (0.01, {}, "Supported: the map shows what this network uses"),
        (0.06, {}, "Not supported: not clearly better than random maps as smooth (p = 0.06"),
        (0.01, {"edges": 0.4}, "Not supported: the picture of the image's edges does as well"),
        (
            0.01,
            {"centre": 0.5, "random_weights": 0.6},
            "Not supported: a centred prior and the same method on random weights do",
        ),
        (0.01, {"random_weights": None}, "Not supported: there is no map of the same method on random weights"),
    ],
)
def test_the_verdict_says_only_what_the_ranks_support(p: float, opponents: dict[str, float | None], words: str) -> None:
    others = {"centre": 0.1, "edges": 0.1, "random_weights": 0.1, **opponents}
    assert verdict_words(Gain(0.4, p, 100, -0.1, 0.2, others, verdict_of(0.4, p, others))).startswith(words)


def test_a_token_is_placed_and_ranked_in_words() -> None:
    assert token_words((0, 3), (14, 14), Domain.RADIOGRAPH).startswith("Patch 4 across, 1 down: upper third of the left half of the image")
    tokens = np.array([[0.1, 0.4], [0.2, 0.3]], np.float32)
    assert rank_words(tokens, (1, 1)) == "Number 2 of 4 patches in this map, at 75 % of the strongest."


def test_the_study_tab_tells_what_was_kept_and_nothing_else(home: Path) -> None:
    study = read_dicom(RADIOGRAPH)
    facts = dict(image_facts(study))
    assert facts["Pixels"] == "0.35 mm, at the detector"
    assert facts["Age"] == "4 years"
    assert facts["SHA-256"] == sha256(RADIOGRAPH.read_bytes()).hexdigest()
    kept = dict(kept_header(study))
    assert kept["Modality"] == "DX"
    assert not any(word in name for name in kept for word in ("Name", "Instance UID", "Date", "Institution", "Patient ID"))


def test_slices_that_are_no_volume_are_said_to_be_none() -> None:
    files = sorted(CT.iterdir())
    (volume,) = read_series(files[:6], "ct")
    assert geometry_words(volume).startswith("One volume")
    gap = read_series([*files[:4], *files[9:12]], "ct")
    assert all(study.shape[0] == 1 or geometry_words(study).startswith("Not one volume") for study in gap if not study.is_volume)
    assert geometry_words(replace(volume, is_volume=False)).startswith("Not one volume")


@pytest.mark.parametrize(
    ("orientation", "said"),
    [
        ((1, 0, 0, 0, 1, 0), "axial"),
        ((0, 1, 0, 0, 0, -1), "sagittal"),
        ((1, 0, 0, 0, 0, -1), "coronal"),
        ((1, 0, 0, 0, 0.8, 0.6), "oblique, nearest to axial"),
        (None, ""),
    ],
)
def test_the_plane_follows_from_the_direction_cosines(orientation: tuple[float, ...] | None, said: str) -> None:
    assert plane(orientation) == said


def test_a_header_without_values_makes_no_facts() -> None:
    study = replace(read_dicom(RADIOGRAPH), header=Dataset(), age_years=None, spacing_mm=None, orientation=None)
    assert {name for name, value in image_facts(study) if value} >= {"Kind", "Size"}
    assert dict(image_facts(study))["Age"] == ""


def test_a_radiograph_is_decoded_once_for_viewer_model_and_list(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []

    def counted(layout: PixelLayout, index: int) -> Any:
        decoded.append(index)
        return decode_frame(layout, index)

    monkeypatch.setattr(frames, "decode_frame", counted)
    state = radiology._opened_state(open_images([RADIOGRAPH], tmp_path, lambda done, total: None), OpenFolder(""))
    image = state.opening.image
    shown = work._pack(image, JobProgress(Job("slices")))
    assert shown.packed.piece("0") is not None
    given = to_input(image, engine_for("chest-xray").model.preprocess)
    assert given.values.shape[0] == 1 and study_thumbnail(image)
    assert decoded == [0]
