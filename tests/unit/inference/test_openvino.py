"""OpenVINO says what torch says, to the bit whenever it is asked again; its graphs are kept, and only for the network they were made of."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import DeviceError
from core.inference import engine as engine_module
from core.inference.engine import ChangeEngine, Engine, open_engine
from core.inference.prediction import predict_input
from core.inference.runtimes import Runtime, choose_runtime, exports
from core.settings import PROJECT, Settings, settings
from core.types import Domain, FloatImage
from models.change_registry import load_change_model
from models.registry import load_model
from tests.tiny import write_tiny_model
from tests.tiny_change import write_tiny_change_model
from tests.tiny_encoders import write_tiny_encoder
from tests.unit.inference.test_prediction import given

OPENVINO = Runtime(library="openvino")
TOLERANCE = 1e-4
KINDS: dict[str, dict[str, Any]] = {
    "patches": {},
    "cls": {"pooling": "cls"},
    "linear": {"attention": "linear"},
    "convolution": {"stem": "convolution", "stem_channels": [8, 16, 16], "stem_blocks": [1, 0, 0]},
    "windows": {"window_size": 2, "windowed_layers": 1},
    "merging": {"merges": [1]},
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    return tmp_path / "home"


def graphs(home: Path) -> list[Path]:
    return sorted((home / exports.FOLDER).glob("*.xml"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_says_what_it_says_by_torch(tmp_path: Path, values: FloatImage, kind: str) -> None:
    model = load_model(str(write_tiny_model(tmp_path / kind, **KINDS[kind])))
    has_states = kind not in ("cls", "merging")  # whose states are not those of patches alone
    by_torch, here = (Engine(model, runtime).forward(values, features=has_states) for runtime in (Runtime(), OPENVINO))
    for name in ("logits", "embeddings", "token_logits", "features"):
        expected = getattr(by_torch, name)
        if expected is None:
            assert getattr(here, name) is None
        else:
            np.testing.assert_allclose(getattr(here, name), expected, atol=TOLERANCE)


def test_a_model_of_two_dates_says_what_it_says_by_torch(tmp_path: Path) -> None:
    model = load_change_model(str(write_tiny_change_model(tmp_path / "change")))
    dates = [np.random.default_rng(seed).normal(size=(3, 6, 32, 32)).astype(np.float32) for seed in (0, 1)]
    by_torch, here = (ChangeEngine(model, runtime).forward(*dates) for runtime in (Runtime(), OPENVINO))
    np.testing.assert_allclose(here.logits, by_torch.logits, atol=TOLERANCE)
    assert here.embeddings.shape == (3, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chest-xray", "chest-ct", "land-cover"])
def test_the_models_of_the_zoo_say_what_they_say_by_torch(name: str) -> None:
    model = load_model(name)
    given = np.random.default_rng(0).normal(size=(2, len(model.preprocess.channels), *model.preprocess.size)).astype(np.float32)
    by_torch, here = Engine(model, Runtime()).forward(given), Engine(model, OPENVINO).forward(given)
    np.testing.assert_allclose(here.logits, by_torch.logits, atol=1e-4)
    np.testing.assert_allclose(here.embeddings, by_torch.embeddings, atol=1e-4)


def test_the_same_input_gets_the_same_bits_alone_among_others_and_in_any_order(tmp_path: Path, values: FloatImage) -> None:
    engine = Engine(load_model(str(write_tiny_model(tmp_path / "chest"))), OPENVINO)
    together, turned = engine.forward(values).logits, engine.forward(values[::-1].copy()).logits
    with ThreadPoolExecutor(4) as pool:
        alone = np.concatenate(list(pool.map(lambda at: engine.forward(values[at : at + 1]).logits, range(len(values)))))
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, turned[::-1])


def test_a_graph_is_traced_once_and_a_damaged_one_again(
    home: Path, tmp_path: Path, values: FloatImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(str(write_tiny_model(tmp_path / "chest")))
    first = Engine(model, OPENVINO).forward(values).logits
    (kept,) = graphs(home)
    assert kept.stat().st_mode & 0o077 == 0 and kept.parent.stat().st_mode & 0o077 == 0
    with monkeypatch.context() as patched:
        patched.setattr(exports.Export, "_converted", None)
        np.testing.assert_array_equal(Engine(model, OPENVINO).forward(values).logits, first)
    kept.write_bytes(kept.read_bytes()[:100])
    np.testing.assert_array_equal(Engine(model, OPENVINO).forward(values).logits, first)
    assert graphs(home) == [kept] and kept.stat().st_size > 100


def test_other_numbers_are_another_graph_whatever_the_model_is_called(home: Path, tmp_path: Path, values: FloatImage) -> None:
    model = load_model(str(write_tiny_model(tmp_path / "chest")))
    other = model.with_network(load_model(str(write_tiny_model(tmp_path / "other", seed=1))).network)
    answers = [Engine(one, OPENVINO).forward(values).logits for one in (model, other)]
    assert not np.allclose(*answers)
    assert len(graphs(home)) == 2


def test_where_nothing_can_be_kept_it_is_traced_each_time(home: Path, tmp_path: Path, values: FloatImage) -> None:
    home.mkdir()
    (home / exports.FOLDER).write_text("in the way")
    engine = Engine(load_model(str(write_tiny_model(tmp_path / "chest"))), OPENVINO)
    assert np.isfinite(engine.forward(values).logits).all()


def test_the_longest_unused_graphs_go(home: Path, tmp_path: Path, values: FloatImage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST_KEPT", 2)
    engine = Engine(load_model(str(write_tiny_model(tmp_path / "chest"))), OPENVINO)
    for side in (16, 24, 32):
        engine.forward(values[:1, :, :side, :side])
    assert len(graphs(home)) == 2
    assert len(list((home / exports.FOLDER).iterdir())) == 4, "a graph and its numbers"


def test_an_answer_says_what_computed_it(tmp_path: Path, values: FloatImage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "choose_runtime", lambda: OPENVINO)
    own = open_engine(str(write_tiny_model(tmp_path / "chest")))
    assert predict_input(own, given(values[0])).runtime == "openvino"
    assert open_engine(str(write_tiny_encoder(tmp_path / "vit"))).runtime.library == "torch", "a network of another project"


def test_the_library_is_chosen_by_the_settings() -> None:
    assert choose_runtime(Settings(device="cpu")).library == "openvino"
    assert choose_runtime(Settings(device="cpu", runtime="torch")).library == "torch"
    assert choose_runtime(Settings(device="cpu", precision="fp16")).library == "torch"
    with pytest.raises(DeviceError, match="fp16"):
        choose_runtime(Settings(device="cpu", runtime="openvino", precision="fp16"))


def test_nobody_is_told_that_it_was_used(tmp_path: Path) -> None:
    """OpenVINO reports each import and each conversion to its makers where the package that does so is there."""
    write_tiny_model(tmp_path / "chest", Domain.RADIOGRAPH)
    program = f"""
import sys
class Telemetry:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("openvino_telemetry"):
            raise SystemExit("telemetry")
sys.meta_path.insert(0, Telemetry())
import numpy as np
from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from models.registry import load_model
engine = Engine(load_model({str(tmp_path / "chest")!r}), Runtime(library="openvino"))
print(engine.forward(np.zeros((1, 1, 32, 32), np.float32)).logits.shape)
engine.close()
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "(1, 3)"


def test_openvino_is_imported_in_one_place() -> None:
    """Elsewhere an import could come before the part that reports it is kept out."""
    files = [file for root in ("core", "models", "training", "pages") for file in (PROJECT / root).rglob("*.py")]
    asking = [file.name for file in files if re.search(r"^\s*(import|from) openvino", file.read_text(encoding="utf-8"), re.MULTILINE)]
    assert asking == ["exports.py"]
