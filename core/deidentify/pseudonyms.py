"""What stands for a patient and for UIDs where nobody may know them: the same everywhere at one site, and of use to nobody without its key.

UIDs become "2.25." and a number (PS3.5 B.2) made by HMAC-SHA256 of the site's key, so that objects that refer to each other still do.
All dates of a patient move by one number of days, so that the time between studies stays (PS3.15 E.3.6).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from core.errors import CannotWrite, UnreadableFile
from core.settings import private_home, settings

STANDARD = "1.2.840.10008."
"""Root of the standard's own UIDs (PS3.6 A), which name classes and encodings, and nobody."""
MOST_DAYS = 3_650
"""Dates move back by 1 to so many days."""
KEY_FILE = "site.key"
_KEY_BYTES = 32


@dataclass(frozen=True)
class Pseudonyms:
    """All that one key makes of identifiers. key: at least 16 bytes, known to the site alone."""

    key: bytes = field(repr=False)

    def uid(self, original: str) -> str:
        """The UID that stands for another; the standard's own stay."""
        if not original or original.startswith(STANDARD):
            return original
        return f"2.25.{uuid.UUID(bytes=self._mac('uid', original)[:16], version=5).int}"

    def patient(self, identifier: str, issuer: str = "") -> str:
        """What stands for a patient, by ID and its issuer: "SL-7QK3M2XA4B"."""
        return f"SL-{self._short('patient', identifier, issuer)}"

    def number(self, kind: str, original: str) -> str:
        """What stands for another identifier (an accession number, a study ID), at most 16 characters; "" for ""."""
        return self._short(kind, original) if original else ""

    def days(self, identifier: str, issuer: str = "") -> int:
        """By how many days the dates of a patient move back, 1 to MOST_DAYS."""
        return 1 + int.from_bytes(self._mac("days", identifier, issuer)[:8], "big") % MOST_DAYS

    def shifted(self, text: str, identifier: str, issuer: str = "") -> str:
        """A DA or DT value (PS3.5 6.2) on its other day, its time as it was; "" for what is no date."""
        head, rest = text.strip()[:8], text.strip()[8:]
        try:
            day = date(int(head[:4]), int(head[4:6]), int(head[6:8])) - timedelta(days=self.days(identifier, issuer))
        except (ValueError, OverflowError):
            return ""
        return f"{day.year:04d}{day.month:02d}{day.day:02d}{rest}"

    def _mac(self, *parts: str) -> bytes:
        return hmac.new(self.key, "\0".join(parts).encode(), hashlib.sha256).digest()

    def _short(self, *parts: str) -> str:
        return base64.b32encode(self._mac(*parts)).decode()[:10]


def site_pseudonyms() -> Pseudonyms:
    """Those of this site: by SIGHTLINE_SITE_KEY, else by a key that was made once and lies in SIGHTLINE_HOME, readable for its owner alone.

    Raises UnreadableFile for a key that is none, CannotWrite where none can be made.
    """
    if settings().site_key:
        return Pseudonyms(hashlib.sha256(settings().site_key.encode()).digest())
    try:
        path = private_home() / KEY_FILE
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise CannotWrite(settings().home, error) from error
    if len(key) < _KEY_BYTES:
        raise UnreadableFile(
            f"{KEY_FILE} in SIGHTLINE_HOME is cut off.", "Put its copy back: pseudonyms made with another key do not match."
        )
    return Pseudonyms(key)


def _make(path: Path) -> None:
    """Written beside, then linked into place: of two who begin at once the first one's key counts."""
    whole = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
    try:
        path.hardlink_to(whole)
    except FileExistsError:
        pass
    finally:
        whole.unlink()
