"""Zones of a user: what is in each of them on a map and between two dates, plots with a cut-off date, and results cut to them."""

__all__ = ["clip", "counted", "files", "plots"]
