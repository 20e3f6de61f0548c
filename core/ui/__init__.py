"""Everything that draws: the viewer, the frame, widgets, page state, words for errors. The only part of core that may import streamlit."""

__all__ = ["earth", "explain", "models", "radiology", "shell", "state", "viewer", "widgets"]
