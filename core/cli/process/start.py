"""Where the process begins and ends. Nothing is imported before it knows what to do when it is told to end."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress

from core.cli.process.interrupt import STOPPED, deafen, listen


def main() -> None:
    """The console script `sightline`."""
    try:
        listen()
        _fill_closed_streams()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold the pixels and names of whatever is open
        from core.cli.process.quiet import quieten
        from core.cli.program import run

        quieten()
        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        status = STOPPED
        with suppress(OSError, ValueError):  # a terminal that was closed
            if sys.stderr is not None:
                sys.stderr.write("sightline: Stopped.\n")
    deafen()
    _let_go()
    sys.exit(status)


def _fill_closed_streams() -> None:
    """A stream that was closed before we began would be the next file that is opened, and be printed into."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _let_go() -> None:
    """End what would be torn down in the middle of its work: threads that own networks, and what is still to be written."""
    engines = sys.modules.get("core.inference.engine")
    if engines is not None:
        engines.close_engines()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except ValueError:  # closed
            continue
        except OSError:  # it was said before, where anybody can still hear it
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
