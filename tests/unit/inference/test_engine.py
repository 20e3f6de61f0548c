"""The engine answers any thread as the network itself would, on the device of the settings."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import BrokenModel, DeviceError, NotFound, OutOfRange
from core.inference import engine as module
from core.inference.engine import Engine, ModelOwner, engine_for, open_engine
from core.inference.outputs import outputs_of
from core.inference.runtimes import Runtime
from core.inference.runtimes.torch import TorchNetwork
from core.settings import Settings
from core.types import Domain, FloatImage
from models import registry
from models.bert_image import attention_captured
from models.registry import LoadedModel, load_model
from tests.tiny import HEADS, LAYERS, WIDTH, tiny_network, write_tiny_model


def test_the_engine_says_what_the_network_says(engine: Engine, values: FloatImage) -> None:
    with torch.no_grad():
        expected = engine.model.network(torch.from_numpy(values))
    forward = engine.forward(values)
    np.testing.assert_allclose(forward.logits, expected.logits.numpy(), atol=1e-5)
    np.testing.assert_allclose(forward.embeddings, expected.embedding.numpy(), atol=1e-5)
    assert {forward.logits.dtype, forward.embeddings.dtype} == {np.dtype(np.float32)}
    assert forward.embeddings.shape == (40, (LAYERS + 1) * WIDTH)
    assert forward.seconds > 0.0 and engine.notices == ()


def test_token_logits_lie_on_the_grid_row_by_row(engine: Engine) -> None:
    wide = np.random.default_rng(0).normal(size=(2, 1, 16, 40)).astype(np.float32)
    tokens = engine.forward(wide).token_logits
    assert tokens is not None and tokens.shape == (2, 2, 5, 3)
    with torch.no_grad():
        expected = engine.model.network(torch.from_numpy(wide)).token_logits
    np.testing.assert_allclose(tokens[:, 1, 0], expected[:, 5].numpy(), atol=1e-5)
    np.testing.assert_allclose(tokens.mean(axis=(1, 2)), engine.forward(wide).logits, atol=1e-5)


def test_a_head_that_speaks_for_no_token_gives_no_token_logits(tmp_path: Path, values: FloatImage) -> None:
    model = load_model(str(write_tiny_model(tmp_path / "cls", pooling="cls")))
    assert Engine(model, Runtime()).forward(values[:1]).token_logits is None


def test_many_threads_get_what_each_asked_for(engine: Engine, values: FloatImage) -> None:
    alone = engine.forward(values).logits
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda index: engine.forward(values[index : index + 1]).logits[0], range(len(values))))
    np.testing.assert_allclose(np.stack(answers), alone, atol=1e-5)


def test_two_who_explain_at_once_queue_and_do_not_mix(engine: Engine, values: FloatImage) -> None:
    """Captured attention registers on the shared network: side by side, each would find the other's matrices in its list."""
    together = threading.Barrier(4)

    def attention(model: LoadedModel, index: int) -> FloatImage:
        with torch.no_grad(), attention_captured(model.network) as captured:
            model.network(torch.from_numpy(values[index : index + 1]))
        assert len(captured) == LAYERS
        return captured[-1].numpy()

    def explain(index: int) -> FloatImage:
        together.wait()
        return engine.run(lambda model: attention(model, index))

    alone = [engine.run(lambda model, index=index: attention(model, index)) for index in range(4)]  # type: ignore[misc]
    with ThreadPoolExecutor(4) as pool:
        for index, found in enumerate(pool.map(explain, range(4))):
            assert found.shape == (1, HEADS, 16, 16)
            np.testing.assert_allclose(found, alone[index], atol=1e-6)
    assert engine.model.network.config._attn_implementation == "sdpa"


def test_work_with_the_network_has_gradients_and_leaves_none(engine: Engine, values: FloatImage) -> None:
    def work(model: LoadedModel) -> float:
        given = torch.from_numpy(values[:1]).requires_grad_()
        model.network(given).logits[0, 0].backward()
        assert given.grad is not None
        return float(given.grad.abs().sum())

    assert engine.run(work) > 0.0
    assert all(parameter.grad is None for parameter in engine.model.network.parameters())


def test_memory_that_runs_out_during_work_is_the_devices_fault(engine: Engine) -> None:
    def work(model: LoadedModel) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(DeviceError, match="Memory ran out"):
        engine.run(work)


@pytest.mark.parametrize("shape", [(0, 1, 32, 32), (1, 32, 32), (1, 3, 32, 32), (1, 1, 30, 32), (1, 1, 32, 0)])
def test_inputs_that_the_network_cannot_take_are_refused(engine: Engine, shape: tuple[int, ...]) -> None:
    with pytest.raises(OutOfRange, match="inputs of 1 channels whose sides are multiples of 8 x 8 pixels"):
        engine.forward(np.zeros(shape, dtype=np.float32))


# ---------------------------------------------------------------- placement and precision


def test_every_tensor_of_a_pass_lies_on_the_runtimes_device(values: FloatImage, engine: Engine) -> None:
    """On the meta device a tensor that was left on the CPU stops the pass."""
    for pooling in ("mean", "cls"):
        model = engine.model.with_network(tiny_network(pooling=pooling).to("meta"))
        network = TorchNetwork(outputs_of(model), Runtime("meta"))
        found = network.tensors(values)
        assert {tensor.device.type for tensor in found.values()} == {"meta"}
        assert found["logits"].shape == (40, 3)
        larger = network.tensors(np.zeros((1, 1, 64, 64), dtype=np.float32))
        assert larger["logits"].device.type == "meta"


def test_an_input_that_stays_behind_is_noticed(values: FloatImage, engine: Engine) -> None:
    model = engine.model.with_network(tiny_network().to("meta"))
    with pytest.raises(RuntimeError):
        TorchNetwork(outputs_of(model), Runtime("cpu")).tensors(values)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_lower_precision_is_near_and_comes_back_as_float32(engine: Engine, values: FloatImage, precision: str) -> None:
    lower = Engine(engine.model, Runtime("cpu", precision)).forward(values[:8])
    exact = engine.forward(values[:8])
    assert lower.logits.dtype == np.float32
    assert not np.array_equal(lower.logits, exact.logits)
    np.testing.assert_allclose(lower.logits, exact.logits, atol=0.25)


def test_work_with_the_network_is_in_full_precision_whatever_the_runtime(engine: Engine, values: FloatImage) -> None:
    lower = Engine(engine.model, Runtime("cpu", "bf16"))
    with torch.no_grad():
        found = lower.run(lambda model: model.network(torch.from_numpy(values[:1])).logits)
    np.testing.assert_allclose(found.detach().numpy(), engine.forward(values[:1]).logits, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
def test_a_gpu_gives_the_answers_of_the_cpu(tmp_path: Path, engine: Engine, values: FloatImage) -> None:
    folder = str(write_tiny_model(tmp_path / "tiny"))
    exact = Engine(load_model(folder, "cuda"), Runtime("cuda", "fp32", "GPU"))
    np.testing.assert_allclose(exact.forward(values).logits, engine.forward(values).logits, atol=1e-4)
    lower = Engine(load_model(folder, "cuda"), Runtime("cuda", "bf16", "GPU"))
    np.testing.assert_allclose(lower.forward(values).logits, engine.forward(values).logits, atol=0.25)


# ---------------------------------------------------------------- the owner of all models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "zoo" / "chest")


def test_a_second_call_gives_the_same_engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "settings", lambda: Settings(zoo=folder.parent))
    first = engine_for(str(folder))
    assert engine_for(str(folder)) is first
    assert engine_for("chest") is first
    assert engine_for(os.path.relpath(folder)) is first


def test_two_who_open_a_model_at_once_share_it(folder: Path) -> None:
    owner, together = ModelOwner(open_engine), threading.Barrier(4)

    def opened(_: int) -> Engine:
        together.wait()
        return owner.engine_for(str(folder))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(opened, range(4)))) == 1


def test_new_weights_give_a_new_engine_and_the_old_one_still_answers(folder: Path, values: FloatImage) -> None:
    owner = ModelOwner(open_engine)
    old = owner.engine_for(str(folder))
    before = old.forward(values[:1]).logits
    write_tiny_model(folder, Domain.RADIOGRAPH, seed=1)
    new = owner.engine_for(str(folder))
    assert new is not old and new.model.weights_hash != old.model.weights_hash
    np.testing.assert_allclose(old.forward(values[:1]).logits, before, atol=1e-6)
    assert not np.allclose(new.forward(values[:1]).logits, before)


def test_a_new_calibration_is_a_new_model_too(folder: Path) -> None:
    owner = ModelOwner(open_engine)
    old = owner.engine_for(str(folder))
    (folder / "calibration.json").write_text('{"temperature": 3.25, "conformal_threshold": 0.5}', encoding="utf-8")
    calibration = owner.engine_for(str(folder)).model.calibration
    assert calibration is not None and calibration.temperature == 3.25
    assert old.model.calibration is not None and old.model.calibration.temperature == 1.5


def test_what_cannot_be_opened_is_told_and_not_kept(folder: Path) -> None:
    owner = ModelOwner(open_engine)
    with pytest.raises(NotFound):
        owner.engine_for("nothing-of-that-name")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    with pytest.raises(BrokenModel):
        owner.engine_for(str(folder))
    (folder / "model.safetensors").write_bytes(weights)
    assert owner.engine_for(str(folder)).model.id == "chest"


def test_an_engine_lies_where_the_settings_say(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "choose_runtime", lambda: Runtime("meta"))
    engine = ModelOwner(open_engine).engine_for(str(folder))
    assert {parameter.device.type for parameter in engine.model.network.parameters()} == {"meta"}
    assert engine.runtime.device == "meta"
