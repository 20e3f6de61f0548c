"""Accuracy assessment of a finished map or change: a sample of it is drawn, labels come back, areas get intervals."""

__all__ = ["assess", "labels", "result", "sample", "sample_files"]
