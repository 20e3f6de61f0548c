"""`python -m core.ui.shell.serve --server.port 8501 ...`: Streamlit with app.py behind our door.

Until app.py has called st.navigation once, Streamlit would take pages/ for pages of its older kind: the first visitor after a start who
opens one by its address would see their file names for a menu, and the page run past app.py. `core/ui/shell/sign_in.py` guards the
pages against that wherever Streamlit is started otherwise.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from core.settings import PROJECT

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
        name, _, value = rest.pop(0).removeprefix("--").partition("=")
        found[name] = _value(value or rest.pop(0))
    return found


def _value(text: str) -> object:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if text.isdigit() else text


def serve(arguments: Sequence[str]) -> None:
    """Until the server is told to end. What an earlier one left is removed first, whether or not anybody visits this one."""
    import streamlit as st  # here, since it takes seconds in which Control-C must already end in good order
    from starlette.middleware import Middleware

    from core.ui.shell.door import Door
    from core.ui.shell.private_streamlit import take_navigation
    from core.ui.state.uploads import remove_what_a_dead_server_left

    remove_what_a_dead_server_left()
    take_navigation()
    sys.argv = [str(PROJECT / "app.py")]
    st.App(PROJECT / "app.py", middleware=[Middleware(Door)], lifespan=_tidied).run(config=options_of(arguments))


@asynccontextmanager
async def _tidied(_: object) -> AsyncIterator[None]:
    tidying = asyncio.create_task(_tidy())
    yield
    tidying.cancel()
    with suppress(asyncio.CancelledError):
        await tidying


async def _tidy() -> None:
    from core.ui.shell.private_streamlit import forget_gone_tabs

    while True:
        await asyncio.sleep(_GONE_TABS_S)
        forget_gone_tabs()


def _interrupt(number: int, frame: object) -> None:
    """What uvicorn passes on when it has ended in good order, and what comes before it began: uploads are deleted on the way out."""
    raise KeyboardInterrupt


def _end(number: int, frame: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold the pixels and names of whatever is open
    os.umask(_FOR_THIS_USER)
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
        signal.signal(signal.SIGHUP, _end)
    try:
        serve(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(_STOPPED)
