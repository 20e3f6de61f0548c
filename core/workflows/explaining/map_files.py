"""An explanation as files that other programs read, for page and command line alike."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from core.errors import WrongTask
from core.explain.overlay import drawn_map
from core.explain.registry import parameters_of
from core.export.explanation import explanation_text
from core.export.map_raster import map_geotiff
from core.export.notebook import Recipe, file_names, notebook_text
from core.readers import SceneOptions
from core.render.heatmap import over_input
from core.types import Explanation, FloatImage, Image, ModelInput, Scene

MAP_RASTER = "map.tif"
"""The raw map on the grid of its scene."""


class MapFile(StrEnum):
    """A kind of file, by the ending of its name."""

    PNG = "png"
    NUMPY = "npz"
    JSON = "json"
    GEOTIFF = "tif"


def map_file(kind: MapFile, image: Image, given: ModelInput, explanation: Explanation) -> bytes:
    """One file of one map.

    PNG: the map over what the network reads. NUMPY: saliency, input, and tokens or attribution and baseline, as `sightline explain` names
    them. JSON: explanation.json. GEOTIFF: the raw map on the scene's grid. Raises WrongTask for a GeoTIFF of what is no scene.
    """
    if kind is MapFile.PNG:
        return over_input(given.shown, drawn_map(explanation))
    if kind is MapFile.JSON:
        return explanation_text(given, explanation).encode()
    if kind is MapFile.NUMPY:
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:  # what numpy.savez makes, and numpy.load reads
            for name, values in map_arrays(given, explanation).items():
                with archive.open(f"{name}.npy", "w") as member:
                    np.save(member, values)
        return written.getvalue()
    if not isinstance(image, Scene):
        raise WrongTask(f"{image.name} has no place on the ground.", "Choose PNG, NumPy or JSON; a GeoTIFF is made of scenes.")
    return map_geotiff(image, given, explanation)


ARRAYS = ("saliency", "input", "tokens", "attribution", "baseline")
"""All that there may be; no method leaves them all."""


def map_arrays(given: ModelInput, explanation: Explanation) -> dict[str, FloatImage]:
    """float32 arrays by the names of their files."""
    held = {
        "saliency": explanation.saliency,
        "input": given.values,
        "tokens": explanation.tokens.values if explanation.tokens is not None else None,
        "attribution": explanation.attribution,
        "baseline": explanation.baseline,
    }
    return {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in held.items() if values is not None}


def map_notebook(
    image: Image,
    explanations: Sequence[Explanation],
    model: str,
    at: tuple[float, float] | None = None,
    files: tuple[str, ...] = (),
    options: SceneOptions | None = None,
) -> str:
    """The notebook that makes these explanations of one input again. at, options: what the input was asked for with.

    model: as it was asked for. files: where they are; by default their names alone, to be put beside the notebook.
    """
    parameters = tuple(parameters_of(each) for each in explanations)
    return notebook_text(image, explanations, Recipe(model, files or file_names(image), at, options or SceneOptions(), parameters))
