"""What is done with explanations: files of a map, twins of which one goes by a planted mark."""

__all__ = ["map_files", "twins"]
