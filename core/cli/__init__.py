"""The command line: `sightline`, one command a file. What it promises to other programs stays as it is."""

import signal

__all__ = ["main"]


def main() -> None:
    """The console script. Control-C ends it without a word while its libraries load, since nothing has begun."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from core.cli.program import main as program

    signal.signal(signal.SIGINT, signal.default_int_handler)
    program()
