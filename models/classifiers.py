"""Opens the classifiers that are read: our own, and checkpoints of other families."""

from __future__ import annotations

from pathlib import Path

from core.types import Preprocess
from models.bert_image import BertImageForImageClassification
from models.encoders import ImageEncoderForClassification, open_encoder
from models.folder import CONFIG, read_json
from models.kinds import ENCODERS
from models.networks import open_network
from models.support import check_one_image, check_supported

Classifier = BertImageForImageClassification | ImageEncoderForClassification


def open_classifier(folder: Path, preprocess: Preprocess) -> Classifier:
    """The network of a folder, float32, in evaluation mode.

    Raises BrokenModel for files that make none, UnsupportedModel for other networks, WrongTask for a model that compares two dates.
    """
    check_supported(folder)
    check_one_image(folder)
    if read_json(folder / CONFIG).get("model_type") in ENCODERS:
        return open_encoder(folder, preprocess.size)
    return open_network(BertImageForImageClassification, folder).eval()  # type: ignore[no-any-return]
