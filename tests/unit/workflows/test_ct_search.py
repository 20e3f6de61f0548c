"""A CT slice, a series or a picture becomes one answer: that of its best window, with candidates and further heads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import OutOfRange
from core.inference.ct_search import SliceSearch
from core.inference.engine import Engine, engine_for
from core.inference.prediction import predict_input
from core.prepare.ct import NO_LUNG
from core.prepare.inputs import to_input
from core.readers import read_dicom
from core.report.text import as_text
from core.settings import PROJECT
from core.types import Candidate, Domain, Picture, Study
from core.workflows.ct_places import placed
from core.workflows.ct_search import Ranking, expected_false, search_ct
from core.workflows.image import compose, explain_image, explained_input, predict
from core.workflows.report_files import report_image
from tests.tiny import write_tiny_model
from tests.unit.prepare.ct_slices import chest, slices


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "ct", Domain.CHEST_CT))


@pytest.fixture(scope="module")
def bundled() -> Iterator[Engine]:
    """The model of the zoo."""
    if not (PROJECT / "models" / "zoo" / "chest-ct" / "model.safetensors").is_file():
        pytest.skip("models/zoo/chest-ct is not here: this test needs the bundled model")
    yield engine_for(str(PROJECT / "models" / "zoo" / "chest-ct"))


@pytest.fixture(scope="module")
def engine(folder: str) -> Iterator[Engine]:
    yield engine_for(folder)


def test_a_slice_is_answered_by_its_best_window(engine: Engine) -> None:
    found = search_ct(slices(chest(2.8), spacing=2.8), engine)
    prediction = found.prediction
    assert prediction.probabilities is not None and prediction.candidates is not None
    assert prediction.probability("nodule") == pytest.approx(found.by_slice[0], abs=1e-4)
    assert prediction.probability("nodule") >= max([one.score for one in prediction.candidates], default=0.0) - 1e-3
    assert prediction.frame is None
    assert prediction.searched_for == "nodule" and any(one.code == "ct.best-of-windows" for one in prediction.assumptions)


def test_a_further_head_belongs_to_each_candidate_and_not_to_the_study(engine: Engine) -> None:
    prediction = search_ct(slices(chest(2.8), spacing=2.8), engine).prediction
    assert prediction.heads is None and prediction.candidates
    for one in prediction.candidates:
        assert set(one.ratings) == {"malignancy"} and 0.0 <= one.ratings["malignancy"] <= 1.0
        assert one.as_read()["malignancy"] == pytest.approx(one.ratings["malignancy"], abs=1e-4)


def positioned(*pixels: np.ndarray, orientation: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), **changes: Any) -> Study:  # type: ignore[type-arg]
    """A volume whose slices rise by 3 mm from z = -30."""
    positions = tuple((0.0, 0.0, -30.0 + 3.0 * place) for place in range(len(pixels)))
    facts: dict[str, Any] = {"orientation": orientation, "positions": positions, "is_volume": True, **changes}
    return slices(*pixels, spacing=2.8, **facts)


@pytest.mark.parametrize(("orientation", "side"), [((1.0, 0, 0, 0, 1.0, 0), "right"), ((-1.0, 0, 0, 0, 1.0, 0), "left")])
def test_a_candidate_has_its_side_from_the_geometry(orientation: tuple[float, ...], side: str) -> None:
    study = positioned(chest(2.8), orientation=orientation)
    here = SliceSearch(0, middle=53.0, lung_pixels=100)
    told = placed(Candidate(20.0, 50.0, 0, 0.9, 0.9, None), study, [here])  # type: ignore[arg-type]
    assert (told.side, told.half, told.z_mm, told.zone) == (side, "left", -30.0, None)
    bare = placed(Candidate(20.0, 50.0, 0, 0.9, 0.9, None), slices(chest(2.8), spacing=2.8), [here])  # type: ignore[arg-type]
    assert (bare.side, bare.half, bare.z_mm) == (None, "left", None)


def test_a_candidate_has_its_zone_where_the_series_holds_the_whole_lungs() -> None:
    study = positioned(*[chest(2.8)] * 12)
    lungs = (0, 20, *[100] * 8, 15, 0)
    whole = [SliceSearch(frame, middle=53.0, lung_pixels=pixels) for frame, pixels in enumerate(lungs)]
    zones = [placed(Candidate(20.0, 50.0, frame, 0.9, 0.9, None), study, whole).zone for frame in (1, 5, 10)]  # type: ignore[arg-type]
    assert zones == ["lower", "middle", "upper"]
    cut = [SliceSearch(frame, middle=53.0, lung_pixels=100) for frame in range(12)]
    assert placed(Candidate(20.0, 50.0, 5, 0.9, 0.9, None), study, cut).zone is None  # type: ignore[arg-type]


def test_slices_that_are_no_volume_are_said_to_be_searched_one_by_one(engine: Engine) -> None:
    loose = search_ct(slices(chest(2.8), chest(2.8), spacing=2.8), engine).prediction
    assert any(one.code == "ct.searched-one-by-one" for one in loose.assumptions)
    whole = search_ct(positioned(chest(2.8), chest(2.8)), engine).prediction
    assert not any(one.code == "ct.searched-one-by-one" for one in whole.assumptions)


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({}, None),
        ({"false_marks_per_100_slices": 4.0}, None),
        ({"false_marks_per_100_slices": 4.0, "series": 19}, None),
        ({"false_marks_per_100_slices": 4.0, "series": 20}, 6.0),
        ({"false_marks_per_100_slices": [4.0, 3.0, 5.0], "series": [30, None, None]}, 6.0),
    ],
)
def test_how_many_candidates_are_false_is_known_from_twenty_measured_series_on(metrics: dict[str, Any], expected: float | None) -> None:
    assert expected_false(metrics, 150) == expected


def test_of_a_series_the_slices_without_lung_are_left_out_and_the_best_one_is_named(engine: Engine) -> None:
    empty = chest(2.8, has_lungs=False)
    found = search_ct(slices(empty, chest(2.8), chest(2.8, nodules=((80.0, 150.0),)), spacing=2.8), engine)
    assert set(found.by_slice) == {1, 2}
    assert found.prediction.frame == found.window.frame == max(found.by_slice, key=lambda each: found.by_slice[each])
    assert {one.frame for one in found.prediction.candidates or ()} <= {1, 2}
    alone = search_ct(slices(empty, chest(2.8), spacing=2.8), engine, frame=1)
    assert set(alone.by_slice) == {1}


def test_the_search_for_the_window_that_is_explained_tells_how_far_it_is(engine: Engine) -> None:
    told: list[tuple[int, int]] = []
    explained_input(slices(chest(2.8), chest(2.8), spacing=2.8), engine, watch=lambda done, total: told.append((done, total)))
    assert told[-1] == (2, 2)


def test_an_image_without_lung_is_outside_and_still_answered(engine: Engine) -> None:
    found = search_ct(slices(chest(2.8, has_lungs=False), spacing=2.8), engine)
    assert found.prediction.outside.is_outside and found.prediction.outside.reason == NO_LUNG
    assert found.prediction.prediction is None and found.prediction.probabilities is not None
    assert found.prediction.candidates == ()


def test_an_image_of_which_most_windows_are_strange_is_outside(engine: Engine) -> None:
    known = engine.model.ood_detector
    assert known is not None
    strict = Engine(replace(engine.model, ood_detector=replace(known, threshold=0.0)), engine.runtime)
    prediction = search_ct(slices(chest(2.8), spacing=2.8), strict).prediction
    assert prediction.outside.is_outside and prediction.prediction is None
    assert prediction.outside.reason is not None and prediction.outside.reason.code == "outside.windows"


def test_a_window_is_explained_where_it_was_found_or_where_it_is_asked_for(engine: Engine, folder: str) -> None:
    study = slices(chest(2.8), chest(2.8, nodules=((80.0, 150.0),)), spacing=2.8)
    found = search_ct(study, engine)
    assert explained_input(study, engine).box == found.window.box
    asked = explained_input(study, engine, frame=1, at=(28, 53))
    left, top, width, height = asked.box
    assert (left + width / 2, top + height / 2) == pytest.approx((28, 53), abs=0.2)
    assert asked.frame == 1
    explanation = explain_image(study, folder, "rollout", at=(28, 53), frame=1)
    assert explanation.saliency.shape == (32, 32)
    with pytest.raises(OutOfRange):
        explained_input(study, engine, at=(5000, 5))


def test_a_picture_of_the_windows_size_is_one_window_without_candidates(folder: str) -> None:
    small = Picture("crop.png", "0" * 64, np.random.default_rng(0).integers(0, 255, (32, 32)).astype(np.uint8))
    prediction = predict(small, folder)
    assert prediction.candidates is None and prediction.heads is not None
    large = replace(small, pixels=np.tile(small.pixels, (2, 2)))
    assert predict(large, folder).candidates is not None


def test_a_report_says_how_the_slice_was_read_and_what_was_found(folder: str, tmp_path: Path) -> None:
    study = slices(chest(2.8), spacing=2.8)
    prediction = predict(study, folder)
    text = as_text(compose(study, prediction, None, folder))
    assert "windows of 32 x 32 pixels at 0.7 mm a pixel" in text
    assert "Display window" not in text
    assert text.count("Candidate ") == len(prediction.candidates or ())
    assert "prediction set" not in text and "calibrated" not in text.split("LIMITS")[0]
    made = report_image(study, folder, tmp_path)
    assert all(path.stat().st_size > 0 for path in made.files)


def test_the_nodule_of_the_bundled_phantom_is_found_and_the_phantom_is_inside(bundled: Engine) -> None:
    prediction = search_ct(read_dicom(PROJECT / "sample_data" / "ct-series" / "slice-22.dcm"), bundled).prediction
    assert not prediction.outside.is_outside, prediction.outside
    assert prediction.prediction == "nodule"
    distances = [np.hypot(one.column - 68, one.row - 112) * 1.4 for one in prediction.candidates or ()]
    assert min(distances) < 6.0  # millimetres; its radius is 5.5


def test_a_ramp_is_outside_what_the_bundled_model_knows(bundled: Engine) -> None:
    ramp = (np.indices((56, 56)).sum(axis=0) * 2).astype(np.uint8)
    given = to_input(Picture("a.png", "0" * 64, ramp), bundled.model.preprocess)
    assert predict_input(bundled, given).outside.is_outside


def test_a_series_is_ranked_when_every_eighth_slice_was_searched_and_now_and_then_after_that(engine: Engine) -> None:
    told: list[Ranking] = []
    study = slices(*[chest(4.2) for _ in range(24)], spacing=4.2)
    search_ct(study, engine, rank=told.append)
    assert [(each.slices, each.total) for each in told] == [(3, 24), (19, 24)]
    search_ct(slices(chest(4.2), spacing=4.2), engine, rank=told.append)
    assert len(told) == 2, "one slice has no first look"


def test_thin_slices_are_searched_in_slabs_and_every_slice_has_its_answer_and_its_mark(bundled: Engine) -> None:
    nodules = ((80.0, 150.0),)
    thin = replace(positioned(*[chest(1.4)] * 3, *[chest(1.4, nodules)] * 6), spacing_mm=(1.4, 1.4), slice_spacing_mm=0.8)
    told: list[tuple[int, int]] = []
    found = search_ct(thin, bundled, watch=lambda done, total: told.append((done, total)))
    assert sorted(found.by_slice) == list(range(9))
    assert told[-1] == (9, 9) and len(told) == 3
    assert any(one.code == "ct.thin-slices-averaged" for one in found.prediction.assumptions)
    assert found.prediction.candidates
    best = max(found.prediction.candidates, key=lambda one: len(one.marks))
    frames = [mark.frame for mark in best.marks]
    assert frames == list(range(frames[0], frames[-1] + 1)) and {4, 7} <= set(frames)
    assert abs(best.column * 1.4 - 80.0) < 6.0 and abs(best.row * 1.4 - 150.0) < 6.0
    one_slice = search_ct(thin, bundled, frame=5)
    assert one_slice.by_slice == {5: pytest.approx(found.by_slice[5], abs=1e-4)}  # the same slab, read the same
    at_place = explained_input(thin, bundled, 5, (best.column, best.row))
    assert at_place.frame == 5 and any(one.code == "ct.thin-slices-averaged" for one in at_place.assumptions)


def test_a_series_that_does_not_end_with_a_whole_slab_is_searched_to_its_end(engine: Engine) -> None:
    thin = replace(positioned(*[chest(2.8)] * 7), slice_spacing_mm=0.8)
    assert sorted(search_ct(thin, engine).by_slice) == list(range(7))


def test_a_candidate_of_an_even_slab_lies_between_its_two_middle_slices() -> None:
    study = replace(positioned(*[chest(2.8)] * 4), slice_spacing_mm=1.25)
    here = SliceSearch(0, middle=53.0, lung_pixels=100)
    one = Candidate(10.0, 10.0, 0, 0.9, 0.9, None)  # type: ignore[arg-type]
    assert placed(one, study, [here]).z_mm == pytest.approx(-28.5)  # of slices at -30 and -27
