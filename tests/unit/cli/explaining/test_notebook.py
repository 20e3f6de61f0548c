"""The notebook that `sightline explain --notebook` leaves makes the same map again, from the weights' hash, and says where it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.cli.running import Sightline, write_picture, write_scene


def code_of(notebook: Path) -> list[str]:
    """The code cells, in order."""
    whole = json.loads(notebook.read_text(encoding="utf-8"))
    assert (whole["nbformat"], whole["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in whole["cells"]}) == len(whole["cells"]), "nbformat 4.5 wants ids that differ"
    return ["".join(cell["source"]) for cell in whole["cells"] if cell["cell_type"] == "code"]


def ran(notebook: Path) -> dict[str, Any]:
    """What the cells leave, run one after another as Jupyter does."""
    left: dict[str, Any] = {"__name__": "__main__"}
    for cell in code_of(notebook):
        exec(compile(cell, str(notebook), "exec"), left)
    return left


@pytest.mark.parametrize("method", ["rollout", "integrated-gradients", "occlusion"])
def test_the_cells_make_the_same_map_and_the_same_score(
    tmp_path: Path, radiograph_model: Path, sightline: Sightline, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    picture, out, notebook = write_picture(tmp_path / "a.png"), tmp_path / "out", tmp_path / "a.ipynb"
    told = sightline(
        "explain", picture, "--model", radiograph_model, "--method", method, "--maps", "100", "--out", out, "--notebook", notebook, "--json"
    )
    assert told.status == 0
    left = ran(notebook)
    (made,) = left["explanations"]
    np.testing.assert_array_equal(made.saliency, np.load(out / "saliency.npy"))
    assert made.gain.value == told.json["gain"]["value"] and made.gain.p == told.json["gain"]["p"]
    assert left["picture"](0).size[0] == 448
    assert "gain" in capsys.readouterr().out


def test_a_window_of_a_scene_is_found_again(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    scene, out, notebook = write_scene(tmp_path / "a.tif", rows=96, columns=128), tmp_path / "out", tmp_path / "deep" / "a.ipynb"
    asked = ("--at", "20", "24", "--maps", "100")
    told = sightline(
        "explain", scene, "--model", cover_model, "--method", "rollout", *asked, "--out", out, "--notebook", notebook, "--json"
    )
    assert told.status == 0, told.err
    left = ran(notebook)
    np.testing.assert_array_equal(left["given"].values, np.load(out / "input.npy"))


def test_other_weights_and_another_image_are_not_taken_for_the_same(tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    picture, notebook = write_picture(tmp_path / "a.png"), tmp_path / "a.ipynb"
    sightline(
        "explain",
        picture,
        "--model",
        radiograph_model,
        "--method",
        "rollout",
        "--maps",
        "100",
        "--out",
        tmp_path / "o",
        "--notebook",
        notebook,
    )
    text = notebook.read_text(encoding="utf-8")
    weights = json.loads(text)["metadata"]["sightline"]["weights"]
    notebook.write_text(text.replace(f"WEIGHTS = '{weights}'", "WEIGHTS = '000000000000'"), encoding="utf-8")
    with pytest.raises(AssertionError, match="and not 000000000000"):
        ran(notebook)
    notebook.write_text(text, encoding="utf-8")
    write_picture(tmp_path / "a.png", seed=9)
    with pytest.raises(AssertionError, match="another image"):
        ran(notebook)
