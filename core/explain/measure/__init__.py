"""How far a map can be believed: deletion and insertion beside random maps."""

__all__ = ["gain", "opponents", "random_maps", "removal"]
