"""Which addresses may be asked: https, public hosts, nothing hidden in the address. An odd one is refused in a sentence."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from core.errors import UnsafeFile
from core.settings import settings

LOCALHOST = frozenset({"localhost", "127.0.0.1", "::1"})
_HTTPS_PORT, _HTTP_PORT = 443, 80
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""What is given out to networks that others can reach (RFC 4291, section 2.4); forms of IPv4 addresses lie outside it, or in 6to4."""
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses as a NAT64 gateway takes them (RFC 6052); its other prefix, 64:ff9b:1::/48, is for private networks (RFC 8215)."""
_LOW_32_BITS = 0xFFFFFFFF
_PRINTED = "!#$%&'()*+,/:;=?@[]~"
"""Characters of a path or query that stay as they are; others are written as percent signs and numbers."""
_UNUSABLE = re.compile(r"[\x00-\x20\x7f]")
_CHECK = "Check the address; it begins with https:// and the name of a host."


@dataclass(frozen=True)
class Host:
    """Whom to ask for what. path: with the query, as a request names it. is_local: this machine itself, without TLS."""

    name: str
    port: int
    path: str
    is_local: bool


def host_of(url: str, *, may_be_local: bool) -> Host:
    """The host of an address that may be asked. Nothing is looked up yet.

    may_be_local: whether the user asked for this machine itself, which is then asked where SIGHTLINE_LOCAL_DOWNLOADS says so, and only by
    an application that nobody else reaches. Raises UnsafeFile.
    """
    if _UNUSABLE.search(url):
        raise UnsafeFile("The address holds a space or a control character.", _CHECK)
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError:
        raise UnsafeFile("The address has no usable host or port.", _CHECK) from None
    if parts.username is not None or parts.password is not None:
        raise UnsafeFile("The address holds a user name or a password.", "Download the file yourself and choose it here.")
    if not name:
        raise UnsafeFile("The address names no host.", _CHECK)
    if port == 0:
        raise UnsafeFile("The address has no usable port.", _CHECK)
    path = quote(parts.path or "/", safe=_PRINTED) + (f"?{quote(parts.query, safe=_PRINTED)}" if parts.query else "")
    if parts.scheme == "http" and name in LOCALHOST and may_be_local and _may_ask_this_machine():
        return Host(name, port or _HTTP_PORT, path, is_local=True)
    if parts.scheme != "https":
        raise UnsafeFile(f"{name} is not asked: only addresses that begin with https:// are.", _CHECK)
    return Host(_ascii(name), port or _HTTPS_PORT, path, is_local=False)


def public_number(host: Host) -> str:
    """The first number of a host; all of them must be public. Raises UnsafeFile, and OSError where it is not known."""
    found = socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
    numbers = [str(entry[4][0]) for entry in found]
    if not all(is_public(number) for number in numbers):
        raise UnsafeFile(f"{host.name} is not a public host.", "Choose a file on this machine, or a public address.")
    return numbers[0]


def is_public(number: str) -> bool:
    """Whether an IP address is one that everybody can reach, whatever form it is written in."""
    address = ipaddress.ip_address(number.partition("%")[0])
    if address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global
    inner = _inside(address)
    if inner is not None:
        return is_public(str(inner))
    return address.is_global and address in _GLOBAL_UNICAST


def named(url: str) -> str:
    """How an error calls the host of an address."""
    try:
        return urlsplit(url).hostname or "The address"
    except ValueError:
        return "The address"


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to."""
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & _LOW_32_BITS)
    return address.ipv4_mapped or address.sixtofour


def _ascii(name: str) -> str:
    """A name as the name service knows it (IDNA); a number as it is."""
    try:
        if "%" in name:  # a zone of this machine's own network
            raise UnicodeError
        return name if ":" in name else name.encode("idna").decode("ascii")
    except UnicodeError:
        raise UnsafeFile("The address names a host that cannot be.", _CHECK) from None


def _may_ask_this_machine() -> bool:
    """Whoever may use an application that listens on localhost can reach localhost anyway; others may not through us."""
    limits = settings()
    return limits.local_downloads and limits.address in LOCALHOST
