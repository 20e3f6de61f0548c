"""Facts, and the sentences that state them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fact:
    """One thing that is known, with where it comes from ("prediction", "study header", "model card", ...)."""

    id: str
    value: float | str | bool | tuple[str, ...]
    unit: str
    source: str


@dataclass(frozen=True)
class Sentence:
    """One sentence of a report, and the facts it states.

    section: "technique", "findings", "explanation", "limits". region: words for a place in the image, or "".
    """

    section: str
    text: str
    facts: tuple[str, ...]
    region: str = ""


@dataclass(frozen=True)
class Addendum:
    """What a person added to a report after it was signed. at: ISO 8601."""

    text: str
    by: str
    at: str


@dataclass(frozen=True)
class Report:
    """Facts, and sentences that say no more than the facts.

    edited: the user's own wording of a section, by section; it replaces the sentences there and is marked as edited.
    withheld: the sentence that stands in place of the headline of hectares; None where there is a headline, or none is due.
    signed_by, signed_at: empty until sign-off, which freezes the report; what comes later is one of the addenda, oldest first.
    """

    language: str
    kind: str
    title: str
    facts: tuple[Fact, ...]
    sentences: tuple[Sentence, ...]
    created: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    withheld: str | None = None
    edited: Mapping[str, str] = field(default_factory=dict)
    signed_by: str = ""
    signed_at: str = ""
    addenda: tuple[Addendum, ...] = ()

    def fact(self, fact_id: str) -> Fact:
        """The fact of that id. Raises KeyError where there is none."""
        for fact in self.facts:
            if fact.id == fact_id:
                return fact
        raise KeyError(fact_id)
