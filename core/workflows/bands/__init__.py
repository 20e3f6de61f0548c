"""What is made of the bands of scenes alone, without a model: classes of burn severity, composites of several dates."""

__all__ = ["composite", "severity"]
