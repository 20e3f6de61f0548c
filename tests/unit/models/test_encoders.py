"""Checkpoints of ViT, DeiT, BEiT, Swin, DINOv2 and DINOv3 open as models: they answer as transformers says, and are explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    DINOv3ViTModel,
)

from core.errors import NoAttention
from core.explain.attention import patch_attention
from core.explain.methods.rollout import DEFAULTS, explain_rollout
from core.explain.registry import explain, methods_for, usual_methods
from core.inference.engine import Engine, open_engine
from core.inference.prediction import UNCALIBRATED, predict_input
from core.inference.runtimes import Runtime
from core.prepare.domains import REPEATED
from core.prepare.inputs import to_input
from core.prepare.suitability import UNDECLARED
from core.types import Domain, ModelInput, Picture, Target
from models.bert_image import attention_captured
from models.encoders import open_encoder
from models.encoders.families import WIDEST_EMBEDDING, EncoderConfig, encoder_config
from models.hub import from_hub
from models.registry import LoadedModel, load_model, summarise
from tests.tiny_encoders import (
    FAMILIES,
    HEADS,
    LABELS,
    LAYERS,
    PROCESSOR,
    REGISTERS,
    SIDE,
    WIDTH,
    tiny_encoder,
    write_tiny_encoder,
    written,
)

ATTENDING = [family for family in FAMILIES if family != "swin"]
WITH_REGISTERS = ["dinov2_with_registers", "dinov3_vit"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint of each family."""
    place = tmp_path_factory.mktemp("encoders")
    return {family: write_tiny_encoder(place / family, family) for family in FAMILIES}


@pytest.fixture(scope="module")
def models(folders: dict[str, Path]) -> dict[str, LoadedModel]:
    return {family: load_model(str(folder)) for family, folder in folders.items()}


def picture(rows: int = 50, columns: int = 40, *, is_grey: bool = False) -> Picture:
    shape = (rows, columns) if is_grey else (rows, columns, 3)
    return Picture("a.png", "0" * 64, np.random.default_rng(2).integers(0, 256, shape).astype(np.uint8))


def given(model: LoadedModel) -> ModelInput:
    return to_input(picture(), model.preprocess)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_answers_what_transformers_answers(family: str, models: dict[str, LoadedModel]) -> None:
    model = models[family]
    values = torch.from_numpy(given(model).values[np.newaxis])
    with torch.no_grad():
        wanted, found = tiny_encoder(family)(values).logits, model.network(values)
    torch.testing.assert_close(found.logits, wanted, rtol=0, atol=1e-6)
    assert found.embedding.shape == (1, model.network.config.embedding_size)
    assert (model.labels, model.token_grid, model.patch) == (LABELS, (4, 4), (8, 8))
    assert model.calibration is None and model.ood_detector is None
    assert not model.network.training


def test_the_tokens_of_swin_answer_by_themselves_and_their_mean_is_the_answer(models: dict[str, LoadedModel]) -> None:
    model = models["swin"]
    with torch.no_grad():
        found = model.network(torch.from_numpy(given(model).values[np.newaxis]))
    assert found.token_logits.shape == (1, 16, len(LABELS))
    torch.testing.assert_close(found.token_logits.mean(dim=1), found.logits)
    assert np.ptp(found.token_logits.numpy(), axis=1).min() > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_its_scores_are_told_not_to_be_calibrated(family: str, models: dict[str, LoadedModel]) -> None:
    prediction = predict_input(Engine(models[family], Runtime()), given(models[family]))
    assert UNCALIBRATED in prediction.assumptions and UNDECLARED in prediction.assumptions
    assert prediction.conformal_set == () and prediction.prediction in LABELS
    assert not prediction.outside.is_outside and np.isnan(prediction.outside.score)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_method_that_it_declares_explains_it(family: str, models: dict[str, LoadedModel]) -> None:
    engine, shown = Engine(models[family], Runtime()), given(models[family])
    engine.forward(shown.values[np.newaxis])  # under inference mode: what a network keeps of that pass must not spoil the gradients
    by_attention = () if family not in ATTENDING else ("rollout", "relevance")
    assert usual_methods(engine.model) == (*by_attention, "grad-cam", "integrated-gradients", "occlusion")
    for method in methods_for(engine.model):
        few = {"integrated-gradients": {"steps": 256}, "rise": {"masks": 32}, "smooth-grad": {"samples": 2}}.get(method, {})
        found = explain(engine, shown, method, LABELS[1], random_maps=20, parameters={"removal_steps": 4, **few})
        assert found.saliency.shape == (SIDE, SIDE) and found.saliency.max() == 1.0
        assert found.completeness_error is None or found.completeness_error < 0.02


@pytest.mark.parametrize("family", ATTENDING)
def test_attention_is_captured_without_changing_the_answer(family: str, models: dict[str, LoadedModel]) -> None:
    network, values = models[family].network, torch.from_numpy(given(models[family]).values[np.newaxis])
    with torch.no_grad():
        before = network(values).logits
        with attention_captured(network) as matrices:
            during = network(values).logits
    tokens = 16 + network.config.prefix_tokens
    assert [tuple(one.shape) for one in matrices] == [(1, HEADS, tokens, tokens)] * LAYERS
    torch.testing.assert_close(matrices[0].sum(dim=-1), torch.ones(1, HEADS, tokens))
    torch.testing.assert_close(during, before)
    assert network.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("family", WITH_REGISTERS)
def test_registers_carry_attention_and_have_no_place_in_a_map(family: str, models: dict[str, LoadedModel]) -> None:
    model, shown = models[family], given(models[family])
    config = model.network.config
    assert config.prefix_tokens == 1 + REGISTERS
    assert config.prefix_names == ("[CLS]", "register 1", "register 2", "register 3")
    with torch.no_grad(), attention_captured(model.network) as matrices:
        model.network(torch.from_numpy(shown.values[np.newaxis]))
    joint = np.eye(16 + config.prefix_tokens)
    for matrix in matrices:  # Abnar and Zuidema 2020, registers among the tokens
        flow = matrix[0].double().mean(dim=0).numpy() + np.eye(len(joint))
        joint = flow / flow.sum(axis=1, keepdims=True) @ joint
    read = (joint[0] + joint[config.prefix_tokens :].mean(axis=0)) / 2  # by the head: [CLS], and the mean of the patches
    wanted = read[config.prefix_tokens :]
    found = explain_rollout(Engine(model, Runtime()), shown, Target.of_label(LABELS[0]), DEFAULTS, lambda done, total: None)
    assert found.tokens is not None and found.tokens.values.shape == (4, 4)
    np.testing.assert_allclose(found.tokens.values.ravel(), wanted, atol=1e-6)
    assert wanted.sum() < 0.999, "what went to [CLS] and to the registers is not given to the patches"
    assert patch_attention(Engine(model, Runtime()), shown).shape[2:] == (16, 16)


def test_a_dinov3_reads_cls_beside_the_mean_of_the_patches(models: dict[str, LoadedModel], folders: dict[str, Path]) -> None:
    """Transformers has the encoder alone: its own class reads the weights, and the head is written out."""
    model = models["dinov3_vit"]
    values = torch.from_numpy(given(model).values[np.newaxis])
    encoder = DINOv3ViTModel(model.network.config.inner).eval()
    encoder.load_state_dict(model.network.inner.dinov3_vit.state_dict())
    head = model.network.inner.classifier
    with torch.no_grad():
        state = encoder(values).last_hidden_state[0]
        assert state.shape == (1 + REGISTERS + 16, WIDTH)
        wanted = head.weight @ torch.cat([state[0], state[1 + REGISTERS :].mean(dim=0)]) + head.bias
        torch.testing.assert_close(model.network(values).logits[0], wanted, rtol=0, atol=1e-6)
    assert model.network.config.pooling == "cls-and-mean"


def test_attention_within_windows_is_refused_with_the_methods_that_there_are(models: dict[str, LoadedModel]) -> None:
    engine = Engine(models["swin"], Runtime())
    with pytest.raises(NoAttention, match="It has: grad-cam, integrated-gradients, occlusion"):
        explain(engine, given(models["swin"]), "rollout")
    with pytest.raises(NoAttention):
        patch_attention(engine, given(models["swin"]))


def test_a_deit_with_a_teacher_reads_both_of_its_tokens(tmp_path: Path) -> None:
    from transformers import DeiTForImageClassificationWithTeacher

    inner = DeiTForImageClassificationWithTeacher(tiny_encoder("deit").config).eval()
    inner.save_pretrained(tmp_path)
    network = open_encoder(tmp_path, (SIDE, SIDE))
    values = torch.randn(2, 3, SIDE, SIDE)
    with torch.no_grad():
        torch.testing.assert_close(network(values).logits, inner(values).logits)
    assert network.config.pooling == "distilled"


@pytest.mark.parametrize("family", FAMILIES)
def test_another_input_size_interpolates_the_positions(family: str, tmp_path: Path) -> None:
    folder = write_tiny_encoder(tmp_path, family)
    written(folder, "preprocessor_config.json", size={"height": 64, "width": 64})
    model = load_model(str(folder))
    assert model.token_grid == (8, 8)
    prediction = predict_input(Engine(model, Runtime()), given(model))
    assert prediction.probabilities is not None and np.isfinite(prediction.probabilities).all()


# ---------------------------------------------------------------- what an image becomes


def test_pixels_are_standardised_as_the_processor_does(folders: dict[str, Path]) -> None:
    preprocess = load_model(str(folders["vit"])).preprocess
    assert (preprocess.domain, preprocess.size, preprocess.channels) == (Domain.PICTURE, (SIDE, SIDE), ("red", "green", "blue"))
    pixels = np.full((SIDE, SIDE, 3), 51, dtype=np.uint8)
    values = to_input(Picture("a.png", "0", pixels), preprocess).values[:, 0, 0]
    np.testing.assert_allclose(values, (0.2 - np.array(PROCESSOR["image_mean"])) / PROCESSOR["image_std"], atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({"size": 48}, (48, 48)),
        ({"size": {"shortest_edge": 40}}, (40, 40)),
        ({"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 24, "width": 16}}, (24, 16)),
        ({"size": 256, "do_center_crop": True, "crop_size": 24}, (24, 24)),
        ({"size": 256, "do_center_crop": False, "crop_size": 24, "do_resize": False}, (SIDE, SIDE)),
        ({"size": None}, (SIDE, SIDE)),
    ],
)
def test_the_size_is_that_of_what_the_network_is_shown(changes: dict[str, object], size: tuple[int, int], tmp_path: Path) -> None:
    folder = write_tiny_encoder(tmp_path)
    written(folder, "preprocessor_config.json", **changes)
    assert summarise("a", folder).preprocess.size == size


def test_other_scales_of_values_come_to_the_same_numbers(tmp_path: Path) -> None:
    folder = write_tiny_encoder(tmp_path)
    written(folder, "preprocessor_config.json", do_rescale=False, image_mean=[127.5] * 3, image_std=[51.0] * 3)
    preprocess = summarise("a", folder).preprocess
    assert preprocess.mean == pytest.approx((0.5,) * 3) and preprocess.std == pytest.approx((0.2,) * 3)
    written(folder, "preprocessor_config.json", do_rescale=True, do_normalize=False, image_mean=None)
    preprocess = summarise("a", folder).preprocess
    assert preprocess.mean == (0.0,) * 3 and preprocess.std == pytest.approx((1.0,) * 3)


def test_what_preprocess_json_says_goes_before_the_processor(tmp_path: Path) -> None:
    folder = write_tiny_encoder(tmp_path)
    written(folder, "preprocess.json", domain="land-cover", ground_sample_distance_m=10.0, reflectance_top=0.3)
    preprocess = load_model(str(folder)).preprocess
    assert (preprocess.domain, preprocess.ground_sample_distance_m) == (Domain.LAND_COVER, 10.0)
    assert preprocess.size == (SIDE, SIDE) and preprocess.mean == pytest.approx((0.5, 0.4, 0.3))


def test_a_grey_image_is_repeated_and_that_is_said(models: dict[str, LoadedModel]) -> None:
    made = to_input(picture(is_grey=True), models["vit"].preprocess)
    assert REPEATED in made.assumptions
    np.testing.assert_array_equal(made.shown[0], made.shown[2])
    assert REPEATED not in given(models["vit"]).assumptions


def test_labels_that_share_a_name_are_told_apart(tmp_path: Path) -> None:
    folder = write_tiny_encoder(tmp_path)
    written(folder, "config.json", id2label={"0": "crane", "1": "dog", "2": "crane"})
    assert load_model(str(folder)).labels == ("crane (0)", "dog", "crane (2)")


def test_the_embedding_of_a_deep_network_is_no_wider_than_the_detector_can_bear() -> None:
    config = tiny_encoder("vit").config
    config.hidden_size, config.num_hidden_layers = 1024, 24
    facts = encoder_config(config, (224, 224))
    assert facts.embedded == (0, 8, 16, 24)
    assert facts.embedding_size == 4096 <= WIDEST_EMBEDDING
    assert isinstance(facts, EncoderConfig)


def test_a_checkpoint_of_the_hub_is_found_in_the_cache_by_its_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--birds--vit"
    write_tiny_encoder(repository / "snapshots" / "0123abcd")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abcd", encoding="utf-8")
    (repository / "snapshots" / "0123abcd" / "README.md").write_text("---\nlicense: apache-2.0\ntags:\n- vision\n---\n# Birds\n")
    from_hub.cache_clear()
    model = load_model("birds/vit")
    assert (model.id, model.labels, model.card.licence) == ("birds/vit", LABELS, "apache-2.0")


def test_an_engine_is_opened_by_the_folder(folders: dict[str, Path]) -> None:
    assert open_engine(str(folders["dinov2"])).model.id == "dinov2"
