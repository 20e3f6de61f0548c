"""One file from an address that the user asked for. The only place that opens a connection.

An address typed into a server must not become a way into the network behind it: https only, public hosts only, the host is looked
up once and that very number is connected to, and every redirect is judged anew.
"""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import os
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from core.errors import Cancelled, Offline, TooLarge, UnsafeFile
from core.settings import settings

_CHUNK = 1 << 16
_REDIRECTS = 5
_REDIRECT_CODES = frozenset({301, 302, 303, 307, 308})
_ELSEWISE = "Try again later, or download it yourself and choose the folder."
_LOCALHOST = frozenset({"localhost", "127.0.0.1", "::1"})


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
    Raises UnsafeFile (an address that may not be asked), Offline (no answer, or another file than promised), TooLarge, Cancelled.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".download-")
    try:
        with os.fdopen(handle, "wb") as file:
            digest = _fetch(url, file.write, size, progress, cancelled)
        if sha256 is not None and digest != sha256.lower():
            raise Offline(f"What came from {_host(url)} is not the file that was promised (its checksum differs).", "Try again later.")
        Path(partial).replace(target)
    finally:
        Path(partial).unlink(missing_ok=True)
    return target


def _fetch(
    url: str,
    write: Callable[[bytes], int],
    size: int | None,
    progress: Callable[[int, int | None], None],
    cancelled: Callable[[], bool],
) -> str:
    minutes = settings().download_minutes
    patience = _Patience(minutes * 60.0)
    try:
        with patience, _answer(url, patience) as response:
            digest = _body(url, response, write, size, progress, cancelled)
            if patience.is_over:  # what is cut may look like an end
                raise TimeoutError
            return digest
    except (OSError, http.client.HTTPException, Offline) as error:
        if patience.is_over:
            raise Offline(f"{_host(url)} took longer than {minutes:g} minutes.", _ELSEWISE) from error
        if isinstance(error, Offline):
            raise
        raise Offline(
            f"{_host(url)} could not be reached, or broke off.", "Check the network, or choose a file on this machine."
        ) from error


class _Patience:
    """Cuts a connection when its time is over, wherever it hangs: what comes byte by byte never runs into a timeout."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._socket: socket.socket | None = None

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, connection: http.client.HTTPConnection) -> None:
        """Connect; the connection may be cut from now on. Raises TimeoutError where it is too late already."""
        connection.connect()
        self._socket = connection.sock
        if self.is_over:
            raise TimeoutError

    def _cut(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # past TLS, which another thread is reading


def _answer(url: str, patience: _Patience) -> http.client.HTTPResponse:
    """The answer to a GET, redirects followed; each address on the way is judged like the first."""
    is_local = urlsplit(url).hostname in _LOCALHOST
    current = url
    for _ in range(_REDIRECTS + 1):
        parts = urlsplit(current)
        connection = _connection(parts, is_local)
        patience.watch(connection)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={"User-Agent": "Sightline", "Accept-Encoding": "identity"})
        response = connection.getresponse()
        if response.status in _REDIRECT_CODES:
            current = urljoin(current, response.getheader("Location") or "")
            connection.close()
            continue
        if response.status != 200:
            connection.close()
            raise Offline(f"{parts.hostname} answered {response.status} {response.reason}.", "Check the address.")
        return response
    raise Offline(f"{_host(url)} redirects again and again.", "Check the address.")


def _connection(parts: SplitResult, is_local: bool) -> http.client.HTTPConnection:
    host = parts.hostname
    try:
        port = parts.port
    except ValueError:
        raise UnsafeFile("The address has no usable port.", "Check the address.") from None
    if not host:
        raise UnsafeFile("The address names no host.", "Give an address that begins with https://.")
    timeout = settings().download_timeout_s
    if parts.scheme == "http" and host in _LOCALHOST and is_local and _serves_this_machine_only():
        return http.client.HTTPConnection(host, port or 80, timeout=timeout)
    if parts.scheme != "https":
        raise UnsafeFile(f"{host} is not asked: only addresses that begin with https:// are.", "Give an address that begins with https://.")
    return _PinnedConnection(host, _public_number(host, port or 443), port or 443, timeout)


def _serves_this_machine_only() -> bool:
    """Whoever may use an application that listens on localhost can reach localhost anyway; others may not through us."""
    return settings().address in _LOCALHOST


def _public_number(host: str, port: int) -> str:
    """The first address of a host; all of them must be public."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    numbers = [str(entry[4][0]) for entry in found]
    for number in numbers:
        address = ipaddress.ip_address(number.split("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        if not (mapped or address).is_global or (mapped or address).is_multicast:
            raise UnsafeFile(f"{host} is not a public host.", "Choose a file on this machine, or a public address.")
    return numbers[0]


class _PinnedConnection(http.client.HTTPSConnection):
    """TLS to the number that was judged, with the certificate checked for the name: a second look-up could give another number."""

    def __init__(self, host: str, number: str, port: int, timeout: float) -> None:
        self._context = ssl.create_default_context()
        super().__init__(host, port, timeout=timeout, context=self._context)
        self._number = number

    def connect(self) -> None:
        plain = socket.create_connection((self._number, self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)


def _body(
    url: str,
    response: http.client.HTTPResponse,
    write: Callable[[bytes], int],
    size: int | None,
    progress: Callable[[int, int | None], None],
    cancelled: Callable[[], bool],
) -> str:
    declared = response.getheader("Content-Length")
    total = size if size is not None else int(declared) if declared and declared.isdigit() else None
    limit = size if size is not None else settings().archive_mb * 1_000_000
    if total is not None and total > limit:
        raise TooLarge(f"What {_host(url)} offers is larger than {limit // 1_000_000} MB.", "Download it yourself and choose the folder.")
    digest, done, pace = hashlib.sha256(), 0, _Pace()
    while piece := response.read1(_CHUNK):
        if cancelled():
            raise Cancelled("The download was stopped.")
        done += len(piece)
        if done > limit:
            raise TooLarge(f"What came from {_host(url)} is larger than promised.", "Download it yourself and choose the folder.")
        if pace.is_too_slow(len(piece)):
            raise Offline(f"{_host(url)} sends less than {settings().download_kb_s:g} kB a second.", _ELSEWISE)
        digest.update(piece)
        write(piece)
        progress(done, total)
    if total is not None and done < total:
        raise Offline(f"{_host(url)} broke off after {done} of {total} bytes.", "Try again.")
    return digest.hexdigest()


class _Pace:
    """How fast something comes, over some seconds at a time."""

    def __init__(self) -> None:
        self._began, self._come = time.monotonic(), 0

    def is_too_slow(self, come: int) -> bool:
        """Whether so little came in the last seconds, with these bytes, that it is not worth the wait."""
        self._come += come
        seconds = time.monotonic() - self._began
        if seconds < settings().download_timeout_s:
            return False
        rate = self._come / seconds
        self._began, self._come = time.monotonic(), 0
        return rate < settings().download_kb_s * 1000


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "The address"
    except ValueError:
        return "The address"
