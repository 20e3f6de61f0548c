"""Which files are bands of one scene: what a folder of downloads, or a heap of uploads, most likely means.

One rule for the page and for the command line. Files whose names differ by a band or a resolution alone are one scene; so are files of one
folder, date and place that hold different bands. Masks and quality layers are no scenes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.errors import SightlineError, UnreadableFile
from core.readers import SceneOptions, read_image, read_scene
from core.readers.scenes.dates import plain_date
from core.readers.scenes.geotiff import BANDS_ASSUMED
from core.readers.scenes.masks import quality_kind
from core.readers.scenes.product import ProductFacts
from core.sources import Source, Unusable, walk
from core.sources.products import ProductFiles, products_in
from core.types import CloudMask, Notice, Scene

_BAND = re.compile(r"[_.\- ]?B(\d{1,2}A?|8A)(?=_|$)", re.IGNORECASE)
_RESOLUTION = re.compile(r"[_.\- ]?(10|20|60)m$", re.IGNORECASE)
_RAW = re.compile(r"[_ ]?\(raw\)$", re.IGNORECASE)
"""How EO Browser ends the name of a band that it exports as it is."""
_QUALITY = re.compile(r"(?<![A-Z0-9])(QA|SCL|MSK|CLDPRB|SNWPRB|CLM|CLP|UDM2?|FMASK|DATAMASK)(?![A-Z0-9])", re.IGNORECASE)
"""Quality layers of Landsat, Sentinel-2, Planet and Sentinel Hub, by their names."""
SAME_PLACE = 0.5
"""Share of the smaller file that must lie in the other for both to be of one scene."""


@dataclass(frozen=True)
class SceneFiles:
    """The files of one scene, and the scene that they make.

    folders: the name of the folder that each file came from. product: what the metadata of a product say of them.
    clouds: the raster beside them that tells clouds.
    """

    paths: tuple[Path, ...]
    scene: Scene
    folders: tuple[str, ...] = ()
    product: ProductFacts | None = None
    clouds: CloudMask | None = None


@dataclass(frozen=True)
class _Refused:
    """What makes no scene, and why. mask: the file, where it says something of a scene, and is none; folder: where that came from."""

    label: str
    error: SightlineError
    mask: Path | None = None
    folder: PurePosixPath | None = None

    @property
    def is_mask(self) -> bool:
        """Whether it says something of a scene."""
        return self.mask is not None


@dataclass(frozen=True)
class SceneFile:
    """One file that may be a part of a scene. folder: where it came from, as it is labelled. scene: what it is by itself."""

    path: Path
    folder: PurePosixPath
    scene: Scene

    @property
    def is_one_band(self) -> bool:
        """Whether it holds a single band beside its mask."""
        return len(self.scene.bands) == 1

    @property
    def is_known(self) -> bool:
        """Whether it is known what each of its bands shows."""
        return all(band.common_name for band in self.scene.bands)


Heap = tuple[str, tuple[SceneFile, ...]]
"""The name of a scene and its files."""


def group_scenes(
    paths: Sequence[Path], workspace: Path, watch: Callable[[int, int], None]
) -> tuple[tuple[SceneFiles, ...], tuple[_Refused, ...]]:
    """Read every file, and put those of one scene together. Scenes by date; undated ones by what their names say of before and after, then
    by name.

    workspace: where archives are unpacked. watch(done, total) is told after each file, and may raise to stop.
    """
    products, rest = products_in(list(walk(paths, workspace)))
    files, refused = read_files(rest, watch)
    groups = []
    for product in products:
        try:
            groups.append(read_product(product))
        except SightlineError as error:
            refused.append(_Refused(product.label, error))
    for name, heap in heaps_of(files):
        inside, folders = tuple(file.path for file in heap), tuple(file.folder.name for file in heap)
        try:
            clouds = clouds_beside(heap, refused)
            scene = read_scene(inside, name=name if len(heap) > 1 else None, folders=folders, clouds=clouds)
            groups.append(SceneFiles(inside, scene, folders, clouds=clouds))
        except SightlineError as error:
            refused.append(_Refused(heap[0].path.name, error))
    return tuple(sorted(groups, key=place_in_time)), tuple(refused)


def read_files(sources: Sequence[Source | Unusable], watch: Callable[[int, int], None]) -> tuple[list[SceneFile], list[_Refused]]:
    """Each file by itself; what is no scene, or only a mask of one, is refused and the others go on."""
    files, refused = [], []
    for number, source in enumerate(sources, start=1):
        watch(number, len(sources))
        if isinstance(source, Unusable):
            refused.append(_Refused(source.label, source.error))
            continue
        try:
            file = _read(source)
        except SightlineError as error:
            refused.append(_Refused(source.path.name, error))
            continue
        if is_left_out(file.scene, source.path.stem):
            refused.append(_Refused(source.path.name, no_image(source.path.name), source.path, file.folder))
        else:
            files.append(file)
    return files, refused


def heaps_of(files: Iterable[SceneFile]) -> tuple[Heap, ...]:
    """The files that make one scene, each heap with a name."""
    by_name: dict[tuple[str, str], list[SceneFile]] = {}
    for file in files:
        by_name.setdefault((_shared_name(file), file.scene.when), []).append(file)
    joined: list[Heap] = []
    for name, heap in (each for (shared, _), named in by_name.items() for each in _apart(shared, named)):
        place = next((place for place, (_, other) in enumerate(joined) if _is_one_scene(other, heap)), None)
        if place is None:
            joined.append((name, heap))
        else:
            joined[place] = (heap[0].folder.name or joined[place][0], (*joined[place][1], *heap))
    return tuple(joined)


def read_product(product: ProductFiles, options: SceneOptions | None = None) -> SceneFiles:
    """The scene of a product. Raises what its metadata and read_scene raise."""
    facts = product.facts()
    return SceneFiles(facts.files, read_scene(facts.files, options, facts.name, product=facts), product=facts)


def read_again(group: SceneFiles, options: SceneOptions) -> SceneFiles:
    """The same files, with what the user said of them. Raises what read_scene raises."""
    scene = read_scene(group.paths, options, group.scene.name, group.folders or None, group.product, group.clouds)
    return SceneFiles(group.paths, scene, group.folders, group.product, scene.clouds if options.clouds else group.clouds)


def clouds_beside(heap: Sequence[SceneFile], refused: Iterable[_Refused]) -> CloudMask | None:
    """The one quality layer (SCL, QA_PIXEL) in the folder of a scene that is not of another date."""
    found = []
    for each in refused:
        kind = quality_kind(each.mask.stem) if each.mask is not None else None
        if kind is None or each.mask is None or each.folder != heap[0].folder:
            continue
        taken = plain_date(each.mask.stem)
        if taken is None or heap[0].scene.date is None or taken == heap[0].scene.date:
            found.append(CloudMask(kind, each.mask))
    return found[0] if len(found) == 1 else None


def is_question_open(scene: Scene) -> bool:
    """Whether the reader had to guess which band is which."""
    return guessed_bands(scene) is not None


def guessed_bands(scene: Scene) -> Notice | None:
    """What the reader guessed of which band is which; None where the files tell."""
    return next((one for one in scene.assumptions if one.code == BANDS_ASSUMED), None)


def place_in_time(group: SceneFiles) -> tuple[bool, str, int, str]:
    """What scenes are ordered by: their dates; without one what the name says of before and after, then the name itself."""
    scene = group.scene
    return scene.date is None, str(scene.date or ""), ("before", "", "after").index(scene.turn), scene.name


def is_left_out(scene: Scene, name: str) -> bool:
    """Whether a file of that name is a mask or a quality layer beside a scene: one band of two values, or one that its name calls so."""
    if len(scene.bands) != 1 or scene.bands[0].common_name:
        return False
    values = scene.bands[0].values
    return bool(_QUALITY.search(name.replace("_", " "))) or (values is not None and values.is_mask)


def no_image(name: str) -> UnreadableFile:
    """The error for a mask or a quality layer."""
    return UnreadableFile(f"{name} is a mask or a quality layer of a scene, and no image.", "Give the bands of the scene.")


def folder_of(source: Source) -> str:
    """The name of the folder that a file came from. A member of an archive lies in a folder of ours; its own may be a date."""
    return PurePosixPath(source.label.replace("!/", "/")).parent.name


def _read(source: Source) -> SceneFile:
    """Raises what read_image raises, and UnreadableFile for what is no GeoTIFF."""
    image = read_image(source.path)
    if not isinstance(image, Scene):
        raise UnreadableFile(f"{source.path.name} is an image, but not a GeoTIFF.", "Open it on the Radiology or the Explain page.")
    folder = PurePosixPath(source.label.replace("!/", "/")).parent
    if folder_of(source) != source.path.parent.name:
        image = read_scene([source.path], folders=[folder_of(source)])
    return SceneFile(source.path, folder, image)


def _shared_name(file: SceneFile) -> str:
    """The name that the files of one scene share: without the band of a one-band file, without the resolution of another."""
    name = _RESOLUTION.sub("", file.path.stem)
    if file.is_one_band:
        name = _BAND.sub("", _RAW.sub("", name))
    return name if name != file.path.stem else str(file.path)


def _apart(name: str, heap: Sequence[SceneFile]) -> tuple[Heap, ...]:
    """One name twice in a heap means a folder a date: 2019/B02.tif and 2021/B02.tif."""
    if len({file.path.name for file in heap}) == len(heap):
        return ((name or heap[0].folder.name, tuple(heap)),)
    folders: dict[PurePosixPath, list[SceneFile]] = {}
    for file in heap:
        folders.setdefault(file.folder, []).append(file)
    return tuple((folder.name, tuple(inside)) for folder, inside in folders.items())


def _is_one_scene(first: Sequence[SceneFile], second: Sequence[SceneFile]) -> bool:
    """Whether two heaps of one folder are different bands of one place and date; undated files only where each holds a single band."""
    files = (*first, *second)
    if len({file.folder for file in files}) > 1 or len({file.scene.when for file in files}) > 1 or not all(file.is_known for file in files):
        return False
    if not files[0].scene.when and not all(file.is_one_band for file in files):
        return False
    if _bands(first) & _bands(second):
        return False
    return all(_is_one_place(first[0].scene, file.scene) for file in second)


def _bands(heap: Sequence[SceneFile]) -> set[tuple[str, float]]:
    """What the bands show, each with the size of its pixels: one band in two resolutions is one band."""
    return {(band.common_name, round(abs(file.scene.transform.determinant), 12)) for file in heap for band in file.scene.bands}


def _is_one_place(first: Scene, second: Scene) -> bool:
    if first.crs != second.crs:
        return False
    boxes = [_box(scene) for scene in (first, second)]
    width, height = (min(box[end + 2] for box in boxes) - max(box[end] for box in boxes) for end in (0, 1))
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in boxes)
    return width > 0 and height > 0 and width * height >= SAME_PLACE * smaller


def _box(scene: Scene) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) in units of the CRS."""
    corners = [scene.transform @ corner for corner in ((0, 0), (scene.width, 0), (0, scene.height), (scene.width, scene.height))]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
