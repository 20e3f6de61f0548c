"""`python -m core.ui.shell.serve --server.port 8501 ...`: Streamlit with app.py behind our door.

Until app.py has called st.navigation once, Streamlit would take pages/ for pages of its older kind: the first visitor after a start who
opens one by its address would see their file names for a menu, and the page run past app.py. `core/ui/shell/sign_in.py` guards the
pages against that wherever Streamlit is started otherwise.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from core.settings import PROJECT
from core.ui.shell.door import Door


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


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold the pixels and names of whatever is open
    PagesManager.uses_pages_directory = False
    options = options_of(sys.argv[1:])
    sys.argv = [str(PROJECT / "app.py")]
    st.App(PROJECT / "app.py", middleware=[Middleware(Door)]).run(config=options)
