"""Sightline's core: the road from bytes to export. ARCHITECTURE.md draws it; tests/test_layers.py holds its order."""

__all__ = [
    "accuracy",
    "areas",
    "change",
    "cli",
    "deidentify",
    "errors",
    "explain",
    "export",
    "inference",
    "jobs",
    "metrics",
    "prepare",
    "readers",
    "render",
    "report",
    "settings",
    "sources",
    "types",
    "ui",
    "workflows",
]
