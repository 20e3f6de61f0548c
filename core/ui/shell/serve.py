"""`python -m core.ui.shell.serve --server.port 8501 ...`: Streamlit with app.py behind our door.

Until app.py has called st.navigation once, Streamlit would take pages/ for pages of its older kind: the first visitor after a start who
opens one by its address would see their file names for a menu, and the page run past app.py. `core/ui/shell/sign_in.py` guards the
pages against that wherever Streamlit is started otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from core.errors import InputError, SightlineError
from core.settings import PROJECT, settings

_LOG = logging.getLogger(__name__)
_STOPPED = 130
"""Exit status after Control-C, as shells have it."""
_FOR_THIS_USER = 0o077
"""What a file that the server makes does not grant."""
_GONE_TABS_S = 30.0
"""Seconds between looks for what tabs left that no browser will come back to."""


def options_of(arguments: Sequence[str]) -> dict[str, object]:
    """Options of Streamlit as they stand on its command line: `--server.port 8501`, `--server.headless=true`. Values stay text but for
    whole numbers and true or false."""
    found: dict[str, object] = {}
    rest = list(arguments)
    while rest:
        name, separator, value = rest.pop(0).removeprefix("--").partition("=")
        if not separator and not rest:
            raise InputError(f"The option --{name} has no value.", f"Give one: --{name}=VALUE.")
        found[name] = _value(value if separator else rest.pop(0))
    return found


def _value(text: str) -> object:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if text.isdigit() else text


def serve(arguments: Sequence[str]) -> None:
    """Until the server is told to end. What an earlier one left is removed first, whether or not anybody visits this one.

    Raises InputError where it cannot listen as it is told, or has no home.
    """
    import streamlit as st  # here, since it takes seconds in which Control-C must already end in good order
    from starlette.middleware import Middleware

    from core.ui.shell.private_streamlit import take_navigation, try_to_listen
    from core.ui.shell.request_guard import Door
    from core.ui.state.uploads import remove_what_a_dead_server_left

    options = options_of(arguments)
    address, port = str(options.get("server.address", settings().address)), int(str(options.get("server.port", settings().port)))
    try:
        try_to_listen(address, port)
    except OSError as error:
        told = f"No server can listen on {address}, port {port}: {error.strerror}."
        raise InputError(told, "Choose others with SIGHTLINE_ADDRESS and SIGHTLINE_PORT.") from None
    try:
        remove_what_a_dead_server_left()
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}.", "Set SIGHTLINE_HOME to a folder that can be written.") from None
    take_navigation()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _interrupt)
    sys.argv = [str(PROJECT / "app.py")]
    st.App(PROJECT / "app.py", middleware=[Middleware(Door)], lifespan=_tidied).run(config=options)


@asynccontextmanager
async def _tidied(_: object) -> AsyncIterator[None]:
    from core.ui.shell.warm_up import begin

    begin()
    tidying = asyncio.create_task(_tidy())
    yield
    tidying.cancel()
    with suppress(asyncio.CancelledError):
        await tidying


async def _tidy() -> None:
    from core.ui.shell.private_streamlit import forget_gone_tabs

    while True:
        await asyncio.sleep(_GONE_TABS_S)
        try:
            forget_gone_tabs()
        except Exception as error:  # the next look comes; by its kind alone, since a message may quote a name
            _LOG.warning("Tabs that are gone could not be tidied up after: %s", type(error).__name__)


def _interrupt(number: int, frame: object) -> None:
    """What uvicorn passes on when it has ended in good order: uploads are deleted on the way out."""
    raise KeyboardInterrupt


def _end(number: int, frame: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    os.environ["SIGHTLINE_PRECISION"] = os.environ.get("SIGHTLINE_PRECISION") or "measured"  # before the settings are read
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold the pixels and names of whatever is open
    os.umask(_FOR_THIS_USER)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while the libraries load there is nothing to clean up
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
        signal.signal(signal.SIGHUP, _end)
    try:
        serve(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(_STOPPED)
    except SightlineError as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(refusal.exit_status)
