"""How far a map can be believed: deletion and insertion, ranked among random maps and beside maps that know nothing."""

__all__ = ["gain", "opponents", "random_maps", "removal", "sanity", "verdict", "worth"]
