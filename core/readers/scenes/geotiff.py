"""One or several GeoTIFF files of one place and date become a Scene. Pixels stay on disk and are read by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from core.errors import NoGrid, NoOverlap, NotFound, OutOfRange
from core.readers.digest import sha256_of, sha256_of_all
from core.readers.scenes.band_names import colour_of
from core.readers.scenes.footprint import footprint
from core.readers.scenes.masks import chosen_clouds, quality_kind
from core.readers.scenes.options import SceneOptions
from core.readers.scenes.product import ProductFacts
from core.readers.scenes.raster_file import RasterFile, box_of, ground_words, read_file
from core.types import Band, CloudMask, Notice, Product, ScaleState, Scaling, Scene, notice

__all__ = ["BANDS_ASSUMED", "read_scene"]

BANDS_ASSUMED = "scene.bands-assumed"
"""Code of the notice that it had to be guessed which band is which."""


def read_scene(
    paths: Sequence[Path],
    options: SceneOptions | None = None,
    name: str | None = None,
    folders: Sequence[str] | None = None,
    product: ProductFacts | None = None,
    clouds: CloudMask | None = None,
) -> Scene:
    """Read what one or several GeoTIFF files say; several are bands of one scene, coarser ones are resampled when they are read.

    Names in the file win, then a band token in the name of a one-band file, then colour interpretation; three or four unnamed
    bands are taken as red, green, blue (, near infrared), as an assumption.
    folders: the name of the folder that each file came from, which may be a date; that in which it lies where None.
    product: what the metadata of a product say of these files; it stands over what the files say, and below what `options` say.
    clouds: a raster that lies beside the files and tells clouds.
    Raises NotFound, UnreadableFile, UnsafeFile, TooLarge; NoGrid or NoOverlap where files do not make one scene; OutOfRange where
    `options` name another number of bands.
    """
    if not paths:
        raise NotFound("No file was given.", "Give at least one GeoTIFF.")
    options = (options or SceneOptions()).checked()
    files = [read_file(path, folder) for path, folder in zip(paths, folders or [path.parent.name for path in paths], strict=True)]
    if product is not None:
        files = [_told_by(product, file) for file in files]
    finest = min(files, key=lambda file: file.pixel_area)
    _check_one_place(files)
    bands, assumptions = _bands(files, options)
    taken, date_text, date_assumption = _date(files, options)
    where = footprint(finest.crs, finest.transform, finest.width, finest.height) if finest.crs is not None else None
    notes = list(dict.fromkeys([*assumptions, *(note for file in files for note in file.notes)]))
    if date_assumption is not None:
        notes.append(date_assumption)
    if finest.crs is not None and where is None:
        notes.append(notice("scene.no-footprint"))
    return Scene(
        name=name or _name(paths),
        sha256=sha256_of_all(sha256_of(path) for path in dict.fromkeys(paths)),
        bands=bands,
        width=finest.width,
        height=finest.height,
        crs=finest.crs,
        transform=finest.transform,
        dtype=str(np.result_type(*(file.dtype for file in files))),
        date=taken,
        date_text=date_text,
        footprint=where,
        product=None if product is None else _as_told(product.product, options),
        clouds=chosen_clouds(options.clouds, _brought(files, product, clouds), paths[0].name),
        given=options.given,
        assumptions=tuple(notes),
    )


def _brought(files: Sequence[RasterFile], product: ProductFacts | None, beside: CloudMask | None) -> CloudMask | None:
    """What tells clouds: the product, a band of the files, or a raster beside them."""
    if product is not None and product.clouds is not None:
        return CloudMask(*product.clouds)
    of_bands = ((quality_kind(band.name), band) for file in files for band in file.bands)
    return next((CloudMask(kind, band.file, band.index) for kind, band in of_bands if kind is not None), beside)


def _told_by(product: ProductFacts, file: RasterFile) -> RasterFile:
    """A file of a product, whose bands, scale and date are those of the metadata."""
    told = {band.file: band for band in product.bands}
    bands = tuple(
        replace(
            band,
            name=told[band.file].name,
            common_name=told[band.file].common_name,
            scale=told[band.file].scale,
            offset=told[band.file].offset,
            nodata=band.nodata if band.nodata is not None else told[band.file].nodata,
        )
        for band in file.bands
    )
    named = replace(file, bands=bands, is_colour_assumed=False)
    return named if product.date is None else replace(named, date=product.date, date_text="", date_assumption=None)


def _as_told(product: Product, options: SceneOptions) -> Product:
    """The product, with what the user said in place of what its metadata say."""
    given = Scaling(ScaleState.NEEDED, notice("product.given"))
    return replace(
        product,
        scale=product.scale if options.scale is None else given,
        offset=product.offset if options.offset is None else given,
    )


def _bands(files: Sequence[RasterFile], options: SceneOptions) -> tuple[tuple[Band, ...], list[Notice]]:
    bands = [band for file in files for band in file.bands]
    assumptions = []
    if options.bands:
        if len(options.bands) != len(bands):
            named = files[0].path.name + (f" and {len(files) - 1} more" if len(files) > 1 else "")
            raise OutOfRange(f"{named}: number of band names", len(options.bands), f"the number of its bands, {len(bands)}")
        product = " ".join(file.path.name for file in files)
        bands = [replace(band, name=given, common_name=colour_of(given, product)) for band, given in zip(bands, options.bands, strict=True)]
    elif any(file.is_colour_assumed for file in files):
        colours = tuple(band.common_name for file in files if file.is_colour_assumed for band in file.bands)
        assumptions.append(notice(BANDS_ASSUMED, colours=colours))
    if options.scale is not None or options.offset is not None:
        scale, offset = options.scale, options.offset
        bands = [
            replace(
                band,
                scale=scale if scale is not None else (band.scale if band.scale is not None else 1.0),
                offset=offset if offset is not None else (band.offset if band.offset is not None else 0.0),
            )
            for band in bands
        ]
    return tuple(bands), assumptions


def _date(files: Sequence[RasterFile], options: SceneOptions) -> tuple[date | None, str, Notice | None]:
    if options.date is not None:
        return options.date, "", None
    dated = [file for file in files if file.date is not None]
    if not dated:
        return None, "", None
    told = next((file for file in dated if file.date_assumption is None), dated[0])
    return told.date, told.date_text, told.date_assumption


def _check_one_place(files: Sequence[RasterFile]) -> None:
    first = files[0]
    for other in files[1:]:
        if other.crs != first.crs:
            raise NoGrid(
                f"{first.path.name} and {other.path.name} are in different coordinate systems.",
                "Files of one scene share theirs; give two dates as two scenes.",
            )
        if first.crs is None and (other.width, other.height) != (first.width, first.height):
            raise NoGrid(
                f"{first.path.name} and {other.path.name} differ in size and have no coordinate system.", "Georeference them first."
            )
        here, there = box_of(first), box_of(other)
        if first.crs is not None and not (here[0] < there[2] and there[0] < here[2] and here[1] < there[3] and there[1] < here[3]):
            raise NoOverlap(first.path.name, ground_words(first), other.path.name, ground_words(other))


def _name(paths: Sequence[Path]) -> str:
    return paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more"
