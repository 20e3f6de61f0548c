"""What the folder's own README says."""

from __future__ import annotations

from models.registry import LoadedModel

CONTENTS = {
    "model.onnx": "the network: one image in, its logits and its embedding out",
    "model.json": "labels, what becomes of an image before the network, calibration, threshold of the detector",
    "outside.npz": "the out-of-distribution detector: mean and whitening of the features, and a support vector machine",
    "image_statistics.py": "the statistics of an image that are part of those features",
    "run.py": "an example that needs numpy, onnxruntime and pillow",
    "item.json": "the STAC item of the model (Machine Learning Model extension)",
    "CARD.md": "the card: training data, figures with their intervals, limits",
    "LICENSE": "the licence of the weights",
    "NOTICE": "whose work the weights began with",
}


def readme(model: LoadedModel, names: list[str], size: int, milliseconds: float, processor: str, version: str) -> str:
    """README.md. names: of the files in the folder. size: their bytes. processor, version: where and by what the time was measured."""
    lines = "\n".join(f"- `{name}`: {CONTENTS[name]}" for name in CONTENTS if name in names)
    number = "calibrated probability" if model.calibration else "score (no probability, since the model is not calibrated)"
    return f"""# {model.card.title or model.id}

{model.card.knows or "What the model knows is in CARD.md."} Research and development use only. Not for clinical decisions.

    pip install numpy onnxruntime pillow
    python run.py IMAGE

prints the {number} of each label, and whether the image is outside what the model knows: an answer about such an image means nothing.

## The input

{_input_words(model)}

## The files

{lines}

{size / 1e6:.1f} MB. One image takes {milliseconds:.1f} ms on one core ({processor}, onnxruntime {version}, the median of twenty).

Weights {model.weights_hash}; licence: {model.card.licence or "not declared"}.
"""


def _input_words(model: LoadedModel) -> str:
    known = model.preprocess
    rows, columns = known.size
    told = [f"Channels {', '.join(known.channels)}, values in [0, 1], resized to {columns} x {rows} pixels (bilinear with antialiasing)."]
    if known.ground_sample_distance_m is not None:
        told.append(f"A pixel of that size covers {known.ground_sample_distance_m:g} m on the ground, north up.")
    if known.reflectance_top is not None:
        told.append(f"A value is the surface reflectance divided by {known.reflectance_top:g}, at most 1.")
    if known.modalities:
        told.append(f"Made for {', '.join(known.modalities)}, as a screen shows them: bone bright.")
    if known.pixel_spacing_mm is not None:
        told.append(f"A pixel of that size covers {known.pixel_spacing_mm:g} mm.")
    told.append("What a header says for or against an image (modality, body part, view, age) is not looked at here.")
    return " ".join(told)
