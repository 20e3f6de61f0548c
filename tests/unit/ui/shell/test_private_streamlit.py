"""What Streamlit keeps of a tab is let go of, and nobody else calls what Streamlit does not offer."""

from __future__ import annotations

import ast
import asyncio
import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import pytest
import streamlit as st
from streamlit import runtime
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from core.settings import PROJECT
from core.ui.shell import private_streamlit
from core.ui.state.session import Session

NAME, BYTES = "someone.dcm", b"pixels of a patient" * 100


@pytest.fixture
def server() -> Iterator[runtime.Runtime]:
    """Streamlit's own runtime, with its own stores, as the server makes it."""
    with patch.object(runtime.Runtime, "_instance", None):
        yield st.App(PROJECT / "app.py")._create_runtime()


def upload(server: runtime.Runtime, tab: str) -> str:
    """A file that is uploaded in a tab, and a picture and a download that it shows. Returns the address of the picture."""
    server.uploaded_file_mgr.add_file(tab, UploadedFileRec(tab + "-id", NAME, "application/dicom", BYTES))  # type: ignore[attr-defined]
    with patch("streamlit.runtime.media_file_manager._get_session_id", lambda: tab):
        server.media_file_mgr.add(BYTES, "application/pdf", "download", NAME, is_for_static_download=True)
        return private_streamlit.publish_bytes(BYTES, "image/png", "viewer")


def is_served(server: runtime.Runtime, address: str) -> bool:
    return server.media_file_mgr.read_file(Path(address).name) is not None


def kept(server: runtime.Runtime) -> str:
    """All that the stores know, as text."""
    gc.collect()
    return repr(server.uploaded_file_mgr.file_storage) + repr(server.media_file_mgr._storage._files_by_id)  # type: ignore[attr-defined]


def test_a_session_that_is_let_go_leaves_no_byte_no_name_and_no_address_of_its_tabs(server: runtime.Runtime) -> None:
    address = upload(server, "gone")
    assert is_served(server, address) and NAME in kept(server)
    Session(tabs={"gone", "a tab before the last reload"}).let_go()
    assert not is_served(server, address)
    assert NAME not in kept(server)
    assert private_streamlit.uploaded_bytes() == {}


def test_what_another_tab_shows_too_stays_until_the_last(server: runtime.Runtime) -> None:
    address = upload(server, "one")
    upload(server, "other")
    private_streamlit.forget_tab("one")
    assert is_served(server, address)
    assert private_streamlit.uploaded_bytes() == {"other": len(BYTES)}
    private_streamlit.forget_tab("other")
    assert not is_served(server, address)


def test_uploads_of_a_tab_that_streamlit_knows_no_more_go_by_themselves(server: runtime.Runtime) -> None:
    """Its store forgets a lost connection by the clock, and asks nobody to clean up behind it."""
    address = upload(server, "a lost connection")
    private_streamlit.forget_gone_tabs()
    assert private_streamlit.uploaded_bytes() == {}
    assert not is_served(server, address)


def test_the_state_of_a_tab_that_no_browser_shows_goes_too(server: runtime.Runtime) -> None:
    class Client:
        client_context = None

        def write_forward_msg(self, message: object) -> None:
            """Nobody reads it."""

    async def lives() -> None:
        await server.start()
        tab = server.connect_session(Client(), {})  # type: ignore[arg-type]
        assert private_streamlit.is_connected(tab)
        private_streamlit.forget_tab(tab)
        await asyncio.sleep(0)
        assert server.is_active_session(tab)  # somebody looks at it: what it shows goes, it stays
        server.disconnect_session(tab)
        assert server._session_mgr.get_session_info(tab) is not None
        private_streamlit.forget_tab(tab)
        await asyncio.sleep(0)
        assert server._session_mgr.get_session_info(tab) is None
        server.stop()
        await server.stopped

    with ThreadPoolExecutor(1) as thread:  # where no browser test has left a loop running
        thread.submit(lambda: asyncio.run(lives())).result()


def test_only_one_module_calls_what_streamlit_does_not_offer() -> None:
    wrong = []
    for file in [PROJECT / "app.py", *(PROJECT / "core").rglob("*.py"), *(PROJECT / "pages").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            private = [name for name in names if name.startswith(("streamlit.runtime", "streamlit.web", "streamlit.config"))]
            if private and file.name != "private_streamlit.py":
                wrong.append(f"{file.relative_to(PROJECT)}: {', '.join(private)}")
    assert wrong == []


def test_a_tab_whose_connection_broke_off_is_drawn_once_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, drawn = iter([False, False, True]), list[str]()
    monkeypatch.setattr(private_streamlit, "_LOOK_AGAIN_S", 0.01)
    monkeypatch.setattr(private_streamlit, "is_connected", lambda one: next(looks))
    monkeypatch.setattr(private_streamlit, "run_again", drawn.append)

    async def wait() -> None:
        private_streamlit._run_when_connected(asyncio.get_running_loop(), "tab", 1.0)
        assert drawn == []
        await asyncio.sleep(0.1)

    with ThreadPoolExecutor(1) as thread:  # a browser test before it may have left a loop on this one
        thread.submit(lambda: asyncio.run(wait())).result()
    assert drawn == ["tab"]


def test_a_tab_that_does_not_come_back_is_waited_for_no_longer_than_a_browser_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = list[str]()
    monkeypatch.setattr(private_streamlit, "_LOOK_AGAIN_S", 0.01)
    monkeypatch.setattr(private_streamlit, "is_connected", lambda one: bool(looked.append(one)))

    async def wait() -> None:
        private_streamlit._run_when_connected(asyncio.get_running_loop(), "tab", 0.03)
        await asyncio.sleep(0.2)

    with ThreadPoolExecutor(1) as thread:  # a browser test before it may have left a loop on this one
        thread.submit(lambda: asyncio.run(wait())).result()
    assert 3 <= len(looked) <= 5
