"""A drawn polygon, and being like another image or patch: against what is computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from shapely.geometry import Polygon, box
from transformers import AutoModelForImageClassification

from core.errors import OutOfRange
from core.explain.catalogue import OFFERED
from core.explain.likeness import likeness_of
from core.explain.overlay import drawn_map
from core.explain.registry import explain, methods_for, sanity_of
from core.explain.targets import network_score, read_logits, scores, target_of, target_probabilities
from core.export.explanation import as_values
from core.inference.engine import Engine, engine_for
from core.report.map_words import scale_ends
from core.types import ModelInput, Target
from tests.tiny import write_tiny_model
from tests.unit.explain.constructed import random_input
from tests.unit.explain.test_variants import VARIANTS, engine_of

TOLERANCE = 1e-5
FEW = {"integrated-gradients": {"steps": 8}, "rise": {"masks": 16}, "smooth-grad": {"samples": 2}}


def embedding(folder: Path, image: ModelInput, patch: int | None = None) -> np.ndarray:  # type: ignore[type-arg]
    network = AutoModelForImageClassification.from_pretrained(folder).eval().double()
    with torch.no_grad():
        states = network(torch.from_numpy(image.values)[None].double(), output_hidden_states=True).hidden_states[-1][0]
    patches = states[1:] if network.config.pooling == "cls" else states
    return (patches.mean(dim=0) if patch is None else patches[patch]).numpy()


def cosine(one: np.ndarray, other: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("at", [None, (17, 9)])
def test_a_likeness_is_the_cosine_of_embeddings(tmp_path: Path, pooling: str, at: tuple[int, int] | None) -> None:
    folder, image, other = write_tiny_model(tmp_path / "model", pooling=pooling), random_input(), random_input(seed=8)
    engine = engine_for(str(folder))
    target = likeness_of(engine, image, other, "another", at)
    expected = cosine(embedding(folder, image), embedding(folder, other, None if at is None else 1 * 4 + 2))
    read = read_logits(engine, image.values[None], target)
    assert scores(engine.model, read, target)[0] == pytest.approx(expected, abs=TOLERANCE)
    assert target_probabilities(engine.model, read, target)[0] == pytest.approx((1 + expected) / 2, abs=TOLERANCE)
    by_network = engine.run(lambda model: float(network_score(model, torch.from_numpy(image.values[None]), target)[0].detach()))
    assert by_network == pytest.approx(expected, abs=TOLERANCE)


def test_an_image_is_most_like_itself_and_every_method_explains_it(engine: Engine, image: ModelInput) -> None:
    itself = likeness_of(engine, image, image, "itself")
    assert scores(engine.model, read_logits(engine, image.values[None], itself), itself)[0] == pytest.approx(1.0, abs=TOLERANCE)
    target = likeness_of(engine, image, random_input(seed=5), "another.png")
    assert not target.is_plain
    found_by = {}
    for method in methods_for(engine.model):
        found = explain(engine, image, method, target, random_maps=20, parameters={"removal_steps": 2, **FEW.get(method, {})})
        told, usual = as_values(image, found), OFFERED[method].unit
        assert told["target"] == {"like": "another.png"} and found.target.number_name == "cosine"
        assert told["unit"] == {"logit": "cosine", "sensitivity": "cosine-sensitivity"}.get(usual, usual)
        assert told["signed"] == (usual == "logit")
        assert "logit" not in " ".join(scale_ends(drawn_map(found)))
        found_by[method] = found
    occluded = found_by["occlusion"].attribution
    gone = image.values.copy()
    gone[:, :8, :8] = 0.0
    fall = np.subtract(*(scores(engine.model, read_logits(engine, each[None], target), target)[0] for each in (image.values, gone)))
    assert occluded is not None and occluded[0, 0, 0] == pytest.approx(fall, abs=TOLERANCE)
    for name in (name for name, each in found_by.items() if each.class_specific):
        plain = explain(engine, image, name, "normal", random_maps=20, parameters={"removal_steps": 2, **FEW.get(name, {})})
        assert not np.allclose(found_by[name].saliency, plain.saliency, atol=1e-3), name
    other = sanity_of(engine, image, explain(engine, image, "grad-cam", target, random_maps=20, parameters={"removal_steps": 2})).other
    assert other in engine.model.labels


@pytest.mark.parametrize("name", VARIANTS)
def test_patches_that_were_merged_have_embeddings_too(tmp_path: Path, name: str) -> None:
    other = engine_of(tmp_path, **VARIANTS[name])
    target = likeness_of(other, random_input(24, 40), random_input(24, 40), "itself", (39, 23))
    assert target.likeness is not None and len(target.likeness.embedding) == 32
    assert -1.0 <= scores(other.model, read_logits(other, random_input(24, 40).values[None], target), target)[0] <= 1.0 + TOLERANCE


def test_a_polygon_means_the_tokens_whose_middle_lies_in_it(engine: Engine, image: ModelInput) -> None:
    triangle = target_of(engine, image, "normal", polygon=Polygon([(0, 0), (25, 0), (0, 25)]))
    assert set(triangle.cells) == {(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2)}
    whole = engine.forward(image.values[None], exact=True).token_logits
    assert whole is not None
    expected = np.mean([whole[0, row, column] for column, row in triangle.cells], axis=0)
    np.testing.assert_allclose(read_logits(engine, image.values[None], triangle)[0], expected, atol=TOLERANCE)
    score = engine.run(lambda model: float(network_score(model, torch.from_numpy(image.values[None]), triangle)[0].detach()))
    assert score == pytest.approx(expected[0], abs=TOLERANCE)
    square = target_of(engine, image, "normal", polygon=box(8, 8, 24, 24))
    corners = target_of(engine, image, "normal", region=(8, 8, 23, 23))
    for method in ("rollout", "relevance", "occlusion"):
        one, two = (explain(engine, image, method, each, random_maps=20, parameters={"removal_steps": 2}) for each in (square, corners))
        np.testing.assert_allclose(one.saliency, two.saliency, atol=TOLERANCE)
    assert one.target.tokens is not None


def test_a_polygon_smaller_than_a_token_means_the_token_it_lies_in_and_one_beside_the_input_none(engine: Engine, image: ModelInput) -> None:
    assert target_of(engine, image, "normal", polygon=box(9, 1, 10, 2)).cells == ((1, 0),)
    with pytest.raises(OutOfRange, match="a polygon that meets the input"):
        target_of(engine, image, "normal", polygon=box(90, 90, 95, 95))
    with pytest.raises(OutOfRange, match="column < 4"):
        explain(engine, image, "rollout", Target("normal", ("normal",), cells=((4, 0),)), random_maps=20)
