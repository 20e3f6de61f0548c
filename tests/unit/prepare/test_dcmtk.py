"""Pixels as DCMTK shows them, file by file, within one grey level.

The oracle counts where nothing makes DCMTK take another way: windows of functional groups it does not see, padding values it shows from
the smallest value on, tiny slopes lose it steps, and of values of 32 bits it makes others.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.errors import SightlineError
from core.prepare.windowing import render, with_overlays
from core.readers import read_dicom
from tests.conftest import SHARED_DATA

JPEG = {f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55, 57, 70)}
JPEG_LS = {f"1.2.840.10008.1.2.4.{number}" for number in (80, 81)}
TINY_SLOPE = 1e-3
MOST_BITS = 16
INSTALLED = Path(pydicom.__file__).parent / "data" / "test_files"
FEWEST = 30
"""Files without which the comparison says little; pydicom alone brings so many."""


def pictured(path: Path, header: pydicom.Dataset, out: Path) -> NDArray[np.uint8] | None:
    """What DCMTK makes of a file; None where it cannot read it."""
    syntax = str(header.file_meta.get("TransferSyntaxUID", ""))
    tool = "dcmj2pnm" if syntax in JPEG else "dcml2pnm" if syntax in JPEG_LS else "dcm2pnm"
    if shutil.which(tool) is None:
        return None
    out.unlink(missing_ok=True)
    is_grey = str(header.get("PhotometricInterpretation", "")).startswith("MONOCHROME")
    window = ["+Wi", "1"] if "WindowCenter" in header else ["+Wm"] if is_grey else []
    made = subprocess.run([tool, "+on", *window, str(path), str(out)], capture_output=True, check=False)
    return np.asarray(Image.open(out)) if made.returncode == 0 and out.exists() else None


def is_comparable(header: pydicom.Dataset) -> bool:
    if "PixelPaddingValue" in header or "SharedFunctionalGroupsSequence" in header or header.get("BitsAllocated", 0) > MOST_BITS:
        return False
    return abs(float(header.get("RescaleSlope") or 1.0)) >= TINY_SLOPE


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # odd files are warned about by pydicom, and are what this is about
def test_every_file_that_dcmtk_reads_too_is_shown_within_one_grey_level_of_it(tmp_path: Path) -> None:
    if shutil.which("dcm2pnm") is None:
        pytest.skip("dcm2pnm is not here: install the package dcmtk")
    files = [path for folder in (INSTALLED, SHARED_DATA / "dicom") if folder.is_dir() for path in sorted(folder.rglob("*.dcm"))]
    compared, different = 0, list[str]()
    for path in files:
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            study = read_dicom(path)
            own = with_overlays(study, 0, render(study, 0))
        except SightlineError:
            continue  # refused; what is refused has tests of its own
        theirs = pictured(path, header, tmp_path / "theirs.png") if is_comparable(header) else None
        if theirs is None:
            continue
        theirs = theirs[..., 0] if theirs.ndim > own.ndim else theirs
        own = own if own.ndim == theirs.ndim else own[..., 0]
        compared += 1
        if theirs.shape != own.shape or np.abs(theirs.astype(int) - own.astype(int)).max() > 1:
            different.append(path.name)
    assert compared >= FEWEST and not different, f"{compared} compared; other pixels in {different}"
