"""The Explain page: an image, a map a method, agreement, attention of a patch."""

__all__ = ["agreement", "intake", "maps", "measured", "page_state", "patch"]
