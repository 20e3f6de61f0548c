"""Collects facts and writes sentences from them. There is no other way to put a word into a report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.report.language import Language
from core.types import Fact, Report, Sentence

_FILE_NAME = re.compile(r"\S*\w\.\w")
FactValue = float | str | bool | tuple[str, ...]


class Composer:
    """Facts first, then sentences that cite them by id."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._facts: dict[str, Fact] = {}
        self._sentences: list[Sentence] = []
        self._withheld: str | None = None

    def fact(self, fact_id: str, value: FactValue, unit: str, source: str) -> str:
        """Keep a fact; returns its id."""
        self._facts[fact_id] = Fact(fact_id, value, unit, source)
        return fact_id

    def has(self, fact_id: str) -> bool:
        """Whether a fact of that id is kept."""
        return fact_id in self._facts

    def say(self, section: str, template: str, /, *, region: str = "", **roles: str) -> None:
        """One sentence of a template.

        roles: the fact id of each placeholder; a role that the template does not speak of is a fact that the sentence rests on.
        """
        spoken = {name: self.language.write(self._facts[roles[name]]) for name in self.language.placeholders(template)}
        cited = tuple(dict.fromkeys(roles.values()))
        text = self.language.sentences[template].format(**spoken)
        self._sentences.append(Sentence(section, _begun(text), cited, region))

    def withhold(self, template: str, /, **roles: str) -> None:
        """Say among the findings, in place of a headline of hectares, why there is none."""
        self.say("findings", template, **roles)
        self._withheld = self._sentences[-1].text

    def report(self, kind: str, title: str, parameters: Mapping[str, Any], created: str | None) -> Report:
        """The report of everything said so far. created: ISO 8601; now by default."""
        return Report(
            language=self.language.code,
            kind=kind,
            title=title,
            facts=tuple(self._facts.values()),
            sentences=tuple(self._sentences),
            created=created or datetime.now(UTC).isoformat(timespec="seconds"),
            parameters=dict(parameters),
            withheld=self._withheld,
        )


def _begun(text: str) -> str:
    """With a capital, unless it begins with the name of a file, which stays as it is written."""
    return text if _FILE_NAME.match(text) else text[:1].upper() + text[1:]
