"""Fingerprints of source bytes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path

from core.errors import NotFound, UnreadableFile

_CHUNK = 1 << 20
_KEY = secrets.token_bytes(32)


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes, read in pieces of one megabyte; of a folder, that of its files in the order of their names.

    Raises NotFound or UnreadableFile.
    """
    if path.is_dir():
        return sha256_of_all(sha256_of(file) for file in sorted(path.rglob("*")) if file.is_file())
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                digest.update(piece)
    except FileNotFoundError:
        raise NotFound(f"{path.name} does not exist.", "Check the path.") from None
    except OSError as error:
        raise UnreadableFile(f"{path.name} cannot be read: {error.strerror}.", "Check the file and its permissions.") from error
    return digest.hexdigest()


def opaque(identifier: str) -> str:
    """What stands for an identifier while this process lives, and leads back to it nowhere; "" for ""."""
    return hmac.new(_KEY, identifier.encode(), hashlib.sha256).hexdigest()[:16] if identifier else ""


def sha256_of_all(digests: Iterable[str]) -> str:
    """The one digest of a lone file, else sha256 of the hexadecimal digests joined in order."""
    listed = list(digests)
    if len(listed) == 1:
        return listed[0]
    return hashlib.sha256("".join(listed).encode()).hexdigest()
