"""The console script in a process of its own: quiet libraries, quick help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.cli.running import COMMANDS, write_picture
from tests.unit.readers.dicom.dicom_files import save, slice_dataset
from tests.unit.readers.scenes.geotiff_files import write_geotiff

PROJECT = Path(__file__).resolve().parents[3]
SCRIPT = Path(sys.executable).with_name("sightline")
HEAVY = ("torch", "transformers", "captum", "rasterio", "pydicom", "streamlit")
SOON_SECONDS = 10.0
"""Half a second on a machine that has nothing else to do; torch alone takes several."""


def sightline(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    told = [str(SCRIPT), *map(str, arguments)]
    return subprocess.run(told, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def imported_by(words: str) -> str:
    """A program that prints the exit status of a command, and which heavy libraries it imported."""
    told = f"print(run({words.split()!r}), [name for name in {HEAVY} if name in sys.modules])"
    return f"import sys; from core.cli.program import run; {told}"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("", 0),
        ("--help", 0),
        *((f"{command} --help", 0) for command in COMMANDS),
        ("predikt", 2),
        ("predict a.dcm", 2),
        ("predict a.dcm --model m --colour", 2),
        ("map a.tif --model m --out o --min-area small", 2),
    ],
)
def test_help_and_wrong_usage_import_no_heavy_library(words: str, status: int) -> None:
    look = imported_by(words)
    began = time.monotonic()
    ran = subprocess.run([sys.executable, "-c", look], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == f"{status} []"
    assert time.monotonic() - began < SOON_SECONDS


@pytest.mark.parametrize(("setting", "value"), [("SIGHTLINE_THREADS", "-1"), ("SIGHTLINE_THREDS", "1"), ("SIGHTLINE_ROOTS", "/tmp:/")])
@pytest.mark.parametrize("command", ["predict a.dcm --model m", "map a.tif --model m --out o", "doctor", "models", "app"])
def test_a_setting_that_makes_no_sense_is_refused_by_name_before_anything_is_loaded(command: str, setting: str, value: str) -> None:
    look = (
        f"import sys; from core.cli.program import run; print(run({command.split()!r}), [name for name in {HEAVY} if name in sys.modules])"
    )
    environment = {**os.environ, setting: value}
    ran = subprocess.run([sys.executable, "-c", look], cwd=PROJECT, capture_output=True, text=True, env=environment, check=True)
    assert ran.stdout == "2 []\n"
    assert len(ran.stderr.splitlines()) == 1 and setting in ran.stderr


def test_libraries_say_nothing_beside_the_answers(tmp_path: Path, radiograph_model: Path) -> None:
    """A header that pydicom warns about, a raster without a grid, one that is cut off, a name that is no text: nobody else speaks."""
    odd = save(slice_dataset(PatientName="DOE^JANE", PatientBirthDate="19990101"), tmp_path / "a.dcm")
    odd.write_bytes(odd.read_bytes().replace(b"19990101", b"not date"))
    write_picture(tmp_path / "b.jpg")
    write_geotiff(tmp_path / "c.tif", crs=None, transform=None)
    (tmp_path / "d.tif").write_bytes((tmp_path / "c.tif").read_bytes()[:200])
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.dcm")).write_text("no image")
    settings = {"SIGHTLINE_HOME": str(tmp_path / ".home"), "PYTHONIOENCODING": "ascii"}
    ran = sightline("predict", tmp_path, "--model", radiograph_model, "--json", **settings)
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0
    assert [os.fsencode(line["path"]).rpartition(b"/")[2] for line in told] == [b"a.dcm", b"b.jpg", b"c.tif", b"d.tif", b"\xff.dcm"]
    assert ["error" in line for line in told] == [False, False, False, True, True]
    assert all(line.startswith("sightline: ") for line in ran.stderr.splitlines()), ran.stderr
    assert "JANE" not in ran.stdout + ran.stderr
    assert not (tmp_path / ".home").exists()
