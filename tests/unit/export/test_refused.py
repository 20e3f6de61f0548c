"""What a model is not made for is not explained, and the label that it would have given stands in nothing that leaves the application."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader
from safetensors.numpy import load_file, save_file

from core.cli.program import run
from core.errors import InputError
from core.inference.engine import engine_for
from core.readers import read_scene
from core.report.text import as_text
from core.types import ChangePolygon, Domain, Study
from core.ui.earth.work import _why
from core.ui.radiology import page_state as radiology
from core.ui.radiology import work
from core.ui.radiology.candidates import candidate_boxes, slice_words
from core.ui.radiology.exports import Taken
from core.ui.state.session import Session
from core.workflows.ct_search import search_ct
from core.workflows.image import compose, explain_image, predict
from core.workflows.report_files import report_image
from tests.tiny import write_tiny_model
from tests.unit.cli.running import write_picture, write_scene
from tests.unit.prepare.ct_slices import chest, slices
from tests.unit.report import examples as ex

HIDDEN = re.compile(r"bacterial|viral|pneumonia|\bnormal\b|nodule|malignan|Forest|Pasture|River", re.IGNORECASE)
"""Words of labels; the cards of these models hold none."""


def strict(folder: Path, domain: Domain = Domain.RADIOGRAPH) -> str:
    """A tiny model that knows no image at all."""
    write_tiny_model(folder, domain)
    known = load_file(folder / "outside.safetensors")
    save_file({**known, "threshold": np.array([-1.0], dtype=np.float32)}, folder / "outside.safetensors")
    return str(folder)


def texts(folder: Path) -> str:
    """Everything that the files of a folder say."""
    told = [path.read_text(encoding="utf-8") for path in folder.iterdir() if path.suffix in (".md", ".json")]
    told += [page.extract_text() for path in folder.glob("*.pdf") for page in PdfReader(path).pages]
    return "\n".join(told)


IMAGES = {
    "by its kind": (Domain.RADIOGRAPH, ex.study(modality="MG"), False),
    "by its distance": (Domain.RADIOGRAPH, ex.study(), True),
    "a series of CT": (Domain.CHEST_CT, slices(chest(2.8), chest(2.8, nodules=((80.0, 150.0),)), spacing=2.8), True),
}


@pytest.mark.parametrize("case", IMAGES)
def test_the_hidden_label_of_a_refused_image_stands_in_no_export(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain, image, is_strict = IMAGES[case]
    model = strict(tmp_path / "model", domain) if is_strict else str(write_tiny_model(tmp_path / "model", domain))
    (tmp_path / "out").mkdir()
    made = report_image(image, model, tmp_path / "out")
    assert made.prediction.outside.is_outside and made.explanation is None
    assert not HIDDEN.search(texts(tmp_path / "out"))
    assert len(list((tmp_path / "out").glob("report-*.png"))) == 1  # the image alone, no map over it

    session, opening = Session(), radiology.Opening(image)
    task = work.answer(session, opening, model)
    while task.value is None:
        task.settle()
    state = radiology.RadiologyState((opening,), tab="Why")
    monkeypatch.setattr(work, "models_for", lambda _: [model])
    opening.model = model
    reading = work.reading(session, state)
    assert reading is not None and reading.target is None and reading.explanation is None and not opening.explained
    report = work.report(opening, model, task.value.prediction, None)
    taken = Taken(image, model, report, None)
    with zipfile.ZipFile(io.BytesIO(taken.archive())) as archive:
        archive.extractall(tmp_path / "taken")
    assert not HIDDEN.search(as_text(report) + texts(tmp_path / "taken") + " ".join(file.name for file in (tmp_path / "taken").iterdir()))


def test_a_map_that_was_made_all_the_same_does_not_reach_the_report(tmp_path: Path) -> None:
    model = strict(tmp_path / "model")
    shown = explain_image(ex.study(), model, "rollout", "viral-pneumonia")
    report = compose(ex.study(), predict(ex.study(), model), shown, model)
    assert not HIDDEN.search(as_text(report) + json.dumps([str(fact) for fact in report.facts]))


def test_a_refused_image_is_explained_for_a_named_target_alone(tmp_path: Path) -> None:
    model = strict(tmp_path / "model")
    with pytest.raises(InputError, match="outside what the model knows"):
        explain_image(ex.study(), model, "rollout")
    assert explain_image(ex.study(), model, "rollout", "normal").target.name == "normal"


def test_the_candidates_of_a_refused_series_are_not_outlined(tmp_path: Path) -> None:
    image = IMAGES["a series of CT"][1]
    assert isinstance(image, Study)
    found = search_ct(image, engine_for(strict(tmp_path / "model", Domain.CHEST_CT)))
    assert found.prediction.outside.is_outside and found.prediction.candidates
    assert not any(candidate_boxes(found, index) for index in range(2)) and slice_words(found, 0) == ""


def test_a_refused_place_is_not_explained_on_the_earth_page(tmp_path: Path) -> None:
    scene = read_scene([write_scene(tmp_path / "scene.tif")])
    polygon = ChangePolygon(1, 1.0, "Forest", "River", 0.9, (4, 4, 8, 8), (0.0, 0.0))
    with pytest.raises(InputError, match="is not explained"):
        _why(scene, strict(tmp_path / "model", Domain.LAND_COVER), polygon, None)  # type: ignore[arg-type]


def test_the_json_of_a_report_of_a_refused_image_holds_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_picture(tmp_path / "a.png")
    model = strict(tmp_path / "model")
    assert run(["report", str(tmp_path / "a.png"), "--model", model, "--out", str(tmp_path / "out"), "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["reports"]
    assert told["outside"]["is_outside"] and (told["probabilities"], told["prediction"], told["set"]) == (None, None, None)
    assert "pneumonia" not in told["headline"]
