"""How far a map can be believed: deletion and insertion beside random maps."""

__all__ = ["removal"]
