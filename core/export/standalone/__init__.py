"""A model as a folder that runs by onnxruntime alone: the graph, what stands before and behind it, and how a catalogue tells of it."""

__all__ = ["folder", "graph", "item", "words"]
