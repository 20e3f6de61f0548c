"""`python -m core.ui.shell.serve`: Streamlit with app.py, which alone decides what pages there are.

Until app.py has called st.navigation once, Streamlit would take pages/ for pages of its older kind: the first visitor after a start who
opens one by its address would see their file names for a menu, and the page run past app.py. `core/ui/shell/sign_in.py` guards the
pages against that wherever Streamlit is started otherwise.
"""

from __future__ import annotations

import sys

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main

from core.settings import PROJECT

if __name__ == "__main__":
    PagesManager.uses_pages_directory = False
    main(["run", str(PROJECT / "app.py"), *sys.argv[1:]])
