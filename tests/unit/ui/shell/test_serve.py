"""How the server starts: closed to others, with a sentence where it cannot, and without a traceback where it is told not to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import InputError
from core.settings import PROJECT
from core.ui.shell.serve import options_of

WHILE_IT_LOADS = """
import os, resource, runpy, signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started from may have switched it off

class Watch:
    def find_spec(self, name, path, target=None):
        if name == {awaited!r}:
            {then}

sys.meta_path.insert(0, Watch())
{start}
"""
SERVER = "sys.argv = ['serve', '--server.port', '1']; runpy.run_module('core.ui.shell.serve', run_name='__main__')"
COMMAND = "import core.cli; sys.argv = ['sightline', 'doctor']; core.cli.main()"


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    told = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=PROJECT, env=told, check=False)


@pytest.mark.parametrize(
    ("start", "awaited", "status", "said"),
    [(SERVER, "streamlit", -signal.SIGINT, ""), (COMMAND, "core.cli.program", 130, "sightline: Stopped.\n")],
)
def test_control_c_in_the_first_moments_ends_without_a_traceback(start: str, awaited: str, status: int, said: str) -> None:
    ended = run(WHILE_IT_LOADS.format(start=start, awaited=awaited, then="os.kill(os.getpid(), signal.SIGINT)"))
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, "", said)


@pytest.mark.parametrize("arguments", [("--server.port",), ("--server.address=", "--server.port")])
def test_an_option_without_a_value_is_told_in_a_sentence(arguments: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"--server\.port has no value"):
        options_of(arguments)


def test_the_server_leaves_no_core_dump_and_no_file_that_others_read() -> None:
    then = "print(resource.getrlimit(resource.RLIMIT_CORE), oct(os.umask(0))); os._exit(0)"
    assert run(WHILE_IT_LOADS.format(start=SERVER, awaited="streamlit", then=then)).stdout == "(0, 0) 0o77\n"


def test_no_page_of_another_site_may_send_messages_to_ours() -> None:
    told = run("from streamlit import config; print(config.get_option('client.allowedOrigins'))")
    assert told.stdout == "[]\n", told.stderr


def serve(*arguments: str, **environment: str) -> tuple[int, str]:
    """Exit status and what was said of a server that cannot start."""
    command = [sys.executable, "-m", "core.ui.shell.serve", *arguments]
    told = {**os.environ, **environment}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=PROJECT, env=told, check=False)
    return ended.returncode, ended.stderr


def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status, said = serve("--server.address", "127.0.0.1", "--server.port", port, SIGHTLINE_HOME=str(tmp_path))
    assert status == 2
    assert said.startswith(f"No server can listen on 127.0.0.1, port {port}: Address already in use.")
    assert "Traceback" not in said


def test_an_address_of_another_machine_and_a_home_that_cannot_be_are_told_in_a_sentence(tmp_path: Path) -> None:
    status, said = serve("--server.address", "192.0.2.5", "--server.port", "8501", SIGHTLINE_HOME=str(tmp_path))
    assert (status, said.count("\n")) == (2, 1) and "192.0.2.5" in said
    (tmp_path / "file").write_text("in the way")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    status, said = serve("--server.address", "127.0.0.1", "--server.port", port, SIGHTLINE_HOME=str(tmp_path / "file" / "home"))
    assert (status, said.count("\n")) == (2, 1) and "SIGHTLINE_HOME" in said
