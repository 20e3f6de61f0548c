"""From an input to an answer: engine and batches, calibration, the OOD detector, predictions, and long work as jobs."""

__all__ = [
    "batcher",
    "calibration",
    "ct_search",
    "engine",
    "executables",
    "memory",
    "ood",
    "outputs",
    "prediction",
    "runtimes",
    "scenes",
    "tta",
]
