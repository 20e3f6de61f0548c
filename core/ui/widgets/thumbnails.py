"""Small pictures of the bundled samples, for tiles: made from the samples themselves, once for each state of their files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image as PillowImage

from core.errors import SightlineError
from core.prepare.windowing import PRESETS, render, with_overlays
from core.readers import read_image
from core.render.scene import true_colour
from core.types import Picture, Scene, Study, Window

WIDTH, HEIGHT = 640, 400


def thumbnail(paths: Sequence[Path]) -> bytes | None:
    """A PNG of one image, of the middle file of a folder, or of two scenes side by side; None where they cannot be read."""
    files = tuple(_middle(path) for path in paths)
    if not all(file.is_file() for file in files):
        return None
    return _thumbnail(tuple(str(file) for file in files), tuple(file.stat().st_mtime_ns for file in files))


def _middle(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted(file for file in path.iterdir() if not file.name.startswith("."))
    return files[len(files) // 2] if files else path


@st.cache_data(show_spinner=False, max_entries=32)
def _thumbnail(files: tuple[str, ...], changed: tuple[int, ...]) -> bytes | None:
    try:
        parts = [_cropped(_pixels(Path(file)), WIDTH // len(files)) for file in files]
    except SightlineError:
        return None
    held = io.BytesIO()
    joined = np.concatenate([part if index == 0 else _with_edge(part) for index, part in enumerate(parts)], axis=1)
    PillowImage.fromarray(joined).save(held, "PNG")
    return held.getvalue()


def _pixels(file: Path) -> NDArray[np.uint8]:
    """uint8 [rows, columns, 3]."""
    image = read_image(file)
    if isinstance(image, Scene):
        return true_colour(image, WIDTH)
    shown = image.pixels if isinstance(image, Picture) else _shown(image)
    return shown if shown.ndim == 3 else np.stack([shown] * 3, axis=2)


def _shown(study: Study) -> NDArray[np.uint8]:
    lung = next(preset for preset in PRESETS if preset.name == "lung")
    middle = study.shape[0] // 2
    return with_overlays(study, middle, render(study, middle, Window(lung.centre, lung.width) if study.modality == "CT" else None))


def _cropped(pixels: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Scaled until it covers width x HEIGHT, and cut to it around the middle."""
    picture = PillowImage.fromarray(pixels)
    scale = max(width / picture.width, HEIGHT / picture.height)
    size = (max(width, round(picture.width * scale)), max(HEIGHT, round(picture.height * scale)))
    picture = picture.resize(size, PillowImage.Resampling.LANCZOS)
    left, top = (size[0] - width) // 2, (size[1] - HEIGHT) // 2
    return np.asarray(picture.crop((left, top, left + width, top + HEIGHT)))


def _with_edge(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A white line at the left, as the swipe bar stands between two dates."""
    edged = pixels.copy()
    edged[:, :3] = 255
    return edged
