"""The Models page: cards, charts, and models of the user's own."""

__all__ = ["cards", "charts", "own", "page"]
