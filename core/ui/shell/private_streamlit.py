"""Every call into Streamlit that it does not offer to applications, in one place: a new release is tried against this file and its test.

A tab is one of Streamlit's sessions: a connection of a browser, new after each reload.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from typing import Protocol

from streamlit import runtime
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.web.server.starlette.starlette_server import _bind_socket

RECONNECT_S = 30.0
"""How long a browser takes at most to come back, in seconds."""
_LOOK_AGAIN_S = 0.5


class Uploaded(Protocol):
    """What Streamlit's uploader gives."""

    name: str
    file_id: str

    def getbuffer(self) -> memoryview:
        """The bytes."""


def try_to_listen(address: str, port: int) -> None:
    """Raises OSError where no server can: a port that is taken or not allowed, an address that is not this machine's."""
    _bind_socket(address, port, 1).close()


def tab() -> str:
    """Id of the tab for which this thread draws, a new one after F5; "" where it draws for none."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else ""


def is_connected(one: str) -> bool:
    """Whether a browser shows this tab now."""
    return bool(one) and runtime.exists() and runtime.get_instance().is_active_session(one)


def take_navigation() -> bool:
    """No page is drawn past app.py. Whether Streamlit took pages/ for pages of its older kind until now."""
    was_open, PagesManager.uses_pages_directory = bool(PagesManager.uses_pages_directory), False
    return was_open


def publish_bytes(data: bytes, mimetype: str, place: str) -> str:
    """The path under /media of bytes for this tab. place: a name for the spot; later bytes at the same spot replace these."""
    return str(runtime.get_instance().media_file_mgr.add(data, mimetype, place))


def forget_upload(upload: Uploaded) -> None:
    """Drop the bytes, the name and the id of a file that this tab has uploaded: they would stay until the tab is forgotten."""
    context = get_script_run_ctx(suppress_warning=True)
    if context:
        context.uploaded_file_mgr.remove_file(context.session_id, upload.file_id)  # type: ignore[attr-defined]


def forget_tab(one: str) -> None:
    """Drop what was uploaded in a tab, what it alone shows under /media, and its state where no browser shows it. From any thread."""
    if not one or not runtime.exists():
        return
    here = runtime.get_instance()
    here.uploaded_file_mgr.remove_session_files(one)
    here.media_file_mgr.clear_session_refs(one)
    for _ in range(2):  # files to download are marked the first time and go the second
        here.media_file_mgr.remove_orphaned_files()
    if not is_connected(one):
        _on_its_own_thread(here, one)


def run_again(one: str) -> None:
    """Have a tab drawn anew, on the page where it is. To be called on the thread of the server."""
    active = runtime.get_instance()._session_mgr.get_active_session_info(one) if runtime.exists() else None
    if active is None:
        return
    asked = ClientState()
    asked.CopyFrom(active.session._client_state)
    asked.page_script_hash = active.session._pages_manager.current_page_script_hash
    active.session.request_rerun(asked)


def draw_anew(one: str) -> None:
    """Have a tab drawn anew soon, or once its browser is connected again: a connection that breaks off and comes back asks for no run.

    From any thread. A tab that is gone for longer is drawn by what it asks for itself.
    """
    if one and runtime.exists():
        loop = runtime.get_instance()._get_async_objs().eventloop
        loop.call_soon_threadsafe(_run_when_connected, loop, one, RECONNECT_S)


def _run_when_connected(loop: AbstractEventLoop, one: str, left_s: float) -> None:
    if is_connected(one):
        run_again(one)
    elif left_s > 0:
        loop.call_later(_LOOK_AGAIN_S, _run_when_connected, loop, one, left_s - _LOOK_AGAIN_S)


def forget_gone_tabs() -> None:
    """What Streamlit keeps for tabs that it knows no more: it forgets them by the clock, and what they had uploaded not at all.

    To be called on the thread of the server.
    """
    here = runtime.get_instance()
    manager = here._session_mgr
    manager._session_storage._cache.expire()  # type: ignore[attr-defined]
    known = {info.session.id for info in manager.list_sessions()}
    had = {*here.uploaded_file_mgr.file_storage, *here.media_file_mgr._files_by_session_and_coord}  # type: ignore[attr-defined]
    for one in had - known:
        forget_tab(one)


def uploaded_bytes() -> dict[str, int]:
    """Bytes that Streamlit holds of uploads that no page has taken, by tab."""
    if not runtime.exists():
        return {}
    held = runtime.get_instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    return {one: sum(len(file.data) for file in list(files.values())) for one, files in list(held.items())}


def _on_its_own_thread(here: runtime.Runtime, one: str) -> None:
    if here.state in (runtime.RuntimeState.ONE_OR_MORE_SESSIONS_CONNECTED, runtime.RuntimeState.NO_SESSIONS_CONNECTED):
        here._get_async_objs().eventloop.call_soon_threadsafe(here.close_session, one)
