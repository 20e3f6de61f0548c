"""What is done with explanations: files of a map, places that decide over many cases, twins of which one goes by a planted mark."""

__all__ = ["map_files", "shortcuts", "twins"]
