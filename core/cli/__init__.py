"""The command line: `sightline`, one command a file. What it promises to other programs stays as it is."""

from core.cli.process.start import main

__all__ = ["main"]
