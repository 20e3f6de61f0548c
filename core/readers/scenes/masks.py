"""Which raster tells the clouds of a scene: what its product brings, or what the user names."""

from __future__ import annotations

import re
from pathlib import Path

from core.errors import NotFound, OutOfRange
from core.readers.scenes.raster import open_raster
from core.types import CloudKind, CloudMask

NO_CLOUDS = "none"
_KINDS = {
    CloudKind.SCL: re.compile(r"(?<![A-Z0-9])SCL(?![A-Z0-9])", re.IGNORECASE),
    CloudKind.QA: re.compile(r"(?<![A-Z0-9])(QA[_ ]PIXEL|PIXEL[_ ]QA)(?![A-Z0-9])", re.IGNORECASE),
}


def quality_kind(name: str) -> CloudKind | None:
    """SCL or QA_PIXEL, where the name of a file or of a band says so; None where it does not."""
    plain = name.replace("_", " ")
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(plain)), None)


def chosen_clouds(wanted: str, brought: CloudMask | None, scene: str) -> CloudMask | None:
    """The raster that tells clouds, None where none is to be asked or none is there.

    wanted: "scl", "qa", "none", the path of a raster, or "" for what was brought. Raises OutOfRange where the scene brings no such
    raster, NotFound or UnreadableFile for a path that is none.
    """
    if wanted in ("", NO_CLOUDS):
        return brought if wanted == "" else None
    if wanted in (CloudKind.SCL.value, CloudKind.QA.value):
        if brought is None or brought.kind.value != wanted:
            has = f"what {scene} brings: {brought.kind.value if brought else 'nothing that tells clouds'}"
            raise OutOfRange("--clouds", wanted, has)
        return brought
    path = Path(wanted)
    if not path.is_file():
        raise NotFound(f"The mask {wanted} of --clouds does not exist.", "Give scl, qa, none, or the path of a raster.")
    with open_raster(path):
        return CloudMask(quality_kind(path.stem) or CloudKind.OWN, path)
