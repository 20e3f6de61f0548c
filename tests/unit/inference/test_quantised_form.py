"""A model's quantised form answers as the network does, to the bit whoever else asks; it is taken for its own weights alone."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import BrokenModel, DeviceError
from core.inference import engine as engine_module
from core.inference.engine import Engine, open_engine
from core.inference.prediction import predict_input
from core.inference.runtimes import Runtime, choose_runtime, measured
from core.settings import PROJECT, Settings, settings
from core.types import FloatImage
from models.folder import hash_of
from models.quantised import has_quantised, write_quantised
from models.registry import LoadedModel, load_model
from tests.quantised_form import form_for, write_form
from tests.tiny import write_tiny_model
from tests.unit.inference.test_prediction import given

ZOO = PROJECT / "models" / "zoo"
INT8 = Runtime(library="openvino", precision="int8")
FP32 = Runtime(library="openvino")
CLOSE = 0.5
"""Of logits whose standard deviation is 1.3: a network of random weights in eight bits."""
LESSER = {"AVX-512 without VNNI": "AVX512_CORE", "VNNI without AMX": "AVX512_CORE_VNNI"}
"""What can be forced: below AVX-512 oneDNN refuses bfloat16, which OpenVINO goes on asking for on a processor that has it."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    return tmp_path / "home"


@pytest.fixture
def model(tmp_path: Path, values: FloatImage) -> LoadedModel:
    folder = write_tiny_model(tmp_path / "chest", stem="convolution", stem_channels=[8, 16, 16], stem_blocks=[1, 0, 0])
    write_form(folder, values[:2])
    return load_model(str(folder))


def opened(model: LoadedModel, runtime: Runtime = INT8) -> Engine:
    return Engine(model, runtime)


def test_layers_compute_in_integers_and_say_nearly_the_same(model: LoadedModel, values: FloatImage) -> None:
    exact, rounded = opened(model, FP32).forward(values), opened(model).forward(values)
    np.testing.assert_allclose(rounded.logits, exact.logits, atol=CLOSE)
    np.testing.assert_allclose(rounded.embeddings, exact.embeddings, atol=CLOSE)
    assert not np.array_equal(rounded.logits, exact.logits), "nothing was rounded"


def test_the_same_input_gets_the_same_bits_alone_among_others_and_in_any_order(model: LoadedModel, values: FloatImage) -> None:
    engine = opened(model)
    together, turned = engine.forward(values), engine.forward(values[::-1].copy())
    with ThreadPoolExecutor(4) as pool:
        alone = np.concatenate(list(pool.map(lambda at: engine.forward(values[at : at + 1]).logits, range(len(values)))))
    np.testing.assert_array_equal(together.logits, alone)
    np.testing.assert_array_equal(together.logits, turned.logits[::-1])
    np.testing.assert_array_equal(together.embeddings, turned.embeddings[::-1])


def test_what_explains_is_computed_in_fp32(model: LoadedModel, values: FloatImage) -> None:
    in_full = opened(model, FP32).forward(values, features=True)
    engine = opened(model)
    np.testing.assert_array_equal(engine.forward(values, exact=True).logits, in_full.logits)
    np.testing.assert_array_equal(engine.forward(values, features=True).features, in_full.features)


def test_a_form_serves_inputs_of_other_sizes(model: LoadedModel, values: FloatImage) -> None:
    wide = np.concatenate([values[:2], values[2:4]], axis=3)  # [2, 1, 32, 64]
    np.testing.assert_allclose(opened(model).forward(wide).logits, opened(model, FP32).forward(wide).logits, atol=CLOSE)


def test_a_form_of_other_weights_is_refused_only_where_it_is_asked_for(model: LoadedModel, values: FloatImage) -> None:
    write_quantised(model.folder, "0123456789ab", form_for(model, values[:2]))
    again = load_model(str(model.folder))
    assert np.isfinite(opened(again, FP32).forward(values).logits).all()
    with pytest.raises(BrokenModel, match="other weights"):
        opened(again)


def test_a_form_of_another_network_is_an_error_that_says_what_to_do(model: LoadedModel, tmp_path: Path, values: FloatImage) -> None:
    other = load_model(str(write_tiny_model(tmp_path / "other", num_hidden_layers=1)))
    write_quantised(other.folder, hash_of(other.folder), form_for(model, values[:2]))
    with pytest.raises(DeviceError, match="OpenVINO cannot run"):
        opened(other).forward(values)


def test_an_answer_says_in_what_it_was_computed(model: LoadedModel, values: FloatImage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "choose_runtime", lambda: INT8)
    answer = predict_input(open_engine(str(model.folder)), given(values[0]))
    assert (answer.runtime, answer.precision) == ("openvino", "int8")


def test_a_model_without_a_form_runs_in_fp32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "choose_runtime", lambda: INT8)
    assert open_engine(str(write_tiny_model(tmp_path / "plain"))).runtime == FP32


def test_integers_are_computed_by_openvino_on_a_cpu_alone() -> None:
    assert choose_runtime(Settings(device="cpu", precision="int8")) == INT8
    with pytest.raises(DeviceError, match="torch does not compute in int8"):
        choose_runtime(Settings(device="cpu", precision="int8", runtime="torch"))


def rows(weights: str, fp32: float, int8: float, bf16: float = 1.0) -> list[dict[str, object]]:
    speeds = {"fp32": fp32, "int8": int8, "bf16": bf16}
    return [
        {"weights": weights, "runtime": "openvino", "precision": name, "images_per_second": [{"batch": 1, "speed": speed}]}
        for name, speed in speeds.items()
    ]


def test_pages_take_what_was_measured_the_quicker_for_each_model(home: Path) -> None:
    assert measured.quickest_precision("a") == "fp32", "nothing was measured"
    kept = measured.keep_measured([*rows("a", 10.0, 20.0, bf16=99.0), *rows("b", 20.0, 10.0)])
    assert kept.parent == home and kept.stat().st_mode & 0o077 == 0
    assert [measured.quickest_precision(weights) for weights in "abc"] == ["int8", "fp32", "fp32"]


@pytest.mark.parametrize("text", ["", "[]", '{"machine": 1}', '{"machine": null, "measured": [1]}'])
def test_a_measurement_that_cannot_be_read_is_none(home: Path, text: str) -> None:
    home.mkdir()
    (home / measured.FILE).write_text(text)
    assert measured.quickest_precision("a") == "fp32"


def test_a_measurement_of_another_machine_does_not_count(home: Path) -> None:
    path = measured.keep_measured(rows("a", 10.0, 20.0))
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "machine": {**told["machine"], "cores": -1}}))
    assert measured.quickest_precision("a") == "fp32"


def test_a_model_runs_as_it_was_measured(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(settings(), precision="measured", runtime="auto", device="cpu")
    monkeypatch.setattr(engine_module, "settings", lambda: changed)
    monkeypatch.setattr(engine_module, "choose_runtime", lambda: choose_runtime(changed))
    assert open_engine(str(model.folder)).runtime == FP32
    measured.keep_measured(rows(model.weights_hash, 10.0, 20.0))
    assert open_engine(str(model.folder)).runtime == INT8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chest-xray", "chest-ct", "land-cover"])
def test_the_forms_of_the_zoo_fit_their_weights_and_graphs(name: str) -> None:
    if not has_quantised(ZOO / name):
        pytest.skip(f"{name} has no quantised form")
    model = load_model(name)
    shape = (8, len(model.preprocess.channels), *model.preprocess.size)
    given = np.random.default_rng(0).normal(size=shape).astype(np.float32)  # which goes beyond ranges that images gave
    exact, rounded = opened(model, FP32).forward(given).logits, opened(model).forward(given).logits
    assert not np.array_equal(rounded, exact)
    assert np.corrcoef(rounded.ravel(), exact.ravel())[0, 1] > 0.95


ASK = """
import sys
import numpy as np
from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from models.registry import load_model
engine = Engine(load_model(sys.argv[1]), Runtime(library="openvino", precision="int8"))
np.save(sys.argv[2], engine.forward(np.load(sys.argv[3])).logits)
engine.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("processor", LESSER)
def test_integers_say_the_same_on_processors_without_vnni(
    model: LoadedModel, values: FloatImage, tmp_path: Path, processor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums of two eight-bit products run over sixteen bits there unless weights use half of their range, as those of the zoo do."""
    np.save(tmp_path / "given.npy", values)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", LESSER[processor])
    command = [sys.executable, "-c", ASK, str(model.folder), str(tmp_path / "found.npy"), str(tmp_path / "given.npy")]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), opened(model).forward(values).logits, atol=CLOSE)
