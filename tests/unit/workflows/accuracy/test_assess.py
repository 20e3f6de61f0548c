"""Labels that come back become areas with intervals, and whatever is not of the sample is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pytest

from core.accuracy.sample import ReferenceSample
from core.errors import InputError, NotFound, OutOfRange, UnreadableFile
from core.workflows.accuracy.assess import assess_files
from core.workflows.accuracy.result import MappedFolder, open_result
from core.workflows.accuracy.sample import SampleWish, make_sample
from core.workflows.accuracy.sample_files import write_sample
from tests.unit.workflows.accuracy.mapped_folders import LABELS, as_in_truth, fill, rows_of, truth, write_map


@pytest.fixture
def found(tmp_path: Path) -> MappedFolder:
    return open_result(write_map(tmp_path / "map"))


@pytest.fixture
def sample(found: MappedFolder, tmp_path: Path) -> ReferenceSample:
    drawn = make_sample(found, SampleWish(points=240))
    write_sample(drawn, found, tmp_path / "points.gpkg")
    return drawn


@pytest.fixture
def labelled(sample: ReferenceSample, tmp_path: Path) -> Path:
    return fill(tmp_path / "points.csv", tmp_path / "first.csv", as_in_truth, rater="A. Rater", image="before.tif", seconds=4.5)


def test_areas_hold_the_truth_in_their_intervals_and_the_matrix_holds_every_point(
    found: MappedFolder, labelled: Path, tmp_path: Path
) -> None:
    assess_files(found, [labelled], tmp_path / "out")
    told = json.loads((tmp_path / "out" / "accuracy.json").read_text())
    ground = truth()[1:]
    for place, label in enumerate(LABELS):
        area = told["areas"][label]
        assert area["low"] <= 0.01 * (ground == place).sum() <= area["high"]
        assert area["low"] < area["value"] < area["high"]
    assert sum(area["value"] for area in told["areas"].values()) == pytest.approx(0.01 * ground.size, rel=1e-3)
    assert np.sum(told["matrix"]["points"]) == told["n"] == 240
    assert set(told) >= {"overall", "users", "producers", "f1", "areas", "n", "strata"}
    assert told["overall"]["low"] < told["overall"]["value"] < told["overall"]["high"]


def test_everything_that_is_told_is_in_tables_and_in_the_report(found: MappedFolder, labelled: Path, tmp_path: Path) -> None:
    assess_files(found, [labelled], tmp_path / "out")
    areas = {row["class"]: row for row in rows_of(tmp_path / "out" / "areas.csv")}
    told = json.loads((tmp_path / "out" / "accuracy.json").read_text())
    for label in LABELS:
        assert float(areas[label]["low"]) == pytest.approx(told["areas"][label]["low"])
        assert float(areas[label]["mapped_hectares"]) == pytest.approx(told["areas"][label]["mapped"])
    matrix = rows_of(tmp_path / "out" / "error_matrix.csv")
    assert [[int(row[label]) for label in LABELS] for row in matrix] == told["matrix"]["points"]
    report = (tmp_path / "out" / "report.md").read_text()
    assert "95 % interval" in report and "A. Rater" in report and "before.tif" in report and "4.5 s" in report
    assert f"{told['areas']['Forest']['low']:,.1f} ha" in report
    assert (tmp_path / "out" / "report.pdf").stat().st_size > 1000


def test_which_image_was_looked_at_and_for_how_long_stays_with_each_point(found: MappedFolder, labelled: Path, tmp_path: Path) -> None:
    assess_files(found, [labelled], tmp_path / "out")
    rows = rows_of(tmp_path / "out" / "labelled_points.csv")
    assert {(row["rater"], row["image"], row["seconds"]) for row in rows} == {("A. Rater", "before.tif", "4.5")}


def test_two_raters_are_compared_and_the_first_counts(found: MappedFolder, labelled: Path, tmp_path: Path) -> None:
    second = fill(tmp_path / "points.csv", tmp_path / "second.csv", lambda row, column: "Forest")
    both = assess_files(found, [labelled, second], tmp_path / "both")
    alone = assess_files(found, [labelled], tmp_path / "alone")
    assert both.result.accuracy.overall == alone.result.accuracy.overall
    told = json.loads((tmp_path / "both" / "accuracy.json").read_text())["agreement"]
    forest = sum(row["label"] == "Forest" for row in rows_of(labelled))
    assert told["raw"]["value"] == pytest.approx(forest / 240) and len(told["differing"]) == 240 - forest
    assert told["kappa"]["value"] == pytest.approx(0.0)
    assert {row["second"] for row in rows_of(tmp_path / "both" / "labelled_points.csv")} == {"Forest"}


def test_a_geopackage_says_the_same_as_a_csv(found: MappedFolder, labelled: Path, tmp_path: Path) -> None:
    frame = geopandas.read_file(tmp_path / "points.gpkg")
    told = {row["id"]: row["label"] for row in rows_of(labelled)}
    frame["label"] = [told[name] for name in frame["id"]]
    frame.to_file(tmp_path / "labelled.gpkg", layer="sample", driver="GPKG")
    one, other = (assess_files(found, [tmp_path / name], tmp_path / "out") for name in ("first.csv", "labelled.gpkg"))
    assert one.result.accuracy.overall == other.result.accuracy.overall


def test_points_come_back_in_any_order_with_other_columns_and_separators(found: MappedFolder, labelled: Path, tmp_path: Path) -> None:
    rows = rows_of(labelled)[::-1]
    lines = ["LABEL;note;ID", *(f"{row['label'].upper()};x;{row['id']}" for row in rows)]
    (tmp_path / "other.csv").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    one, other = (assess_files(found, [tmp_path / name], tmp_path / "out") for name in ("first.csv", "other.csv"))
    assert one.result.accuracy.overall == other.result.accuracy.overall


def test_points_without_a_label_are_told(found: MappedFolder, sample: ReferenceSample, tmp_path: Path) -> None:
    half = fill(tmp_path / "points.csv", tmp_path / "half.csv", lambda row, column: as_in_truth(row, column) if column % 2 else "")
    assessed = assess_files(found, [half], tmp_path / "out")
    missing = sum(row["label"] == "" for row in rows_of(half))
    assert 0 < missing < 240 and len(assessed.result.reference) == 240 - missing
    assert f"without a label: {missing}." in (tmp_path / "out" / "report.md").read_text()


def of_another_sample(text: str) -> str:
    return text.replace("-0001", "-9999")


def twice(text: str) -> str:
    return text + text.splitlines()[1] + "\n"


def of_no_class(text: str) -> str:
    return text.replace("SeaLake", "Desert")


def without_labels(text: str) -> str:
    return text.replace("label", "class")


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        (of_another_sample, InputError, "-9999"),
        (twice, InputError, "two labels"),
        (of_no_class, OutOfRange, "Forest, SeaLake, Highway"),
        (without_labels, UnreadableFile, "no column label"),
        (lambda text: "id,label\n", InputError, "holds no label"),
        (lambda text: "id,label\n7,Forest\n", InputError, "of no one sample"),
        (lambda text: "id,label\nabc-0001,Forest\n", NotFound, "no sample 'abc'"),
        (lambda text: "\0\1\2", UnreadableFile, "no column id and no column label"),
    ],
)
def test_labels_that_are_not_of_the_sample_are_refused_and_nothing_is_written(
    found: MappedFolder, labelled: Path, tmp_path: Path, spoil: Callable[[str], str], kind: type[InputError], words: str
) -> None:
    labelled.write_text(spoil(labelled.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(kind) as refused:
        assess_files(found, [labelled], tmp_path / "out")
    assert words in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_polygons_of_change_that_somebody_judged_are_no_labels(found: MappedFolder, sample: ReferenceSample, tmp_path: Path) -> None:
    """What a threshold or a recipe learned from has no id of a sample."""
    frame = geopandas.read_file(tmp_path / "points.gpkg")
    frame["geometry"] = frame.geometry.buffer(20)
    frame["id"], frame["label"] = [str(number) for number in range(len(frame))], "Forest"
    frame.to_file(tmp_path / "changes.gpkg", layer="changes", driver="GPKG")
    with pytest.raises(InputError, match="of no one sample"):
        assess_files(found, [tmp_path / "changes.gpkg"], tmp_path / "out")


def test_the_assessment_is_never_written_over_the_map(found: MappedFolder, labelled: Path) -> None:
    before = {file.name for file in found.folder.iterdir()}
    with pytest.raises(InputError, match="folder of the map"):
        assess_files(found, [labelled], found.folder / ".." / "map")
    assert {file.name for file in found.folder.iterdir()} == before


def test_a_stratum_that_nobody_labelled_is_named(found: MappedFolder, sample: ReferenceSample, tmp_path: Path) -> None:
    rare = {point.id for point in sample.points if point.place.stratum == 2}
    filled = fill(tmp_path / "points.csv", tmp_path / "first.csv", as_in_truth)
    kept = [line for line in filled.read_text().splitlines() if line.partition(",")[0] not in rare]
    filled.write_text("\n".join(kept))
    with pytest.raises(InputError, match="'Highway'"):
        assess_files(found, [filled], tmp_path / "out")
