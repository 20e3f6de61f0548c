"""One file from an address that the user asked for. The only place that opens a connection.

An address typed into a server must not become a way into the network behind it: https only, public hosts only, the host is looked
up once and that very number is connected to, and every redirect is judged anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin

from core.errors import Cancelled, CannotWrite, Offline, TooLarge, UnsafeFile
from core.settings import settings
from core.sources.hosts import LOCALHOST, Host, host_of, named, public_number
from core.sources.pace import Pace

_CHUNK = 1 << 16
_PREFIX = ".download-"
_REDIRECTS = 5
_REDIRECT_CODES = frozenset({301, 302, 303, 307, 308})


def download(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Fetch an address into `target`, which appears whole or not at all.

    sha256, size: what was promised (bytes); anything else is refused. progress: called with bytes so far and in all, None where unknown.
    Raises UnsafeFile (an address that may not be asked), Offline (no answer, too slow, or another file than promised), TooLarge, Cancelled,
    CannotWrite.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_what_the_killed_left(target.parent)
        handle, partial = _locked_file(target.parent)
    except OSError as error:
        raise CannotWrite(target.parent, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            digest = _fetch(url, lambda piece: _written(file, piece, target.parent), size, progress, cancelled)
            file.flush()
            if sha256 is not None and digest != sha256.lower():
                raise Offline(f"What came from {named(url)} is not the file that was promised (its checksum differs).", "Try again later.")
            partial.replace(target)
    except OSError as error:
        raise CannotWrite(target.parent, error) from None
    finally:
        partial.unlink(missing_ok=True)
    return target


def _locked_file(folder: Path) -> tuple[int, Path]:
    """A new hidden file whose lock says, across containers too, that its process lives."""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=_PREFIX)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if Path(name).exists():
            return handle, Path(name)
        os.close(handle)  # another process took it for one without life before it was locked, and deleted it


def _remove_what_the_killed_left(folder: Path) -> None:
    """Delete the beginnings of downloads that no living process holds."""
    for partial in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError), partial.open("rb") as file:  # somebody's whose download goes on
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()


def _written(file: BinaryIO, piece: bytes, folder: Path) -> int:
    """Raises CannotWrite: a disk without room is not the fault of the network."""
    try:
        return file.write(piece)
    except OSError as error:
        raise CannotWrite(folder, error) from None


def _fetch(
    url: str,
    write: Callable[[bytes], int],
    size: int | None,
    progress: Callable[[int, int | None], None],
    cancelled: Callable[[], bool],
) -> str:
    pace = Pace(named(url))
    try:
        response = _answer(url)
        with response:
            return _body(url, response, pace, write, size, progress, cancelled)
    except (OSError, http.client.HTTPException) as error:
        raise Offline(
            f"{named(url)} could not be reached, or broke off.", "Check the network, or choose a file on this machine."
        ) from error


def _answer(url: str) -> http.client.HTTPResponse:
    """The answer to a GET, redirects followed; each address on the way is judged like the first."""
    may_be_local = named(url) in LOCALHOST
    current = url
    for _ in range(_REDIRECTS + 1):
        host = host_of(current, may_be_local=may_be_local)
        connection = _connection(host)
        response = _asked(connection, host)
        if response.status in _REDIRECT_CODES:
            current = _next(current, response.getheader("Location") or "")
            connection.close()
            continue
        if response.status != 200:
            connection.close()
            raise Offline(f"{host.name} answered {response.status}.", "Check the address.")
        return response
    raise Offline(f"{named(url)} redirects again and again.", "Check the address.")


def _asked(connection: http.client.HTTPConnection, host: Host) -> http.client.HTTPResponse:
    """The head of an answer. A host that sends it letter by letter is cut off when the time for an answer is over: TimeoutError."""
    is_late = threading.Event()
    timer = threading.Timer(settings().download_timeout_s, _cut, (connection, is_late))
    timer.daemon = True
    timer.start()
    try:
        connection.request("GET", host.path, headers={"User-Agent": "Sightline", "Accept-Encoding": "identity"})
        response = connection.getresponse()
    finally:
        timer.cancel()
    if is_late.is_set():  # half a head looks like a whole one
        response.close()
        raise TimeoutError
    return response


def _cut(connection: http.client.HTTPConnection, is_late: threading.Event) -> None:
    """From another thread: whoever reads from the connection sees its end."""
    is_late.set()
    if connection.sock is not None:
        with suppress(OSError):
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _next(current: str, location: str) -> str:
    try:
        return urljoin(current, location)
    except ValueError:
        raise UnsafeFile(f"{named(current)} redirects to an address that cannot be.", "Check the address.") from None


def _connection(host: Host) -> http.client.HTTPConnection:
    timeout = settings().download_timeout_s
    if host.is_local:
        return http.client.HTTPConnection(host.name, host.port, timeout=timeout)
    return _PinnedConnection(host.name, public_number(host), host.port, timeout)


class _PinnedConnection(http.client.HTTPSConnection):
    """TLS to the number that was judged, with the certificate checked for the name: a second look-up could give another number."""

    def __init__(self, host: str, number: str, port: int, timeout: float) -> None:
        self._context = ssl.create_default_context()
        super().__init__(host, port, timeout=timeout, context=self._context)
        self._number = number

    def connect(self) -> None:
        plain = socket.create_connection((self._number, self.port), self.timeout)
        self.sock = secure = self._context.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        secure.do_handshake()


def _body(
    url: str,
    response: http.client.HTTPResponse,
    pace: Pace,
    write: Callable[[bytes], int],
    size: int | None,
    progress: Callable[[int, int | None], None],
    cancelled: Callable[[], bool],
) -> str:
    declared = response.getheader("Content-Length")
    total = size if size is not None else int(declared) if declared and declared.isdigit() else None
    limit = size if size is not None else settings().archive_mb * 1_000_000
    if total is not None and total > limit:
        raise TooLarge(f"What {named(url)} offers is larger than {limit // 1_000_000} MB.", "Download it yourself and choose the folder.")
    digest, done = hashlib.sha256(), 0
    while piece := response.read1(_CHUNK):
        if cancelled():
            raise Cancelled("The download was cancelled.")
        done += len(piece)
        pace.came(len(piece))
        if done > limit:
            raise TooLarge(f"What came from {named(url)} is larger than promised.", "Download it yourself and choose the folder.")
        digest.update(piece)
        write(piece)
        progress(done, total)
    if total is not None and done < total:
        raise Offline(f"{named(url)} broke off after {done} of {total} bytes.", "Try again.")
    return digest.hexdigest()
