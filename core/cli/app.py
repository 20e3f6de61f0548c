"""`sightline app`: this process becomes the application, on the address and port of the settings."""

from __future__ import annotations

import ipaddress
import os
import signal
import sys

from core.cli.process.quiet import give_back
from core.errors import InputError
from core.export.staging import check_writable
from core.settings import PROJECT, SHORTEST_PASSWORD, Settings, settings

SERVER = "core.ui.shell.serve"
"""What the process becomes; only what draws may import Streamlit, so it is named here and not imported."""
LOCAL_NAMES = ("localhost", "ip6-localhost")


def app() -> None:
    """Serve the application, on this machine alone unless SIGHTLINE_ADDRESS and SIGHTLINE_PASSWORD say otherwise."""
    current = settings()
    refuse_an_open_door(current)
    check_writable(current.home)
    os.chdir(PROJECT)  # where app.py looks for assets/
    give_back()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the server can hear it in good order
    try:
        os.execve(sys.executable, command(current), environment(current))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def command(current: Settings) -> list[str]:
    """Streamlit with app.py (core/ui/shell/serve.py) and our settings. Those of .streamlit/config.toml hold where these say nothing."""
    options = {
        "server.address": current.address,
        "server.port": current.port,
        "server.maxUploadSize": current.upload_mb,
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", SERVER, *flags]


def environment(current: Settings) -> dict[str, str]:
    """The environment as it is, with folders that were told relative to the user's own as whole paths."""
    folders = {"SIGHTLINE_HOME": current.home, "SIGHTLINE_ZOO": current.zoo, "SIGHTLINE_SAMPLES": current.samples}
    whole = {name: str(folder) for name, folder in folders.items()}
    return {**os.environ, **whole, "SIGHTLINE_ROOTS": ":".join(map(str, current.roots)), "SIGHTLINE_HOSTS": ",".join(current.hosts)}


def refuse_an_open_door(current: Settings) -> None:
    """Raises InputError where others could reach the application and no password stands before it."""
    if is_local(current.address):
        return
    if current.password and len(current.password) < SHORTEST_PASSWORD:
        raise InputError(
            f"SIGHTLINE_PASSWORD has {len(current.password)} characters: too few before an address that others reach.",
            f"Take at least {SHORTEST_PASSWORD}.",
        )
    if current.password:
        return
    raise InputError(
        f"SIGHTLINE_ADDRESS is {current.address}: everyone who reaches this machine could open the application.",
        "Set SIGHTLINE_PASSWORD, or leave the address at 127.0.0.1.",
    )


def is_local(address: str) -> bool:
    """Whether an address is reached from this machine alone. A name that is not known to be local counts as wide."""
    if address.lower() in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False
