"""How long from the file of a study to its first image and to its answer: radiographs in every compressed syntax, 300 slices of CT.

    python benchmarks/studies.py radiographs --of ../shared/data/dicom/cr-chest/FILE
    python benchmarks/studies.py ct --of ../shared/data/dicom/ct-chest-series [--search]

The files are made of real ones: the radiograph is enlarged to 2,500 x 2,048 pixels of 12 bits with noise, as detectors have it, and the
series is repeated, forth and back, until it has 300 slices, a position each. What the Radiology page does is done in its order, without
the browser. Seconds of the clock, and of the processor in brackets; parses and decodes are counted.
"""

from __future__ import annotations

import argparse
import io
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import RLELosslessEncoder

from core.inference.engine import engine_for
from core.readers import with_recent_frames
from core.readers.dicom import frames, image
from core.types import Study
from core.ui.radiology.study_show import first_viewport
from core.ui.viewer import pack_study
from core.workflows.ct_search import search_ct
from core.workflows.image import open_images, predict

ROWS, COLUMNS, BITS = 2500, 2048, 12
SLICES = 300
AHEAD = 50
Pixels = NDArray[np.uint16]


def rle(values: Pixels) -> bytes:
    """One frame in RLE Lossless."""
    options: dict[str, Any] = {
        "rows": values.shape[0], "columns": values.shape[1], "samples_per_pixel": 1, "number_of_frames": 1, "bits_allocated": 16,
        "bits_stored": BITS, "pixel_representation": 0, "photometric_interpretation": "MONOCHROME2",
    }  # fmt: skip
    return RLELosslessEncoder.encode(values.tobytes(), encoding_plugin="pydicom", **options)


def jpeg(values: Pixels, **options: Any) -> bytes:
    """One frame in JPEG of eight bits."""
    data = io.BytesIO()
    Image.fromarray((values >> (BITS - 8)).astype(np.uint8)).save(data, "JPEG", quality=95, **options)
    return data.getvalue()


def jpeg_2000(values: Pixels, level: int = 0) -> bytes:
    """One frame in JPEG 2000, lossless at level 0."""
    return bytes(imagecodecs.jpeg2k_encode(values, level=level, codecformat="J2K", bitspersample=BITS))


ENCODERS: dict[str, tuple[uid.UID, Callable[[Pixels], bytes]]] = {
    "RLE": (uid.RLELossless, rle),
    "JPEG, 8 bits": (uid.JPEGBaseline8Bit, jpeg),
    "JPEG, 12 bits": (uid.JPEGExtended12Bit, lambda values: bytes(imagecodecs.jpeg8_encode(values, level=95, bitspersample=BITS))),
    "JPEG Lossless": (uid.JPEGLosslessSV1, lambda values: bytes(imagecodecs.jpeg8_encode(values, lossless=True, bitspersample=BITS))),
    "JPEG-LS": (uid.JPEGLSLossless, lambda values: bytes(imagecodecs.jpegls_encode(values))),
    "JPEG-LS, near": (uid.JPEGLSNearLossless, lambda values: bytes(imagecodecs.jpegls_encode(values, level=2))),
    "JPEG 2000": (uid.JPEG2000Lossless, jpeg_2000),
    "JPEG 2000, lossy": (uid.JPEG2000, lambda values: jpeg_2000(values, 50)),
    "HTJ2K": (uid.HTJ2KLossless, lambda values: bytes(imagecodecs.htj2k_encode(values))),
}


def radiographs(source: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """The same radiograph uncompressed, deflated, and in every compressed syntax."""
    read = pydicom.dcmread(source)
    small = Image.fromarray(read.pixel_array.astype(np.float32) * ((1 << BITS) / 256))
    large = np.asarray(small.resize((COLUMNS, ROWS), Image.Resampling.BICUBIC))
    noise = np.random.default_rng(0).normal(0, 12, large.shape)
    values = np.clip(np.rint(large + noise), 0, (1 << BITS) - 1).astype(np.uint16)
    read.Rows, read.Columns, read.BitsAllocated, read.BitsStored, read.HighBit = ROWS, COLUMNS, 16, BITS, BITS - 1
    for keyword in ("WindowCenter", "WindowWidth"):
        if keyword in read:
            del read[keyword]
    read.WindowCenter, read.WindowWidth = 1 << (BITS - 1), 1 << BITS
    for name, syntax in (("uncompressed", uid.ExplicitVRLittleEndian), ("deflated", uid.DeflatedExplicitVRLittleEndian)):
        read.PixelData = values.tobytes()
        read["PixelData"].VR = "OW"
        yield name, saved(read, syntax, folder / f"{name}.dcm")
    for name, (syntax, encode) in ENCODERS.items():
        if syntax == uid.JPEGBaseline8Bit:
            read.BitsAllocated, read.BitsStored, read.HighBit = 8, 8, 7
        else:
            read.BitsAllocated, read.BitsStored, read.HighBit = 16, BITS, BITS - 1
        read.PixelData = encapsulate([encode(values)])
        read["PixelData"].VR = "OB"
        read["PixelData"].is_undefined_length = True
        yield name, saved(read, syntax, folder / f"{name}.dcm")


def saved(dataset: pydicom.Dataset, syntax: uid.UID, path: Path) -> Path:
    """The file of a data set in a transfer syntax."""
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return path


def series(source: Path, folder: Path) -> Path:
    """300 slices: those of a series forth and back, again and again."""
    slices = sorted((pydicom.dcmread(path) for path in source.iterdir()), key=lambda each: each.ImagePositionPatient[2])
    step = float(slices[1].ImagePositionPatient[2] - slices[0].ImagePositionPatient[2])
    there = list(range(len(slices)))
    order = (there + there[-2:0:-1]) * (SLICES // len(slices) + 1)
    for number, index in enumerate(order[:SLICES]):
        each = slices[index]
        x, y = each.ImagePositionPatient[:2]
        each.ImagePositionPatient = [x, y, round(number * step, 4)]
        each.InstanceNumber, each.SOPInstanceUID = number + 1, uid.generate_uid(entropy_srcs=[str(number)])
        each.file_meta.MediaStorageSOPInstanceUID = each.SOPInstanceUID
        each.save_as(folder / f"{number:03}.dcm", enforce_file_format=True)
    return folder


class Watch:
    """Seconds of the clock and of the processor since the last look."""

    def __init__(self) -> None:
        self.look()

    def look(self) -> str:
        """What went by, in words."""
        now = time.perf_counter(), time.process_time()
        told = "" if not hasattr(self, "last") else " ".join(f"{a - b:.2f}" if n == 0 else f"({a - b:.2f})" for n, (a, b) in
                                                            enumerate(zip(now, self.last, strict=True)))  # fmt: skip
        self.last = now
        return told


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """How often a header is parsed and a frame decoded inside."""
    found: Counter[str] = Counter()
    parse, decode = image.parse, frames.decode_frame

    def parsed(*given: Any) -> Any:
        found["parsed"] += 1
        return parse(*given)

    def decoded(*given: Any) -> Any:
        found["decoded"] += 1
        return decode(*given)

    image.parse, frames.decode_frame = parsed, decoded  # type: ignore[attr-defined, assignment]
    yield found
    image.parse, frames.decode_frame = parse, decode  # type: ignore[attr-defined]


def of_radiographs(source: Path, folder: Path) -> None:
    """Table of the radiograph in every syntax."""
    engine_for("chest-xray").interactive.forward(np.zeros((1, *engine_input("chest-xray")), dtype=np.float32))
    print("| syntax | MB | opened | first image | answer | parsed, decoded |\n|---|---|---|---|---|---|")
    for name, path in radiographs(source, folder):
        with counted() as found:
            watch = Watch()
            (study,) = open_images([path], folder / "unpacked", lambda done, total: None).images
            assert isinstance(study, Study)
            study = with_recent_frames(study)
            opened = watch.look()
            packed = pack_study(study)
            first_viewport(study, packed, 0)
            assert packed.piece("0/preview")
            shown = watch.look()
            predict(study, "chest-xray")
            said = watch.look()
        megabytes = path.stat().st_size / 1e6
        print(f"| {name} | {megabytes:.1f} | {opened} | {shown} | {said} | {found['parsed']}, {found['decoded']} |", flush=True)


def engine_input(model: str) -> tuple[int, int, int]:
    """(channels, rows, columns) of a model's input."""
    preprocess = engine_for(model).model.preprocess
    return len(preprocess.channels), *preprocess.size


def of_ct(source: Path, folder: Path, is_searched: bool) -> None:
    """Lines of the series of 300 slices."""
    series(source, folder)
    with counted() as found:
        watch = Watch()
        (study,) = open_images([folder], folder / "unpacked", lambda done, total: None).images
        assert isinstance(study, Study)
        print("opened", watch.look(), dict(found), study.shape)
        study = with_recent_frames(study)
        packed, middle = pack_study(study), study.shape[0] // 2
        first_viewport(study, packed, middle)
        assert packed.piece(str(middle))
        print("first image", watch.look(), dict(found))
        for index in range(middle, middle + AHEAD):
            assert packed.piece(str(index))
        print(f"{AHEAD} slices ahead of the wheel", watch.look(), dict(found))
        if is_searched:
            engine = engine_for("chest-ct")
            engine.forward(np.zeros((1, *engine_input("chest-ct")), dtype=np.float32))
            watch.look()
            began, ranked = time.perf_counter(), []
            searched = search_ct(study, engine, rank=lambda ranking: ranked.append((time.perf_counter() - began, ranking.slices)))
            told = f"{len(searched.by_slice)} slices, first ranking after {ranked[0][0]:.1f} s and {ranked[0][1]} slices"
            print("searched", watch.look(), dict(found), told)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("radiographs", "ct"))
    parser.add_argument("--of", type=Path, required=True, help="a file of a radiograph, or a folder of slices")
    parser.add_argument("--search", action="store_true", help="also search the series")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if given.what == "radiographs":
            of_radiographs(given.of, folder)
        else:
            of_ct(given.of, folder, given.search)


if __name__ == "__main__":
    main()
