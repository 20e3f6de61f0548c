"""Rasters out, strip by strip: a tiled GeoTIFF beside its place, copied to a cloud-optimised one when it is whole.

GDAL's COG driver opened for writing holds the whole raster in memory, hence the copy; both steps hold GDAL's block cache and one row of
blocks.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import CRSError, RasterioError
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from core.areas.pixels import row_hectares
from core.errors import InputError
from core.export.staging import PREFIX, not_written
from core.export.styles import Colour, category_names, qgis_style
from core.readers.scenes.raster import open_raster
from core.settings import settings

BLOCK = 512
"""Rows and columns of a block, as GDAL's COG driver has them."""
_MEGABYTE = 2**20
STRIPS = "strips.tif"
READ_ROWS = 256
"""Rows that are read at a time."""
MOST_COARSER = 8.0
"""A scene whose pixels would cover more than so many times the ground is torn apart by its new CRS, as by degrees at the antimeridian."""


class StripWriter:
    """Writes a raster from top to bottom, of one band or of several; a context manager.

    On a clean exit the raster stands at `path` as a COG with overviews, whole or not at all; on an error nothing is left of it. A raster
    with labels gets its colour table inside, the names in <path>.aux.xml and a QGIS style in <stem>.qml.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        crs: CRS | None,
        transform: Affine,
        dtype: str,
        nodata: float,
        description: str = "",
        labels: Sequence[str] = (),
        colours: Sequence[Colour] = (),
        tags: Mapping[str, str] | None = None,
        bands: Sequence[str] = (),
    ) -> None:
        """bands: names of several bands, in place of `description`; strips are then [bands, rows, width].

        labels, colours: of the values 0, 1, ... of a class raster, equally many. description: the band's name. tags: TIFF metadata."""
        self._path, self._shape, self._nodata, self._bands = path, (height, width), nodata, tuple(bands)
        self._profile = {
            "width": width, "height": height, "count": len(bands) or 1, "crs": crs, "transform": transform, "dtype": dtype,
            "nodata": nodata,
            "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "zstd", "zstd_level": 1, "bigtiff": "if_safer",
        }  # fmt: skip
        self._description, self._labels, self._colours, self._tags = description, tuple(labels), tuple(colours), dict(tags or {})
        self._held = np.zeros((len(bands) or 1, 0, width), dtype=dtype)  # rows that do not fill a row of blocks yet
        self._written = 0

    def __enter__(self) -> StripWriter:
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._path.parent))
        with _environment(), self._told():
            self._raster = rasterio.open(self._folder / STRIPS, "w", driver="GTiff", **self._profile)
            for number, name in enumerate(self._bands or (self._description,), start=1):
                self._raster.set_band_description(number, name)
            self._raster.update_tags(**self._tags)
            if self._colours:
                self._raster.write_colormap(1, {value: (*colour, 255) for value, colour in enumerate(self._colours)})
        return self

    def write(self, top: int, strip: NDArray[Any]) -> None:
        """The next rows, [rows, width]; `top` is the first of them. Raises ValueError where rows are missing or come twice."""
        held = self._held.shape[1]
        if top != self._written + held:
            raise ValueError(f"row {top} was written where row {self._written + held} comes next")
        planes = strip if self._bands else strip[np.newaxis]  # [bands, rows, width]
        self._held = np.concatenate([self._held, planes.astype(self._held.dtype, copy=False)], axis=1)
        held = self._held.shape[1]
        rows = held if self._written + held == self._shape[0] else held // BLOCK * BLOCK
        if rows:
            with _environment(), self._told():
                self._raster.write(self._held[:, :rows], window=Window(0, self._written, self._shape[1], rows))
            self._written, self._held = self._written + rows, self._held[:, rows:].copy()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            with _environment(), self._told():
                self._raster.close()
                if error is None:
                    self._publish()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What keeps GDAL from writing becomes CannotWrite."""
        try:
            yield
        except (CPLE_BaseError, RasterioError) as error:
            raise not_written(self._path.parent, error) from error

    def _publish(self) -> None:
        if self._written != self._shape[0]:
            raise ValueError(f"{self._written} of {self._shape[0]} rows were written")
        is_classes = bool(self._labels) or not np.issubdtype(self._held.dtype, np.floating)
        whole = self._folder / self._path.name
        rasterio.shutil.copy(
            self._folder / STRIPS, whole, driver="COG", compress="deflate", level="6", predictor="no" if is_classes else "yes",
            blocksize=str(BLOCK), overview_resampling="mode" if is_classes else "average", num_threads="all_cpus", bigtiff="if_safer",
        )  # fmt: skip
        _read_all(whole)
        if self._labels:
            names, style = self._folder / f"{self._path.name}.aux.xml", self._folder / f"{self._path.stem}.qml"
            names.write_text(category_names(self._labels), encoding="utf-8")
            style.write_text(qgis_style(self._labels, self._colours), encoding="utf-8")
            for made in (names, style):
                made.replace(self._path.with_name(made.name))
        whole.replace(self._path)


def read_strips(path: Path, rows: int = READ_ROWS) -> Iterator[tuple[int, NDArray[Any]]]:
    """(first row, [rows, width]) of a one-band GeoTIFF from top to bottom. Raises UnreadableFile.

    The file is opened for each strip anew: GDAL's settings hang on the thread, not on the iterator.
    """
    top, height = 0, 1
    while top < height:
        with open_raster(path) as raster:
            height = raster.height
            strip = raster.read(1, window=Window(0, top, raster.width, min(rows, height - top)))
        yield top, strip
        top += len(strip)


def warp_raster(source: Path, target: Path, crs: CRS, labels: Sequence[str] = (), colours: Sequence[Colour] = ()) -> None:
    """A GeoTIFF on a north-up grid of another CRS, pixels of about the same size. Nearest pixels: no value is invented.

    Raises InputError where the raster cannot be laid out in that CRS.
    """
    with open_raster(source) as raster:
        grid, dtype, description = grid_in(raster, crs), raster.dtypes[0], raster.descriptions[0] or ""
        nodata, bands = raster.nodata, tuple(name or "" for name in raster.descriptions) if raster.count > 1 else ()
    named: dict[str, Any] = {"description": description, "bands": bands, "labels": labels, "colours": colours}
    written = StripWriter(target, **grid, dtype=dtype, nodata=nodata, **named)
    with written as writer:
        for top in range(0, grid["height"], READ_ROWS):
            rows = min(READ_ROWS, grid["height"] - top)
            with open_raster(source) as raster, WarpedVRT(raster, resampling=Resampling.nearest, nodata=nodata, **grid) as warped:
                strip = warped.read(window=Window(0, top, grid["width"], rows))  # [bands, rows, width]
            writer.write(top, strip if bands else strip[0])


def _read_all(path: Path) -> None:
    """GDAL closes a raster without a word where the disk is full: only reading tells that it is whole. Raises RasterioError."""
    with rasterio.open(path) as raster:
        for _, window in raster.block_windows(1):
            raster.read(1, window=window)


def grid_in(raster: DatasetReader, crs: CRS) -> dict[str, Any]:
    """crs, transform, width and height of the grid that a raster would have in another CRS.

    Raises InputError where it cannot be laid out there, or only torn apart.
    """
    here = {"crs": raster.crs, "transform": raster.transform, "width": raster.width, "height": raster.height}
    try:
        with WarpedVRT(raster, crs=crs) as warped:
            there = {"crs": warped.crs, "transform": warped.transform, "width": warped.width, "height": warped.height}
        is_whole = _largest_pixel(there) <= MOST_COARSER * _largest_pixel(here)
    except (CPLE_BaseError, RasterioError):
        is_whole = False
    if not is_whole:
        raise InputError(
            f"The scene would be torn apart in the coordinate system {crs.to_string()[:80]} of --crs, or has no place in it.",
            "Choose one in which it is in one piece, such as its UTM zone.",
        )
    return there


def _largest_pixel(grid: Mapping[str, Any]) -> float:
    """Hectares of the largest pixel of the first, the middle and the last row."""
    hectares = row_hectares(**grid)
    return max(float(hectares(row, 1).max()) for row in (0, grid["height"] // 2, grid["height"] - 1))


def parse_crs(text: str) -> CRS:
    """The coordinate system of `--crs`: an authority's code, PROJ text or WKT. Raises InputError."""
    try:
        with rasterio.Env():
            crs = CRS.from_user_input(text)
    except CRSError:
        crs = CRS()
    if not (crs.is_geographic or crs.is_projected):
        raise InputError(f"--crs names no coordinate system of a map: {text[:80]!r}.", "Give its code, for example --crs EPSG:32631.")
    return crs


def _environment() -> rasterio.Env:
    """GDAL's block cache at its named size. rasterio takes it in bytes."""
    return rasterio.Env(GDAL_CACHEMAX=settings().gdal_cache_mb * _MEGABYTE)
