"""The networks (models.bert_image), the models that come with the project (models/zoo), and the registry that opens them."""

__all__ = [
    "architecture",
    "bert_image",
    "card",
    "change_registry",
    "classifiers",
    "deferred",
    "encoders",
    "folder",
    "hub",
    "hub_pace",
    "image_statistics",
    "kinds",
    "learnt",
    "measured",
    "networks",
    "preprocessing",
    "quantised",
    "registry",
    "support",
]
