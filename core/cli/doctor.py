"""`sightline doctor`: what this installation can do, and what it lacks."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.options import Json
from core.cli.output import print_json, print_line, say_aside
from core.errors import ModelError, SightlineError
from core.export.staging import check_writable
from core.settings import settings

if TYPE_CHECKING:
    from core.inference.engine import Engine

LIBRARIES = ("torch", "openvino", "transformers", "captum", "pydicom", "rasterio", "streamlit")
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_MEGABYTE = 1_000_000
BENCHMARK_PASSES = 5


def doctor(
    benchmark: Annotated[bool, typer.Option("--benchmark", help="Also time each model by everything that can compute it here.")] = False,
    as_json: Json = False,
) -> int:
    """Tell device, runtimes, decoders, GDAL, models, memory and the folder of this installation's own files."""
    home = settings().home
    unusable = fault_of(home)
    told = {
        "version": _version("sightline"),
        "python": sys.version.split()[0],
        "libraries": {name: _version(name) for name in LIBRARIES},
        **_device(),
        "codecs": codecs(),
        "gdal": gdal(),
        "models": zoo(),
        "memory": memory(),
        "home": {"folder": home, "error": None if unusable is None else unusable.as_json()},
    }
    if benchmark:
        told["benchmark"] = [speed for model in told["models"] if model["is_whole"] for speed in timed(str(model["folder"]))]
        told["benchmark_kept"] = _kept(told["benchmark"])
    if as_json:
        print_json(told)
    else:
        for line in lines(told):
            print_line(line)
    if unusable is None:
        return 0
    say_aside(f"SIGHTLINE_HOME: {unusable}")
    return unusable.exit_status


def fault_of(home: Path) -> SightlineError | None:
    """Why our own files (uploads, the log, downloads) cannot be written; None where they can."""
    try:
        check_writable(home)
    except SightlineError as error:
        return error
    return None


def _device() -> dict[str, Any]:
    """What will compute, by the settings and by what is there."""
    from core.inference.runtimes import choose_runtime, describe_device

    described = describe_device()
    try:
        runtime = choose_runtime()
    except SightlineError as error:
        return {"device": described, "runtimes": [], "error": error.as_json()}
    return {"device": described, "runtimes": [{"runtime": runtime.library, "device": runtime.device, "precision": runtime.precision}]}


def codecs() -> dict[str, str | None]:
    """Decoder by DICOM transfer syntax, None where it is not installed."""
    from core.readers.dicom.codecs import DECODERS, is_available

    return {uid.name: decoder if is_available(decoder) else None for uid, decoder in DECODERS.items()}


def gdal() -> dict[str, Any]:
    """Version of GDAL and of PROJ, and whether it opens and writes what is needed here."""
    import pyproj
    import rasterio
    from rasterio.drivers import raster_driver_extensions

    drivers = set(raster_driver_extensions().values())
    return {"version": rasterio.__gdal_version__, "proj": pyproj.proj_version_str, "geotiff": "GTiff" in drivers}


def zoo() -> list[dict[str, Any]]:
    """Model folders of the zoo, without opening them."""
    folders = sorted(path.parent for path in settings().zoo.glob("*/config.json"))
    return [{"id": folder.name, "folder": folder, "is_whole": _is_whole(folder)} for folder in folders]


def _is_whole(folder: Path) -> bool:
    from models.folder import check_files

    try:
        check_files(folder)
    except ModelError:
        return False
    return True


def memory() -> dict[str, int]:
    """Memory in megabytes: of the machine or of the container, whichever is less, and what is free now."""
    page = os.sysconf("SC_PAGE_SIZE")
    total, free = (os.sysconf(name) * page for name in ("SC_PHYS_PAGES", "SC_AVPHYS_PAGES"))
    limit = CGROUP_LIMIT.read_text(encoding="ascii").strip() if CGROUP_LIMIT.is_file() else ""
    if limit.isdigit():
        total = min(total, int(limit))
    return {"total_mb": total // _MEGABYTE, "free_mb": min(free, total) // _MEGABYTE}


def _kept(rows: list[dict[str, Any]]) -> Path | None:
    """Where the pages find what was measured; None where nothing can be written."""
    from core.inference.runtimes.measured import keep_measured

    try:
        return keep_measured(rows)
    except OSError:
        return None


def timed(model: str) -> Iterator[dict[str, Any]]:
    """Images (pairs for a change model) a second of one model by everything that can compute it; the median of a few passes."""
    from core.inference.engine import Engine
    from core.inference.runtimes import available_runtimes
    from core.inference.runtimes.base import QUANTISED_PRECISION
    from models.change_registry import is_change_model, load_change_model
    from models.quantised import has_quantised
    from models.registry import find_folder, load_model

    for runtime in available_runtimes():
        if runtime.precision == QUANTISED_PRECISION and not has_quantised(find_folder(model)):
            continue
        loaded = load_change_model(model, runtime.device) if is_change_model(model) else load_model(model, runtime.device)
        engine = Engine(loaded, runtime)
        try:
            yield _timed(engine, 2 if is_change_model(model) else 1)
        finally:
            engine.close()


def _timed(engine: Engine[Any], dates: int) -> dict[str, Any]:
    """One at a time and in full batches."""
    import numpy as np

    preprocess = engine.model.preprocess
    speeds = {}
    for size in (1, settings().batch_size):
        values = [np.zeros((size, len(preprocess.channels), *preprocess.size), dtype=np.float32)] * dates
        engine.forward(*values)
        speeds[size] = size / float(np.median([_seconds(engine.forward, *values) for _ in range(BENCHMARK_PASSES)]))
    runtime = engine.runtime
    return {
        "model": engine.model.id,
        "weights": engine.model.weights_hash,
        "runtime": runtime.library,
        "device": runtime.name,
        "precision": runtime.precision,
        "images_per_second": [{"batch": size, "speed": round(speed, 1)} for size, speed in speeds.items()],
    }


def lines(told: dict[str, Any]) -> list[str]:
    """The same in words."""
    missing = [name for name, plugin in told["codecs"].items() if plugin is None]
    words = [
        f"Sightline {told['version']}, Python {told['python']}",
        f"device: {told['device']}",
        f"libraries: {', '.join(f'{name} {number}' for name, number in told['libraries'].items())}",
        f"decoders: {len(told['codecs']) - len(missing)} of {len(told['codecs'])} compressed transfer syntaxes",
        *(f"  no decoder for {name}" for name in missing),
        f"GDAL {told['gdal']['version']}, PROJ {told['gdal']['proj']}, GeoTIFF: {'yes' if told['gdal']['geotiff'] else 'no'}",
        f"memory: {told['memory']['total_mb']:,} MB, {told['memory']['free_mb']:,} MB free",
        f"own files: {told['home']['folder']}{'' if told['home']['error'] is None else ' (cannot be written)'}",
        f"models: {', '.join(_model_words(model) for model in told['models']) or 'none in the zoo'}",
    ]
    for result in told.get("benchmark", ()):
        speeds = ", ".join(f"{one['speed']:.0f} images/s in batches of {one['batch']}" for one in result["images_per_second"])
        words.append(f"benchmark: {result['model']} by {result['runtime']} on {result['device']} in {result['precision']}: {speeds}")
    if told.get("benchmark_kept"):
        words.append(f"benchmark: kept in {told['benchmark_kept']}; the pages take what was the quickest of fp32 and int8 for each model")
    return words


def _model_words(model: dict[str, Any]) -> str:
    return str(model["id"]) if model["is_whole"] else f"{model['id']} (incomplete)"


def _seconds(work: Any, *arguments: Any) -> float:
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
