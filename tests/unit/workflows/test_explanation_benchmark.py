"""The table of all methods by all measures: by answer, with intervals, resumable, in a time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import BadRecipe, NoAttention, NotFound, OutOfRange, SightlineError, UnreadableFile
from core.inference.engine import engine_for
from core.workflows.evaluation.drawn import drawings_in, is_drawing
from core.workflows.evaluation.explanations import (
    MEASURES,
    PRIOR,
    RECORD,
    BenchmarkPlan,
    ExplanationBenchmark,
    benchmark_explanations,
)
from tests.tiny import SIDE, write_tiny_model
from tests.tiny_encoders import write_tiny_encoder

QUICK = ("rollout", "grad-cam", "libra-grad")


def picture(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (64, 64), dtype=np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("benchmark") / "model")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for number in range(6):
        picture(tmp_path / "data" / "some" / f"{number}.png", number)
    (tmp_path / "data" / "index.csv").write_text('file,"boxes_64px_[label,x,y,w,h]"\nsome/0.png,"[[""a"", 0, 0, 32, 32]]"\nsome/1.png,[]\n')
    return tmp_path / "data"


def run(model: Path, data: Path, plan: BenchmarkPlan, failed: list[str] | None = None) -> ExplanationBenchmark:
    def note(label: str, error: SightlineError) -> None:
        (failed if failed is not None else []).append(label)

    return benchmark_explanations(str(model), data, data, plan, lambda done, total: None, note)


def test_every_method_has_every_measure_that_it_can_have_by_the_answer(model: Path, data: Path) -> None:
    (data / "some" / "broken.png").write_bytes(b"no picture")
    failed: list[str] = []
    found = run(model, data, BenchmarkPlan(QUICK, limit=30, maps=20), failed)
    assert (found.n, found.n_failed, found.n_outside, found.n_drawn, found.is_whole) == (6, 1, 0, 1, True)
    assert failed == [f"{data / 'some' / 'broken.png'}"]
    labels = {each.label for each in found.cells}
    assert labels <= set(engine_for(str(model)).model.labels)
    counted = [each.n for each in found.cells if (each.method, each.measure) == ("rollout", "gain")]
    assert sum(counted) == 6, "each image under its own answer"
    for label in labels:
        for method in QUICK:
            told = {each.measure for each in found.cells if (each.label, each.method) == (label, method)}
            assert {"gain", "supported", "p", "saco", "sensitivity", "filling", "agreement", "seconds"} <= told <= set(MEASURES)
            assert "dropping" not in told, "nobody measured this network with tokens left out"
            assert ("conservation_error" in told) == (method == "libra-grad")
    drawn = {each.method for each in found.cells if each.measure == "energy"}
    assert drawn == {*QUICK, PRIOR} and {each.measure for each in found.cells if each.method == PRIOR} == {"energy", "pointing", "overlap"}
    for each in found.cells:
        assert (each.low is None) == (each.n == 1)
        assert each.low is None or each.high is None or each.low - 1e-9 <= each.mean <= each.high + 1e-9


def test_what_was_measured_before_is_not_measured_again(model: Path, data: Path, tmp_path: Path) -> None:
    record = tmp_path / RECORD
    first = run(model, data, BenchmarkPlan(("rollout",), limit=2, maps=20, record=record))
    kept = record.read_text().splitlines()
    assert len(kept) == first.n
    record.write_text(record.read_text() + '{"image": "cut o')
    every = run(model, data, BenchmarkPlan(("rollout",), limit=30, maps=20, record=record))
    lines = record.read_text().splitlines()
    assert every.n == 6 and lines[: len(kept)] == kept, "the lines of before stay, and their images are not measured again"
    again = run(model, data, BenchmarkPlan(("rollout",), limit=30, maps=20, record=record))
    assert again.cells == every.cells and record.read_text().splitlines() == lines
    other = run(model, data, BenchmarkPlan(("rollout",), limit=30, maps=21, record=record))
    assert other.n == 6 and len(record.read_text().splitlines()) == len(lines) + 6, "of other random maps nothing was known"


def test_when_the_time_is_up_what_was_measured_is_told(model: Path, data: Path) -> None:
    with pytest.raises(BadRecipe, match="more --seconds"):
        run(model, data, BenchmarkPlan(QUICK, limit=30, maps=20, seconds=1e-9))
    found = run(model, data, BenchmarkPlan(QUICK, limit=30, maps=20, seconds=0.4))
    assert not found.is_whole and 1 <= found.n < 6


def test_what_cannot_be_measured_is_refused_with_the_reason(model: Path, data: Path, tmp_path: Path) -> None:
    for plan, kind in (
        (BenchmarkPlan(("magic",)), NotFound),
        (BenchmarkPlan(limit=0), OutOfRange),
        (BenchmarkPlan(seconds=0.0), OutOfRange),
    ):
        with pytest.raises(kind):
            run(model, data, plan)
    with pytest.raises(NotFound, match="not a folder"):
        run(model, data / "none", BenchmarkPlan())
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRecipe, match="Nothing in"):
        run(model, tmp_path / "empty", BenchmarkPlan())
    swin = write_tiny_encoder(tmp_path / "swin", "swin")
    with pytest.raises(NoAttention):
        run(swin, data, BenchmarkPlan(("rollout",)))


def test_boxes_and_masks_are_found_beside_the_images(data: Path) -> None:
    drawings = drawings_in(data)
    drawn = drawings.of(data / "some" / "0.png", (64, 64))
    assert drawn is not None and drawn[:32, :32].all() and drawn.sum() == 32 * 32
    assert drawings.of(data / "some" / "1.png", (64, 64)) is None
    readers = np.zeros((64, 64), dtype=np.uint8)
    readers[5, 5:9] = (1, 2, 3, 4)
    Image.fromarray(readers).save(data / "some" / "2_readers.png")
    mask = drawings.of(data / "some" / "2.png", (64, 64))
    assert mask is not None and mask.sum() == 3, "what at least two readers drew"
    Image.fromarray(readers).save(data / "some" / "3_mask.png")
    assert drawings.of(data / "some" / "3.png", (64, 64)).sum() == 4  # type: ignore[union-attr]
    assert is_drawing(data / "some" / "3_mask.png") and not is_drawing(data / "some" / "3.png")
    with pytest.raises(UnreadableFile, match="one size"):
        drawings.of(data / "some" / "3.png", (SIDE, SIDE))
    (data / "index.csv").write_text("file,boxes\nsome/0.png,[[1]]\n")
    with pytest.raises(UnreadableFile, match="Line 2"):
        drawings_in(data)


def test_the_record_is_of_one_line_an_image(model: Path, data: Path, tmp_path: Path) -> None:
    run(model, data, BenchmarkPlan(("grad-cam",), limit=1, maps=20, record=tmp_path / RECORD))
    (line,) = (json.loads(each) for each in (tmp_path / RECORD).read_text().splitlines())
    assert line["weights"] == engine_for(str(model)).model.weights_hash and set(line["figures"]) >= {"grad-cam"}


def test_images_in_which_something_was_drawn_come_first(model: Path, data: Path) -> None:
    assert run(model, data, BenchmarkPlan(("rollout",), limit=1, maps=20)).n_drawn == 1
