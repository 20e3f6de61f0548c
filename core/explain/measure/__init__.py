"""How far a map can be believed: deletion and insertion, ranked among random maps and beside maps that know nothing."""

__all__ = [
    "dropping",
    "filling",
    "gain",
    "localisation",
    "opponents",
    "random_maps",
    "removal",
    "saco",
    "sanity",
    "sensitivity",
    "verdict",
    "worth",
]
