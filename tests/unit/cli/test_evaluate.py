"""`sightline evaluate`: the promised keys, and data that do not fit a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.running import Sightline, write_picture

KEYS = {
    "n", "n_failed", "accuracy", "balanced_accuracy", "auroc", "f1_macro", "ece", "ece_by_chance", "abstained", "coverage", "mean_set_size",
    "accuracy_answered", "labels", "confusion", "parents",
}  # fmt: skip
LABELS = ("normal", "bacterial-pneumonia", "viral-pneumonia")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four pictures of each label, an index beside the folders, and a file that is no picture."""
    folder = tmp_path / "data"
    for place, label in enumerate(LABELS):
        for number in range(4):
            write_picture(folder / label / f"{number}.png", seed=10 * place + number)
    (folder / "index.csv").write_text("file\n")
    (folder / "normal" / "notes.txt").write_text("not a picture")
    return folder


def test_the_figures_have_the_promised_names(data: Path, radiograph_model: Path, sightline: Sightline) -> None:
    ran = sightline("evaluate", radiograph_model, "--data", data, "--json")
    told = ran.json
    assert ran.status == 0
    assert set(told) == KEYS
    assert (told["n"], told["n_failed"]) == (12, 1)
    assert told["labels"] == list(LABELS)
    assert [sum(row) for row in told["confusion"]] == [4, 4, 4]
    assert set(told["parents"]) == {"pneumonia"}
    assert set(told["parents"]["pneumonia"]) == {"accuracy", "auroc"}
    assert "notes.txt is a text file" in ran.error


def test_the_figures_can_be_read_by_people(data: Path, radiograph_model: Path, sightline: Sightline) -> None:
    said = sightline("evaluate", radiograph_model, "--data", data).out
    assert said.startswith("12 images, 1 without an answer")
    assert "balanced_accuracy: " in said and "pneumonia: accuracy " in said


@pytest.mark.parametrize("folder", ["tuberculosis", "Normal"])
def test_a_folder_that_is_no_label_is_refused_with_the_labels(
    folder: str, data: Path, radiograph_model: Path, sightline: Sightline
) -> None:
    (data / folder).mkdir()
    ran = sightline("evaluate", radiograph_model, "--data", data)
    assert (ran.status, ran.out) == (2, "")
    assert folder in ran.error
    assert all(label in ran.error for label in (*LABELS, "pneumonia"))


@pytest.mark.parametrize("data", ["nowhere", "nothing"])
def test_data_that_are_none_are_refused(data: str, tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    (tmp_path / "nothing").mkdir()
    ran = sightline("evaluate", radiograph_model, "--data", tmp_path / data)
    assert ran.status == 2
    assert data in ran.error
