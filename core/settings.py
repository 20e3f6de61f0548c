"""Settings: frozen, read once from the environment, every limit named with its unit."""

from __future__ import annotations

import difflib
import math
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from core.errors import InputError, OutOfRange

PROJECT = Path(__file__).resolve().parent.parent
PRIVATE = 0o700
_OTHERS = 0o077
DEVICES = ("auto", "cpu", "cuda")
RUNTIMES = ("auto", "torch", "openvino")
PRECISIONS = ("auto", "fp32", "bf16", "fp16", "int8", "measured")
_MEGABYTE = 2**20
"""Bytes of a megabyte wherever a setting counts in them."""
SHORTEST_PASSWORD = 8
"""Characters of a password that guards more than this machine's own address."""
SHORTEST_KEY = 16
"""Characters of the site's key."""
LAST_PORT = 65_535
_PREFIX = "SIGHTLINE_"
_YES_OR_NO = {"0": False, "1": True}
AT_LEAST_ONE = (
    "archive_files", "archive_mb", "batch_size", "decoded_megapixels", "explain_mb", "gdal_cache_mb", "idle_minutes", "scene_megapixels",
    "server_mb", "strip_rows", "upload_mb", "user_mb",
)  # fmt: skip
MORE_THAN_NOTHING = ("download_minutes", "download_timeout_s")
OF_OTHERS = frozenset({"SIGHTLINE_SCREENSHOTS"})
"""Variables of the same prefix that only tests read."""
FEWEST_RANDOM_MAPS = 20
"""Deletion and insertion are compared with at least so many random maps."""
MOST_RANDOM_MAPS = 100_000
"""And with at most so many, which are held at once."""


@dataclass(frozen=True)
class Settings:
    """What may be set from outside. Each field is SIGHTLINE_<NAME> in the environment."""

    home: Path = field(default_factory=lambda: Path.home() / ".sightline")
    """State: cache of downloaded samples, results of jobs. Mode 0700."""
    roots: tuple[Path, ...] = ()
    """Folders that the application may read on the server, separated by ':'; none means no server paths but the samples."""
    zoo: Path = PROJECT / "models" / "zoo"
    samples: Path = PROJECT / "sample_data"
    device: str = "auto"
    """auto takes CUDA when torch sees it."""
    precision: str = "auto"
    """auto: bf16 on CUDA, fp32 on the CPU. int8: a model's quantised form, on a CPU by OpenVINO; models without one run in fp32.

    measured: fp32 or int8, whichever `sightline doctor --benchmark` found the quicker for the model on this machine, fp32 where it did not
    measure; on CUDA as auto. The pages take it by default, the command line auto. Explanations run in fp32 whatever this says.
    """
    runtime: str = "auto"
    """The library that computes: auto takes OpenVINO on a CPU for the networks of this project, torch for all others."""
    address: str = "127.0.0.1"
    port: int = 8501
    password: str = ""
    """Needed before the application listens on anything but localhost; then at least 8 characters long."""
    site_key: str = ""
    """What pseudonyms are made with, at least 16 characters; without it a key is made once and kept in SIGHTLINE_HOME."""
    hosts: tuple[str, ...] = ()
    """Names, besides those of this machine itself, by which browsers may call the application, with ',' between them."""
    threads: int = 0
    """torch threads; 0 leaves torch's own choice."""
    batch_size: int = 32
    """Inputs a forward pass; halved when memory runs out."""
    batch_wait_ms: float = 2.0
    """How long a micro-batch waits for company."""
    upload_mb: int = 200
    """Largest upload, in megabytes; larger files come by folder or address."""
    user_mb: int = 4_000
    """Most that one browser may have open on this machine (uploads, what archives unpack to, downloads, results), in megabytes."""
    server_mb: int = 12_000
    """Most that all together may have open, in megabytes."""
    decoded_megapixels: int = 400
    """Largest decoded frame, in millions of pixels."""
    scene_megapixels: int = 40_000
    """Largest scene, in millions of pixels. Scenes are streamed: this bounds time, not memory."""
    archive_mb: int = 2_000
    """Largest unpacked size of a zip, in megabytes."""
    archive_files: int = 5_000
    """Most members of a zip."""
    gdal_cache_mb: int = 64
    """GDAL's block cache, in megabytes (its own default is 5 % of all memory)."""
    strip_rows: int = 64
    """Rows of a scene in memory at a time while it is mapped: few stay in the processor's cache, and a map is drawn as they come."""
    idle_minutes: int = 30
    """An open study or scene is dropped after that long without a look."""
    random_maps: int = 100
    """Random maps among which a map is ranked; the least p that so many can give is 1 / 101."""
    explain_mb: int = 4_000
    """Most memory that one map may take beside the network, by an estimate made before, in megabytes."""
    download_timeout_s: float = 30.0
    """Seconds without an answer before a download is given up."""
    download_minutes: float = 30.0
    """The longest that a download may take."""
    download_least_kbs: float = 10.0
    """Kilobytes a second below which a download is given up; 0 for none."""
    local_downloads: bool = False
    """Whether addresses of this machine itself (http://localhost) are asked, by an application that nobody else reaches."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from SIGHTLINE_* variables. Raises OutOfRange for a value that cannot be used."""
    values: dict[str, object] = {}
    defaults = Settings()
    _refuse_unknown(environment)
    for name in Settings.__dataclass_fields__:
        text = environment.get(f"SIGHTLINE_{name.upper()}")
        if text is None or text == "":
            continue
        values[name] = _parsed(name, text, getattr(defaults, name))
    settings = Settings(**values)  # type: ignore[arg-type]
    _check(settings)
    return settings


def private_home() -> Path:
    """SIGHTLINE_HOME, made where it is not there, and closed to others, with all that is in it, also where it was.

    Raises OSError where it cannot be made.
    """
    home = settings().home
    home.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    _close_to_others(home)
    return home


@cache
def _close_to_others(home: Path) -> None:
    for place, _, files in os.walk(home):
        for path in (Path(place), *(Path(place) / name for name in files)):
            with suppress(OSError):  # deleted meanwhile
                told = path.lstat()
                if told.st_mode & _OTHERS and told.st_uid == os.getuid() and not stat.S_ISLNK(told.st_mode):
                    path.chmod(stat.S_IMODE(told.st_mode) & ~_OTHERS)


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return read_settings(os.environ)


def _parsed(name: str, text: str, default: object) -> object:
    if name == "hosts":
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if isinstance(default, tuple):
        return tuple(Path(part).expanduser().resolve() for part in text.split(":") if part)
    if isinstance(default, Path):
        return Path(text).expanduser().resolve()
    if isinstance(default, bool):
        if text not in _YES_OR_NO:
            raise OutOfRange(f"SIGHTLINE_{name.upper()}", text, "0 or 1")
        return _YES_OR_NO[text]
    if isinstance(default, (int, float)):
        try:
            return type(default)(text)
        except ValueError:
            raise OutOfRange(f"SIGHTLINE_{name.upper()}", text, "a number") from None
    return text


def _check(settings: Settings) -> None:
    if settings.device not in DEVICES:
        raise OutOfRange("SIGHTLINE_DEVICE", settings.device, f"one of {', '.join(DEVICES)}")
    if settings.runtime not in RUNTIMES:
        raise OutOfRange("SIGHTLINE_RUNTIME", settings.runtime, f"one of {', '.join(RUNTIMES)}")
    if settings.precision not in PRECISIONS:
        raise OutOfRange("SIGHTLINE_PRECISION", settings.precision, f"one of {', '.join(PRECISIONS)}")
    if settings.random_maps < FEWEST_RANDOM_MAPS:
        raise OutOfRange("SIGHTLINE_RANDOM_MAPS", settings.random_maps, f"at least {FEWEST_RANDOM_MAPS}")
    if settings.random_maps > MOST_RANDOM_MAPS:
        raise OutOfRange("SIGHTLINE_RANDOM_MAPS", settings.random_maps, f"at most {MOST_RANDOM_MAPS}")
    for name in AT_LEAST_ONE:
        if getattr(settings, name) < 1:
            raise OutOfRange(f"{_PREFIX}{name.upper()}", getattr(settings, name), "at least 1")
    if settings.site_key and len(settings.site_key) < SHORTEST_KEY:
        raise OutOfRange("SIGHTLINE_SITE_KEY", "the one given", f"at least {SHORTEST_KEY} characters")
    if settings.threads < 0:
        raise OutOfRange("SIGHTLINE_THREADS", settings.threads, "0 or more")
    if not 0.0 <= settings.batch_wait_ms < math.inf:
        raise OutOfRange("SIGHTLINE_BATCH_WAIT_MS", settings.batch_wait_ms, "0 or more")
    for name in MORE_THAN_NOTHING:
        if not 0.0 < getattr(settings, name) < math.inf:
            raise OutOfRange(f"{_PREFIX}{name.upper()}", getattr(settings, name), "more than 0")
    if not 0.0 <= settings.download_least_kbs < math.inf:
        raise OutOfRange("SIGHTLINE_DOWNLOAD_LEAST_KBS", settings.download_least_kbs, "0 or more")
    if not 1 <= settings.port <= LAST_PORT:
        raise OutOfRange("SIGHTLINE_PORT", settings.port, f"1 to {LAST_PORT}")
    if any(root == Path(root.anchor) for root in settings.roots):
        raise OutOfRange("SIGHTLINE_ROOTS", "/", "folders of images, not the whole disk")


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """A misspelt name would leave its limit as it is without a word."""
    known = {_PREFIX + name.upper() for name in Settings.__dataclass_fields__} | OF_OTHERS
    for name in environment:
        if name.startswith(_PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise InputError(f"{name} is not a setting.", f"Did you mean {near[0]}?" if near else "core/settings.py lists them all.")
