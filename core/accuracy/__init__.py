"""Accuracy assessment: a probability sample of a map, its reference labels, and what they say of areas and accuracy."""

__all__ = ["agreement", "allocation", "estimate", "intervals", "sample", "strata"]
