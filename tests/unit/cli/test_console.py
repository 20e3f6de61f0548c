"""The console script in a process of its own: quiet libraries, quick help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.unit.cli.running import write_picture
from tests.unit.readers.dicom.dicom_files import save, slice_dataset
from tests.unit.readers.scenes.geotiff_files import write_geotiff

PROJECT = Path(__file__).resolve().parents[3]
SCRIPT = Path(sys.executable).with_name("sightline")
HEAVY = ("torch", "transformers", "captum", "rasterio", "pydicom", "streamlit")


def sightline(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    told = [str(SCRIPT), *map(str, arguments)]
    return subprocess.run(told, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def test_the_help_imports_no_heavy_library() -> None:
    viewport = f"import sys; from core.cli.program import run; run(['--help']); print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", viewport], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


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
