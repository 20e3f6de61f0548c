"""Which files are bands of one scene: what a folder of downloads, or a heap of uploads, most likely means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import SightlineError, UnreadableFile
from core.readers import SceneOptions, read_image, read_scene
from core.readers.scenes.geotiff import BANDS_ASSUMED
from core.sources import Source, Unusable, walk
from core.types import Notice, Scene

_BAND = re.compile(r"[_.\- ]?B(\d{1,2}A?|8A)(?=_|$)", re.IGNORECASE)
_RESOLUTION = re.compile(r"[_.\- ]?(10|20|60)m$", re.IGNORECASE)
_BEFORE, _AFTER = (re.compile(rf"(?<![a-z])({words})(?![a-z])", re.IGNORECASE) for words in ("before|pre|earlier", "after|post|later"))
"""Words in the name of an undated file that say which of two it is."""


@dataclass(frozen=True)
class Group:
    """The files of one scene, and the scene that they make."""

    paths: tuple[Path, ...]
    scene: Scene


@dataclass(frozen=True)
class Refused:
    """What makes no scene, and why."""

    label: str
    error: SightlineError


def group_scenes(
    paths: Sequence[Path], workspace: Path, watch: Callable[[int, int], None]
) -> tuple[tuple[Group, ...], tuple[Refused, ...]]:
    """Read every file; files whose names differ by a band or a resolution alone become one scene. Scenes by date; undated
    ones by what their names say of before and after, then by name.

    workspace: where archives are unpacked. watch(done, total) is told after each file, and may raise to stop.
    """
    sources = list(walk(paths, workspace))
    refused: list[Refused] = []
    heaps: dict[str, list[Path]] = {}
    for number, source in enumerate(sources, start=1):
        watch(number, len(sources))
        if isinstance(source, Unusable):
            refused.append(Refused(source.label, source.error))
            continue
        try:
            heaps.setdefault(_heap_of(source), []).append(source.path)
        except SightlineError as error:
            refused.append(Refused(source.path.name, error))
    groups = []
    for name, heap in _apart(heaps):
        try:
            groups.append(Group(tuple(heap), read_scene(heap, name=name if len(heap) > 1 else None)))
        except SightlineError as error:
            refused.append(Refused(heap[0].name, error))
    return tuple(sorted(groups, key=place_in_time)), tuple(refused)


def read_again(group: Group, options: SceneOptions) -> Group:
    """The same files, with what the user said of them. Raises what read_scene raises."""
    return Group(group.paths, read_scene(group.paths, options, group.scene.name))


def is_question_open(scene: Scene) -> bool:
    """Whether the reader had to guess which band is which."""
    return guessed_bands(scene) is not None


def guessed_bands(scene: Scene) -> Notice | None:
    """What the reader guessed of which band is which; None where the files tell."""
    return next((one for one in scene.assumptions if one.code == BANDS_ASSUMED), None)


def place_in_time(group: Group) -> tuple[bool, str, int, str]:
    """What scenes are ordered by: their dates; without one what the name says of before and after, then the name itself."""
    scene = group.scene
    turn = bool(_AFTER.search(scene.name)) - bool(_BEFORE.search(scene.name))  # 0 where it says neither, or both
    return scene.date is None, str(scene.date or ""), turn, scene.name


def _heap_of(source: Source) -> str:
    """The name that the files of one scene share: without the band of a one-band file, without the resolution of another."""
    image = read_image(source.path)
    if not isinstance(image, Scene):
        raise UnreadableFile(f"{source.path.name} is an image, but not a GeoTIFF.", "Open it on the Radiology or the Explain page.")
    name = _RESOLUTION.sub("", source.path.stem)
    if len(image.bands) == 1:
        name = _BAND.sub("", name)
    return name if name != source.path.stem else str(source.path)


def _apart(heaps: dict[str, list[Path]]) -> Iterator[tuple[str, list[Path]]]:
    """(name, files) of each scene. One name twice in a heap means a folder a date: 2019/B02.tif and 2021/B02.tif."""
    for name, heap in heaps.items():
        if len({path.name for path in heap}) == len(heap):
            yield name or heap[0].parent.name, heap
            continue
        folders: dict[Path, list[Path]] = {}
        for path in heap:
            folders.setdefault(path.parent, []).append(path)
        yield from ((folder.name, inside) for folder, inside in folders.items())
