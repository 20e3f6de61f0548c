"""From facts to sentences: a report says no more than its facts, and each sentence names the facts that it states."""

__all__ = [
    "accuracy",
    "composer",
    "dates",
    "editing",
    "findings",
    "headline",
    "image",
    "inside",
    "language",
    "map_words",
    "model_facts",
    "notices",
    "scene_change",
    "scene_map",
    "scenes",
    "sections",
    "tables",
    "text",
]
