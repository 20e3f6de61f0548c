"""The words of notices: a code and its values become a sentence. Templates are data (templates/notices.<language>.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from string import Formatter
from typing import Any

from core.errors import NotFound
from core.report.language import TEMPLATES, language_of
from core.types import Notice

_PREFIX = "notices."
"""Files of templates are notices.en.toml, notices.zh.toml ..."""

Template = str | Mapping[str, str]


@dataclass(frozen=True)
class NoticeWords:
    """One language.

    templates: by code; one of several forms ("one", "other") goes by the value `count`. words: tables of words for ids, where "other" is
    for ids that are not in the table, {value}; "label" has those for labels of models. lists: what stands between the values of a list, by
    kind.
    """

    templates: Mapping[str, Template]
    words: Mapping[str, Mapping[str, str]]
    lists: Mapping[str, str]

    def say(self, notice: Notice) -> str:
        """The sentence, or the clause, of a notice. Raises KeyError for a code without a template."""
        values = dict(notice.values)
        template = self.templates[notice.code]
        if not isinstance(template, str):
            template = template.get("one" if values["count"] == 1 else "other") or template["other"]
        return _Filler(self).vformat(template, (), values)

    def word(self, table: str, value: str) -> str:
        """The word for an id; an id that the table does not have is quoted as the table says, else it stands for itself."""
        return self.words[table].get(value, self.words[table].get("other", "{value}").format(value=value))


class _Filler(Formatter):
    """What stands after the colon of a placeholder: a table of words, a kind of list, or a number's format of Python."""

    def __init__(self, language: NoticeWords) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Notice):
            return self._language.say(value)
        if isinstance(value, tuple) and format_spec in self._language.words:
            return self._language.lists["plain"].join(self._language.word(format_spec, str(one)) for one in value)
        if isinstance(value, tuple):
            return self._language.lists[format_spec or "plain"].join(value)
        if format_spec in self._language.words:
            return self._language.word(format_spec, str(value))
        return format(value, format_spec)


def say(notice: Notice | None, language: str = "en") -> str:
    """The sentence of a notice; "" for none. Raises NotFound for a language without templates."""
    return "" if notice is None else notice_words(language).say(notice)


def word(table: str, value: str, language: str = "en") -> str:
    """The word of one of the language's tables for an id: the modality "CT" is "a CT image"."""
    return notice_words(language).word(table, value)


def say_all(notices: Iterable[Notice], language: str = "en") -> tuple[str, ...]:
    """The sentences of notices, in their order."""
    return tuple(say(notice, language) for notice in notices)


@cache
def notice_words(language: str) -> NoticeWords:
    """Everything that can be said in a language. Raises NotFound where there are no templates for it."""
    path = TEMPLATES / f"{_PREFIX}{language}.toml"
    known = sorted(file.stem.removeprefix(_PREFIX) for file in TEMPLATES.glob(f"{_PREFIX}*.toml"))
    if language not in known:
        raise NotFound(f"There are no notices in the language {language!r}.", f"Choose one of {', '.join(known)}.")
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    words, lists = tables.pop("words"), tables.pop("lists")
    templates = {f"{room}.{name}": template for room, table in tables.items() for name, template in table.items()}
    return NoticeWords(templates, {**words, "label": language_of(language).labels}, lists)
