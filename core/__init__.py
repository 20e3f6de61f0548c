"""Sightline's core: the road from bytes to export. ARCHITECTURE.md draws it; tests/test_layers.py holds its order."""
