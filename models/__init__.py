"""The networks (models.bert_image), the models that come with the project (models/zoo), and the registry that opens them."""

__all__ = [
    "bert_image",
    "card",
    "change_registry",
    "classifiers",
    "encoders",
    "folder",
    "hub",
    "image_statistics",
    "learnt",
    "measured",
    "networks",
    "preprocessing",
    "registry",
]
