"""One polygon of change: before, after, why, taken back, and what a reviewer says of it."""

__all__ = ["panel", "review", "taken_back"]
