"""What an argument names: one image, or the files of one scene."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from core.errors import InputError, NotFound, UnreadableFile
from core.export.staging import held_folder, remove_what_the_killed_left
from core.readers import SceneOptions, open_raster, read_scene, sniff
from core.readers.scenes.raster import RASTER_DRIVERS
from core.sources import Source, Unusable, walk
from core.sources.products import ProductFiles, is_product_folder, products_in
from core.sources.scenes import SceneFile, clouds_beside, folder_of, heaps_of, is_left_out, no_image, read_files, read_product
from core.types import Scene, notice

INSIDE = "!/"
"""Between an archive and the name of its member."""
JOINT = "+"
"""Between the files of one scene."""


@contextmanager
def workspace() -> Iterator[Path]:
    """A private folder for what is unpacked, gone afterwards; what killed processes unpacked goes now.

    Where it cannot be made, its name: only archives need it, and their error says why it is not there.
    """
    place = _temporary()
    with ExitStack() as held:
        try:
            remove_what_the_killed_left(place)
            folder = held.enter_context(held_folder(place))
        except OSError:
            folder = place / "sightline"
        yield folder


def _temporary() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:  # no folder of temporary files can be written
        return Path(os.environ.get("TMPDIR", "/tmp"))


def files_of(arguments: list[str], work: Path) -> Iterator[Source | Unusable]:
    """Every file that the arguments name, one after another. A member of a zip may be named as it is printed: file.zip!/member."""
    for argument in arguments:
        archive, separator, _ = argument.partition(INSIDE)
        if not separator or Path(argument).exists() or not Path(archive).is_file():
            yield from walk([argument], work)
            continue
        found = [item for item in walk([archive], work) if item.label == argument]
        yield from found or [
            Unusable(argument, NotFound(f"{archive} has no member {argument.removeprefix(archive + INSIDE)}.", "Check its name."))
        ]


def single(argument: str, work: Path) -> Source:
    """The one file that an argument names. Raises what keeps it from being read, InputError where it names none or several."""
    found = list(files_of([argument], work))
    if not found:
        raise NotFound(f"{argument} holds no files.", "Give an image.")
    if len(found) > 1:
        raise InputError(f"{argument} holds {len(found)} files.", f"Give one of them, for example {found[0].label}.")
    if isinstance(found[0], Unusable):
        raise found[0].error
    return found[0]


def scene_of(argument: str, options: SceneOptions, work: Path) -> Scene:
    """The scene that an argument names: a file, several joined by +, a folder or zip of one date.

    Masks and quality layers of a folder are left out, which is said. Raises InputError or what core.readers.read_scene raises.
    """
    parts = split_at_joints(argument)
    everything = [source for part in parts for source in _files_of_part(part, work)]
    products, rest = products_in(everything)
    if products:
        return _product_alone(argument, products, options)
    sources = _rasters(argument, parts, rest)
    if len(sources) == 1:
        alone = read_scene([sources[0].path], options, folders=[folder_of(sources[0])])
        if is_left_out(alone, sources[0].path.stem):
            raise no_image(sources[0].path.name)
        return alone
    files, refused = read_files(sources, _unwatched)
    unreadable = next((each for each in refused if not each.is_mask or not files), None)
    if unreadable is not None:
        raise unreadable.error
    heaps = heaps_of(files)
    if len(parts) > 1 or len(heaps) > 1:
        _refuse_several_dates(argument, files)
    name = Path(argument).name if len(parts) == 1 else None
    clouds = clouds_beside(files, refused)
    scene = read_scene([file.path for file in files], options, name, [file.folder.name for file in files], clouds=clouds)
    _refuse_doubled_bands(argument, scene)
    _refuse_several_years(argument, files)
    if not refused:
        return scene
    left_out = tuple(each.label for each in refused if clouds is None or each.mask != clouds.file)
    if not left_out:
        return scene
    return replace(scene, assumptions=(*scene.assumptions, notice("scene.masks-left-out", files=left_out)))


def _unwatched(done: int, total: int) -> None:
    """Reading what the files of one scene say takes no time worth telling."""


def split_at_joints(argument: str) -> list[str]:
    """The parts between plus signs; a path that exists is taken whole, whatever it holds. Raises NotFound for a part that is none."""
    pieces = argument.split(JOINT)
    parts = _existing(pieces)
    if parts is not None:
        return parts
    missing = next(piece for piece in pieces if not _is_there(piece)) if len(pieces) > 1 else argument
    raise NotFound(f"{missing or argument} does not exist.", "Check the path; files of one scene are joined by a plus sign.")


def _existing(pieces: list[str]) -> list[str] | None:
    """The pieces as paths that all exist, the longest first; None where there is no such way to join them."""
    for end in range(len(pieces), 0, -1):
        candidate = JOINT.join(pieces[:end])
        if not _is_there(candidate):
            continue
        rest: list[str] | None = _existing(pieces[end:]) if end < len(pieces) else []
        if rest is not None:
            return [candidate, *rest]
    return None


def _is_there(path: str) -> bool:
    return bool(path) and (Path(path).exists() or Path(path.partition(INSIDE)[0]).is_file())


def _files_of_part(part: str, work: Path) -> list[Source]:
    """The files of a folder (not of its sub-folders, unless it is a product) or of an archive; of a file the file itself.

    Raises what keeps a single file from being read.
    """
    folder = Path(part)
    if folder.is_dir() and not is_product_folder(folder):
        inside = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
        return [Source(str(file), file) for file in inside]
    found = list(files_of([part], work))
    if [item.label for item in found] == [part]:
        return [single(part, work)]
    return [item for item in found if isinstance(item, Source)]


def _rasters(argument: str, parts: Sequence[str], sources: Sequence[Source | Unusable]) -> list[Source]:
    """The rasters among the files of a scene; a file that was named is taken whatever it is: its reader will say so."""
    kept = [source for source in sources if isinstance(source, Source) and (source.label in parts or sniff(source.path) in RASTER_DRIVERS)]
    if not kept:
        raise UnreadableFile(f"{argument} holds no GeoTIFF.", "Give a scene as one GeoTIFF, or as a folder with the files of one date.")
    return kept


def _product_alone(argument: str, products: Sequence[ProductFiles], options: SceneOptions) -> Scene:
    """Raises InputError where there are several, and what reading one raises."""
    if len(products) > 1:
        raise InputError(
            f"{argument} holds {len(products)} products, {products[0].label} and {products[1].label} among them.",
            "Give each as a scene of its own.",
        )
    return read_product(products[0], options).scene


def _refuse_several_dates(argument: str, files: Sequence[SceneFile]) -> None:
    _refuse(argument, {file.scene.when: file.path.name for file in reversed(files) if file.scene.date and not file.scene.date_text})


def _refuse_several_years(argument: str, files: Sequence[SceneFile]) -> None:
    _refuse(argument, {file.scene.when: file.path.name for file in reversed(files) if file.scene.date_text})


def _refuse(argument: str, dates: dict[str, str]) -> None:
    """dates: a file of each."""
    if len(dates) > 1:
        first, second = sorted(dates)[:2]
        raise InputError(
            f"{argument} holds files of several dates: {dates[first]} ({first}) and {dates[second]} ({second}).",
            "Give each date as a folder of its own, or join its files by a plus sign.",
        )


def _refuse_doubled_bands(argument: str, scene: Scene) -> None:
    """One band in two resolutions is one band; twice in the same, it is of two dates or of two places."""
    seen: dict[str, Path] = {}
    for band in scene.bands:
        first = seen.setdefault(band.common_name, band.file)
        if band.common_name and first != band.file and _resolution(first) == _resolution(band.file):
            raise InputError(
                f"{argument} holds the band {band.common_name} twice, in {first.name} and in {band.file.name}.",
                "Give one date and each band once; files of one scene may be joined by a plus sign.",
            )


def _resolution(path: Path) -> tuple[float, float]:
    with open_raster(path) as raster:
        return tuple(raster.res)
