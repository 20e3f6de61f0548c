"""An ablation makes each variant once, by keys of one recipe, and tells what it came to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import BadRecipe
from tests.conftest import PROJECT
from tests.unit.training import crops
from tests.unit.training.conftest import RECIPE, draw_images
from training.ablation import compare as ablation
from training.ablation.compare import pretraining_for, read_ablation, recipe_for, run_all
from training.ablation.table import Result, read_results, table_of
from training.config.recipe import merged, read_table

TABLE = """
base = "tiny.toml"
seeds = [1, 2]
[changes.schedule]
steps = 2
threads = 1
checkpoint_every = 100
[[variant]]
name = "base"
words = "as it is"
[[variant]]
name = "masked-first"
words = "after masked image modelling"
pretraining = { masking = { share = 0.25 }, augmentation = { dropped = [0.0] }, schedule = { steps = 1 } }
changes = { schedule = { steps = 1 } }
"""

COMPARISONS = sorted(path for path in (PROJECT / "training" / "recipes").glob("*.toml") if "variant" in read_table(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "tiny.toml").write_text(RECIPE.format(split="patient", steps=12))
    (tmp_path / "ablation.toml").write_text(TABLE)
    return tmp_path / "ablation.toml"


def test_a_value_within_tables_is_replaced_and_its_neighbours_stay() -> None:
    base = {"network": {"stem": "convolution", "width": 8}, "id": "a"}
    assert merged(base, {"network": {"stem": "linear"}, "more": {"x": 1}}) == {
        "network": {"stem": "linear", "width": 8},
        "id": "a",
        "more": {"x": 1},
    }
    assert base == {"network": {"stem": "convolution", "width": 8}, "id": "a"}


def test_each_run_is_made_once_and_again_only_when_what_decides_it_changes(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, out = draw_images(tmp_path), tmp_path / "out"
    run_all(read_ablation(path), [images], out, only=())
    found = {(one.variant, one.seed): one for one in read_results(out)}
    assert set(found) == {(name, seed) for name in ("base", "masked-first") for seed in (1, 2)}
    assert {one.images_seen for one in found.values()} == {16}, "pretraining is counted, so that all saw as many"
    assert all(0.0 <= one.accuracy <= 1.0 and one.minutes > 0.0 for one in found.values())
    assert found["base", 1].accuracy_half_dropped is not None
    asked: list[str] = []
    monkeypatch.setattr(ablation, "read_all", lambda *_: None)
    monkeypatch.setattr(ablation, "one_run", lambda _, variant, seed, *rest: asked.append(f"{variant.name}-{seed}") or found["base", seed])
    run_all(read_ablation(path), [images], out, only=())
    assert asked == []
    path.write_text(TABLE.replace("share = 0.25", "share = 0.5"))
    run_all(read_ablation(path), [images], out, only=())
    assert asked == ["masked-first-1", "masked-first-2"]


def test_windows_of_ct_are_compared_as_images_are(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(crops.RECIPE.format(steps=12))
    path, out = tmp_path / "ablation.toml", tmp_path / "out"
    path.write_text(TABLE)
    data = crops.draw_crops(tmp_path / "crops")
    run_all(read_ablation(path), [data], out, only=["base"])
    found = read_results(out)
    assert [(one.variant, one.seed, one.images_seen) for one in found] == [("base", 1, 16), ("base", 2, 16)]
    assert all(0.0 <= one.accuracy <= 1.0 for one in found)
    with pytest.raises(BadRecipe, match="no pretraining"):
        run_all(read_ablation(path), [data], out, only=["masked-first"])


def test_pretraining_has_the_network_and_the_split_of_what_follows(path: Path) -> None:
    read = read_ablation(path)
    base, masked = read.variants
    assert pretraining_for(read, base, 1) is None
    before, after = pretraining_for(read, masked, 2), recipe_for(read, masked, 2)
    assert before is not None
    assert before.network == after.network
    assert (before.data.split, before.data.seed, before.schedule.seed) == (after.data.split, after.data.seed, 2)


def test_the_table_has_the_mean_and_the_deviation_over_the_seeds() -> None:
    results = [Result("base", seed, "", accuracy, None, 640, 2.0, 1000, 1.5) for seed, accuracy in ((1, 0.7), (2, 0.8))]
    head, _, row = table_of([("base", "as it is"), ("never-run", "")], results).strip().splitlines()
    assert row == "| `base` | as it is | 0.750 ± 0.071 |  | 2 | 640 | 2.0 | 1,000 | 1.5 |"
    assert head.count("|") == row.count("|")


def test_a_variant_that_is_not_there_is_refused_and_so_is_a_key_that_nothing_reads(path: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="no variant other"):
        run_all(read_ablation(path), [], tmp_path, only=["other"])
    path.write_text(TABLE.replace("steps = 2", "pace = 2"))
    with pytest.raises(BadRecipe, match=r"schedule\.pace"):
        recipe_for(read_ablation(path), read_ablation(path).variants[0], 1)


@pytest.mark.parametrize("path", COMPARISONS, ids=lambda path: path.stem)
def test_every_variant_of_a_comparison_of_the_project_sees_as_many_images(path: Path) -> None:
    read = read_ablation(path)
    for variant in read.variants:
        schedule = merged(read.base, variant.changes)["schedule"]
        before = variant.pretraining.get("schedule", {}).get("steps", 0)
        assert schedule["steps"] + before == read.base["schedule"]["steps"], variant.name
        assert schedule["batch_size"] == read.base["schedule"]["batch_size"]
        assert recipe_for(read, variant, read.seeds[0]).id == f"{variant.name}-{read.seeds[0]}"
    assert json.dumps(read.base)  # what decides a run can be written down
