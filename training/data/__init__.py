"""Images of a training: read, divided, drawn and changed."""

__all__ = [
    "augment",
    "change_augment",
    "city_pixels",
    "cues",
    "folders",
    "foreign",
    "items",
    "made_cities",
    "masking",
    "nodules",
    "outliers",
    "overlays",
    "patients",
    "places",
    "planted",
    "unlabelled",
    "windows",
]
