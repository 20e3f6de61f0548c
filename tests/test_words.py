"""Words live in core/report/templates: every notice that is made has a template, and states what the template names."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from core.report.notices import notice_words

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATES = PROJECT / "core" / "report" / "templates"
LANGUAGES = sorted(file.stem.removeprefix("notices.") for file in TEMPLATES.glob("notices.*.toml"))
CODE = [file for root in ("core", "models", "training", "pages") for file in sorted((PROJECT / root).rglob("*.py"))]
MAKERS = PROJECT / "core" / "types" / "notice.py"


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for file in CODE:
        yield file.relative_to(PROJECT), ast.parse(file.read_text(encoding="utf-8"))


def constants(tree: ast.Module) -> dict[str, str]:
    """Strings that have a name at the top of a module."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def made() -> list[tuple[str, str, frozenset[str]]]:
    """(place, code, names of values) of every notice that the code makes."""
    found = []
    for file, tree in trees():
        named = constants(tree)
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "notice"):
                continue
            place, first = f"{file}:{node.lineno}", node.args[0] if len(node.args) == 1 else None
            code = first.value if isinstance(first, ast.Constant) else named.get(first.id) if isinstance(first, ast.Name) else None
            assert isinstance(code, str), f"{place}: a code is a literal or a constant of the module"
            assert all(keyword.arg for keyword in node.keywords), f"{place}: the values of a notice are named one by one"
            found.append((place, code, frozenset(str(keyword.arg) for keyword in node.keywords)))
    return found


MADE = made()


def placeholders(template: str) -> dict[str, str]:
    """What stands in braces, and what stands after its colon."""
    return {name: spec or "" for _, name, spec, _ in Formatter().parse(template) if name is not None}


def forms(language: str, code: str) -> list[str]:
    template = notice_words(language).templates[code]
    return [template] if isinstance(template, str) else list(template.values())


def test_notices_are_made_by_one_function_alone() -> None:
    """Notice("...") would walk around these tests."""
    wrong = [
        f"{file}:{node.lineno}"
        for file, tree in trees()
        if PROJECT / file != MAKERS
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Notice"
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_notice_has_a_template_and_every_template_a_notice(language: str) -> None:
    assert sorted(set(notice_words(language).templates)) == sorted({code for _, code, _ in MADE})


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_template_names_the_values_of_its_notices(language: str) -> None:
    for place, code, names in MADE:
        written = set().union(*(placeholders(form) for form in forms(language, code)))
        is_counted = not isinstance(notice_words(language).templates[code], str)
        assert written | ({"count"} if is_counted else set()) == names, (place, code)


@pytest.mark.parametrize("language", LANGUAGES)
def test_forms_of_a_template_are_one_and_other(language: str) -> None:
    several = [template for template in notice_words(language).templates.values() if not isinstance(template, str)]
    assert all("other" in template and set(template) <= {"one", "other"} for template in several)


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_of_words_and_lists_are_used_and_are_there(language: str) -> None:
    words = notice_words(language)
    specs = {spec for code in words.templates for form in forms(language, code) for spec in placeholders(form).values()}
    named = {spec for spec in specs if spec.isidentifier() and len(spec) > 1}
    assert named == set(words.words) | (set(words.lists) - {"plain"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_file_of_templates_holds_a_key_twice_or_an_empty_one(language: str) -> None:
    tables = tomllib.loads((TEMPLATES / f"notices.{language}.toml").read_text(encoding="utf-8"))
    assert all(text for room, table in tables.items() if room not in ("words", "lists") for text in table.values())
