"""From bytes to Study, Scene or Picture: by content, never by name. Whatever cannot be read is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

from core.readers.dicom.frames import with_recent_frames
from core.readers.dicom.image import read_dicom
from core.readers.dicom.series import read_series
from core.readers.picture import read_picture
from core.readers.scenes.geotiff import read_scene
from core.readers.scenes.options import SceneOptions
from core.readers.scenes.raster import RASTER_DRIVERS, open_raster
from core.readers.sniff import Kind, refusal, sniff
from core.types import Image

__all__ = [
    "Kind",
    "SceneOptions",
    "open_raster",
    "read_dicom",
    "read_image",
    "read_picture",
    "read_scene",
    "read_series",
    "sniff",
    "with_recent_frames",
]


def read_image(path: Path, name: str | None = None, options: SceneOptions | None = None) -> Image:
    """Read one file as what its content is: a DICOM object, a GeoTIFF or another raster of a satellite, or a picture.

    name: what to call it; the file's own name where None. options: for a GeoTIFF.
    Raises NotFound, UnreadableFile, NoPixels, UnsafeFile or TooLarge.
    """
    kind = sniff(path)
    if kind is Kind.DICOM:
        return read_dicom(path, name)
    if kind in RASTER_DRIVERS:
        return read_scene([path], options, name)
    if kind in (Kind.PNG, Kind.JPEG):
        return read_picture(path, name)
    raise refusal(path, name or path.name)
