"""Coded words: from ids of ours to codes of the standard, by codes.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from highdicom.sr import CodedConcept

OWN_SCHEME = "99SIGHTLINE"
"""Coding scheme designator of the project's own codes; "99" marks private schemes (PS3.16 8.2)."""


def finding(label: str) -> CodedConcept:
    """The code of a label; one of our own scheme where the standard has none."""
    return _of("findings", label) or own(label, label.replace("-", " ").capitalize())


def map_quantity(method: str) -> CodedConcept:
    """The code of what a map of that method shows (PS3.16 CID 217)."""
    return _of("maps", method) or _known("maps", "other")


def procedure(modality: str) -> CodedConcept:
    """The code of how the image was taken."""
    return _of("procedures", modality) or _known("procedures", "other")


def site(name: str) -> CodedConcept:
    """A place of the body, or a side: "chest", "right", "left"."""
    return _known("sites", name)


def own(value: str, meaning: str) -> CodedConcept:
    """A code of our own scheme. value: at most 16 characters count."""
    return CodedConcept(value[:16], OWN_SCHEME, meaning[:64])


def _known(table: str, name: str) -> CodedConcept:
    found = _of(table, name)
    assert found is not None, name
    return found


def _of(table: str, name: str) -> CodedConcept | None:
    told = _codes()[table].get(name)
    return CodedConcept(told[1], told[0], told[2]) if told else None


@cache
def _codes() -> Mapping[str, Mapping[str, Sequence[str]]]:
    return tomllib.loads((Path(__file__).parent / "codes.toml").read_text(encoding="utf-8"))
