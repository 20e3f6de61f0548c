"""The only place that opens a raster. GDAL opens a GeoTIFF here, the JPEG 2000 or the Zarr array of a Sentinel-2 product, and nothing else.

GDAL follows what it finds beside a file (a.tif.ovr, .msk, .aux.xml, .tfw) and what stands in a TIFF's own metadata (an OVERVIEWS domain
names a file whose pixels are then returned as overviews; a GEOLOCATION domain names files of coordinates). Either makes an upload read
another file of the server, whatever the driver list says. So: no look at the folder, one driver, and no TIFF with such a domain.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
from rasterio import DatasetReader
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioIOError
from rasterio.vrt import WarpedVRT

from core.errors import SightlineError, TooLarge, UnreadableFile, UnsafeFile
from core.readers.scenes.zarr import crs_code_of, is_zarr_array
from core.readers.sniff import Kind, refusal, sniff
from core.settings import settings

# Metadata domains by which a TIFF can name another file (GDAL raster data model; gdaldefaultoverviews.cpp, gdalgeolocation.cpp).
_POINTING_DOMAINS = frozenset({"OVERVIEWS", "GEOLOCATION", "PROXYOVERVIEWREQUEST", "XML:VRT", "VRT"})
_MEGABYTE = 2**20  # rasterio hands GDAL_CACHEMAX on as bytes; GDAL's own rule, by which small numbers are megabytes, does not apply


RASTER_DRIVERS = {Kind.TIFF: "GTiff", Kind.JPEG_2000: "JP2OpenJPEG", Kind.ZARR: "Zarr"}
"""The kinds of raster that are read, each by one driver of GDAL."""


@contextmanager
def open_raster(path: Path, name: str | None = None) -> Iterator[DatasetReader]:
    """Open a GeoTIFF or a JPEG 2000 file for reading. What GDAL cannot read inside the `with` block becomes UnreadableFile too.

    A file that only ground control points place is given as warped by them to a north-up grid; `source_of` gives the file itself.
    Side files are never followed: external overviews and masks, world files and .aux.xml do not count.
    Raises NotFound, UnreadableFile (of another kind, damaged, complex numbers), UnsafeFile (it points to another file) or TooLarge.
    """
    name = name or path.name
    kind = Kind.ZARR if is_zarr_array(path) else sniff(path)
    if kind not in RASTER_DRIVERS:
        raise refusal(path, name, "Give a GeoTIFF.")
    _ignore_missing_georeference()
    cache = settings().gdal_cache_mb * _MEGABYTE
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_GEOREF_SOURCES="INTERNAL", GDAL_CACHEMAX=cache):
        try:
            # A resolved Path, not a string: no "GTIFF_DIR:2:", "zip://" or "/vsicurl/" syntax is looked for in it.
            with rasterio.open(path.resolve(), driver=RASTER_DRIVERS[kind], sharing=False) as dataset:
                _check(dataset, name)
                with _on_a_grid(dataset, path) as placed:
                    yield placed
        except SightlineError:
            raise
        except (RasterioIOError, CPLE_BaseError, CRSError, UnicodeDecodeError) as error:
            if "write" in str(error).lower() and "read" not in str(error).lower():
                raise  # a file that somebody writes while reading this one
            raise UnreadableFile(
                f"{name} is a {kind} that cannot be read: it is damaged, cut off, or compressed in a way that is not known here.",
                "Copy or export it again.",
            ) from error


def source_of(dataset: DatasetReader) -> DatasetReader:
    """The file itself, of a dataset that `open_raster` gave: what it says of itself is lost where it was brought to a grid."""
    return dataset.src_dataset if isinstance(dataset, WarpedVRT) else dataset


@contextmanager
def _on_a_grid(dataset: DatasetReader, path: Path) -> Iterator[DatasetReader]:
    """The dataset, warped to a north-up grid by its ground control points where these are all that places it.

    An array of a Zarr store gets the coordinate system that the attributes of the store tell.
    """
    code = crs_code_of(path) if dataset.driver == RASTER_DRIVERS[Kind.ZARR] and dataset.crs is None else ""
    if code:
        grid = {"crs": code, "transform": dataset.transform, "width": dataset.width, "height": dataset.height}
        with WarpedVRT(dataset, src_crs=code, resampling=Resampling.nearest, **grid) as placed:
            yield placed
        return
    points, crs = dataset.gcps
    if dataset.crs is not None or not points or crs is None:
        yield dataset
        return
    has_edge = dataset.nodata is not None or ColorInterp.alpha in dataset.colorinterp
    # The grid keeps the size of the pixels. GDAL would take the width of its kernel from the ratio of widths, and blur.
    with WarpedVRT(dataset, src_crs=crs, resampling=Resampling.bilinear, add_alpha=not has_edge, XSCALE=1, YSCALE=1) as placed:
        yield placed


def _check(dataset: DatasetReader, name: str) -> None:
    domains = set(dataset.tag_namespaces()).union(*(dataset.tag_namespaces(band) for band in dataset.indexes))
    pointing = sorted(domain for domain in domains if domain.upper() in _POINTING_DOMAINS)
    if pointing:
        raise UnsafeFile(
            f"{name} names other files in its metadata ({', '.join(pointing)}).",
            "Write it anew without them, for example with gdal_translate.",
        )
    if any(kind.startswith("complex") for kind in dataset.dtypes):
        raise UnreadableFile(f"{name} holds complex numbers (a radar signal), not brightness.", "Give its amplitude as real numbers.")
    megapixels = dataset.width * dataset.height / 1e6
    if megapixels > settings().scene_megapixels:
        raise TooLarge(
            f"{name} has {dataset.width} x {dataset.height} pixels, more than {settings().scene_megapixels} million.",
            "Cut it into parts, or raise SIGHTLINE_SCENE_MEGAPIXELS.",
        )
    height, width = max(dataset.block_shapes, key=lambda shape: shape[0] * shape[1])
    if height * width > settings().decoded_megapixels * 1_000_000:
        raise TooLarge(
            f"{name} is stored in blocks of {width} x {height} pixels, which cannot be read piece by piece.",
            "Write it with tiles, for example gdal_translate -co TILED=YES.",
        )


def _ignore_unreadable_messages() -> None:
    """GDAL quotes a damaged TIFF in its messages; rasterio fails to decode such a quote, and Python would print a traceback for it."""
    earlier = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if isinstance(unraisable.exc_value, UnicodeDecodeError) and str(unraisable.object).startswith("rasterio._env."):
            return
        earlier(unraisable)

    sys.unraisablehook = hook


_ignore_unreadable_messages()


def _ignore_missing_georeference() -> None:
    """A missing georeference is said by an assumption of the Scene, not by a warning."""
    if not any(entry[0] == "ignore" and entry[2] is NotGeoreferencedWarning for entry in warnings.filters[:4]):
        warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
