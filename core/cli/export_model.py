"""`sightline export-model`: a model as one folder that runs by onnxruntime alone."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.options import Json, Out
from core.cli.output import print_json, print_line


def export_model(
    model: Annotated[str, typer.Argument(metavar="ID", help="A model of the zoo, a model folder, or a hub id (owner/name).")],
    out: Out,
    as_json: Json = False,
) -> None:
    """Write the network as ONNX with its preprocessing, labels, calibration, detector, card, licence and an example."""
    from core.export.staging import check_writable
    from core.export.standalone.folder import write_standalone
    from core.export.standalone.graph import needed
    from models.registry import load_model

    check_writable(out)
    needed()
    made = write_standalone(load_model(model), out)
    if as_json:
        return print_json(
            {"model": model, "folder": out, "files": list(made.files), "bytes": made.size, "latency_ms": round(made.latency_ms, 2)}
        )
    return print_line(f"The model is in {out}: {made.size / 1e6:.1f} MB, {made.latency_ms:.1f} ms an image on one core.")
