"""How the command is a process: where it begins and ends, what it does when it is told to end, and what it says no word of."""

__all__ = ["interrupt", "quiet", "start"]
