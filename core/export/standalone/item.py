"""The STAC item of a model folder: how a catalogue of models tells of it (STAC 1.1, Machine Learning Model extension 1.5.2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from core.export.standalone.graph import INPUT, RESULTS, shape_of
from models.registry import LoadedModel

STAC = "1.1.0"
EXTENSIONS = (
    "https://stac-extensions.github.io/mlm/v1.5.2/schema.json",
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
)
TASK = "classification"
NOT_IN_NAMES = re.compile(r"[^0-9A-Za-z_-]+")


def stac_item(model: LoadedModel, made: datetime, files: dict[str, tuple[str, str, int]], numbers: int, framework: str) -> dict[str, Any]:
    """item.json. files: by name their media type, what they are, and bytes. numbers: weights of the network. framework: version of ONNX.

    It has no place on Earth: what it was trained on is told in the card, which names no outline.
    """
    return {
        "type": "Feature",
        "stac_version": STAC,
        "stac_extensions": list(EXTENSIONS),
        "id": f"{model.id}-{model.weights_hash}",
        "geometry": None,
        "properties": {
            "datetime": made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "title": model.card.title or model.id,
            "description": model.card.knows or model.card.title or model.id,
            "license": "other",
            "bands": [{"name": name} for name in model.preprocess.channels],
            "mlm:name": model.id,
            "mlm:architecture": "Vision Transformer",
            "mlm:framework": "ONNX",
            "mlm:framework_version": framework,
            "mlm:tasks": [TASK],
            "mlm:total_parameters": numbers,
            "mlm:memory_size": files["model.onnx"][2],
            "mlm:batch_size_suggestion": 1,
            "mlm:accelerator": None,
            "mlm:accelerator_constrained": False,
            "mlm:input": [_input(model)],
            "mlm:output": _outputs(model),
        },
        "links": [],
        "assets": {name.partition(".")[0].lower().replace("_", "-"): _asset(name, *told) for name, told in files.items()},
    }


def _asset(name: str, media_type: str, title: str, size: int) -> dict[str, Any]:
    roles = {"model.onnx": ["mlm:model"], "run.py": ["code"], "image_statistics.py": ["code"]}.get(name, ["metadata"])
    artifact = {"mlm:artifact_type": "onnx"} if name == "model.onnx" else {}
    return {"href": f"./{name}", "type": media_type, "title": title, "roles": roles, "file:size": size, **artifact}


def _input(model: LoadedModel) -> dict[str, Any]:
    known = model.preprocess
    scaling = None
    if known.standardise == "fixed":
        scaling = [{"type": "z-score", "mean": mean, "stddev": std} for mean, std in zip(known.mean, known.std, strict=True)]
    return {
        "name": INPUT,
        "description": "Values in [0, 1], brought to the size and then to zero mean and unit deviation: model.json tells how.",
        "bands": list(known.channels),
        "input": {"shape": list(shape_of(model)), "dim_order": ["batch", "bands", "height", "width"], "data_type": "float32"},
        "value_scaling": scaling,
        "resize_type": "interpolation-linear",
    }


def _outputs(model: LoadedModel) -> list[dict[str, Any]]:
    classes = [_class(place, label) for place, label in enumerate(model.labels)]
    lengths = (len(model.labels), model.config.embedding_size)
    return [
        {
            "name": name,
            "tasks": [TASK],
            "result": {"shape": [1, length], "dim_order": ["batch", "class" if name == "logits" else "channel"], "data_type": "float32"},
            "classification:classes": classes if name == "logits" else [],
        }
        for name, length in zip(RESULTS, lengths, strict=True)
    ]


def _class(place: int, label: str) -> dict[str, Any]:
    return {"value": place, "name": NOT_IN_NAMES.sub("-", label), "title": label, "description": label}
