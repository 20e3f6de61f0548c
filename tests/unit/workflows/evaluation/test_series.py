"""Whole series of CT against nodules that are known: which mark is on which nodule, what is counted, and which tables are refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadRecipe, NotFound
from core.metrics import FrocPoint, froc
from core.settings import PROJECT
from core.types import Candidate, Domain, Mark, Study
from core.workflows.evaluation.series import NODULES, Nodule, evaluate_series, hit_by, read_nodules
from tests.tiny import write_tiny_model
from tests.unit.prepare.ct_slices import chest, slices

HEAD = "path,x,y,slice,radius_mm\n"
SERIES = PROJECT / "sample_data" / "ct-series"


def candidate(column: float, row: float, frame: int, *marks: tuple[float, float, int]) -> Candidate:
    window: Any = None
    return Candidate(column, row, frame, 0.9, 0.9, window, (Mark(column, row, frame), *(Mark(*each) for each in marks)))


@pytest.fixture(scope="module")
def study() -> Study:
    """Pixels of 2 mm, slices 3 mm apart."""
    return slices(*[chest(2.0)] * 9, spacing=2.0)


@pytest.fixture(scope="module")
def ct_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny-ct", Domain.CHEST_CT))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with one series of six slices."""
    (tmp_path / "one").mkdir()
    for file in sorted(SERIES.iterdir())[18:24]:
        shutil.copy(file, tmp_path / "one")
    return tmp_path


def test_the_curve_counts_a_lesion_once_and_false_marks_by_the_hundred_slices() -> None:
    points = froc([0.9, 0.8, 0.7, 0.7, 0.6], [0, None, 0, 1, None], lesions=4, slices=50)
    assert points == (FrocPoint(0.0, 0.25), FrocPoint(2.0, 0.25), FrocPoint(2.0, 0.5), FrocPoint(4.0, 0.5))


def test_marks_of_one_score_come_together_whatever_their_order() -> None:
    assert froc([0.5, 0.5], [None, 0], 1, 100) == froc([0.5, 0.5], [0, None], 1, 100) == (FrocPoint(1.0, 1.0),)


def test_without_lesions_there_is_no_curve() -> None:
    assert froc([0.5], [None], 0, 10) == ()


def test_a_mark_is_on_a_nodule_within_its_radius_in_millimetres_across_slices_too(study: Study) -> None:
    nodule = Nodule("", 50.0, 40.0, 4, 7.0, 2)
    assert hit_by(candidate(53.0, 40.0, 4), [nodule], study) == 0  # 6 mm
    assert hit_by(candidate(54.0, 40.0, 4), [nodule], study) is None  # 8 mm
    assert hit_by(candidate(50.0, 40.0, 6), [nodule], study) == 0  # 6 mm
    assert hit_by(candidate(50.0, 40.0, 7), [nodule], study) is None  # 9 mm
    assert hit_by(candidate(70.0, 40.0, 8, (50.0, 41.0, 5)), [nodule], study) == 0  # by its other mark


def test_a_small_nodule_is_hit_as_exactly_as_marks_are(study: Study) -> None:
    small = Nodule("", 50.0, 40.0, 4, 1.0, 2)
    assert hit_by(candidate(51.4, 40.0, 4), [small], study) == 0 and hit_by(candidate(51.6, 40.0, 4), [small], study) is None


def test_of_two_nodules_the_nearer_one_is_hit(study: Study) -> None:
    near, far = Nodule("", 50.0, 40.0, 4, 9.0, 2), Nodule("", 53.0, 40.0, 4, 9.0, 3)
    assert hit_by(candidate(52.0, 40.0, 4), [near, far], study) == 1


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("path,x,y,slice\n", "no column radius_mm"),
        (HEAD + "one,1,2,0,3\n", "Line 2"),
        (HEAD + "one,1,2,1,3\none,a,2,1,3\n", "Line 3"),
        (HEAD + "one,1,2,1,nan\n", "Line 2"),
        (HEAD + "one,1,2,1.5,3\n", "Line 2"),
        (HEAD + ",1,2,1,3\n", "Line 2"),
        (HEAD + "one,1,2\n", "Line 2"),
    ],
)
def test_a_table_that_is_none_says_which_line(table: str, says: str, tmp_path: Path) -> None:
    (tmp_path / NODULES).write_text(table, encoding="utf-8")
    with pytest.raises(BadRecipe, match=says):
        read_nodules(tmp_path / NODULES)


@pytest.mark.parametrize(("line", "says"), [("two,1,2,1,3", "holds 0 series"), ("one,1,2,7,3", "slice 7 of 6")])
def test_a_nodule_of_no_series_and_of_no_slice_is_refused(line: str, says: str, data: Path, ct_model: str, tmp_path: Path) -> None:
    (data / NODULES).write_text(HEAD + line + "\n", encoding="utf-8")
    with pytest.raises(BadRecipe, match=says):
        evaluate_series(ct_model, data, tmp_path)


def test_without_a_table_nothing_is_evaluated(data: Path, ct_model: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=NODULES):
        evaluate_series(ct_model, data, tmp_path)


def test_a_series_is_named_by_its_folder_or_by_a_file_and_what_is_no_volume_is_left_out(data: Path, ct_model: str, tmp_path: Path) -> None:
    names = sorted(path.name for path in (data / "one").iterdir())
    (data / NODULES).write_text(HEAD + f"one,100,120,2,5\none/{names[3]},150,120,3,5\n", encoding="utf-8")
    told: list[str] = []
    found = evaluate_series(ct_model, data, tmp_path, failed=lambda label, error: told.append(error.message))
    assert (found.n_series, found.n_failed, found.n_slices, found.n_nodules) == (1, 0, 6, 2)
    (data / "one" / names[2]).unlink()  # a gap
    with pytest.raises(BadRecipe, match="no series"):
        evaluate_series(ct_model, data, tmp_path, failed=lambda label, error: told.append(error.message))
    assert any("no volume" in each for each in told)


@pytest.mark.slow
def test_the_bundled_model_finds_the_large_lesion_of_a_real_series(shared_data: Path, tmp_path: Path) -> None:
    if not (PROJECT / "models" / "zoo" / "chest-ct" / "model.safetensors").is_file():
        pytest.skip("models/zoo/chest-ct is not here: this test needs the bundled model")
    (tmp_path / "lung").mkdir()
    for number in range(44, 54):
        shutil.copy(shared_data / "dicom" / "ct-chest-series" / f"1-{number:03d}.dcm", tmp_path / "lung")
    (tmp_path / NODULES).write_text(HEAD + "lung,326,285.5,7,8.4\n", encoding="utf-8")
    found = evaluate_series("chest-ct", tmp_path, tmp_path / "work")
    assert found.froc[-1].sensitivity == 1.0 and found.n_slices == 10
    assert found.sensitivity(0.0) is not None and found.sensitivity(200.0) == 1.0
    assert replace(found, n_nodules=0).sensitivity(1.0) is None
