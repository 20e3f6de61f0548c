"""Words live in core/report/templates: every notice that is made has a template and states what the template names; rooms left of the
report hold no sentence but those of errors."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from core import errors
from core.report.notices import notice_words
from tests.test_layers import ORDER, code_files, module_name, unit_of

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


# ---------------------------------------------------------------- rooms left of the report

BELOW = ORDER[: ORDER.index("core.report")]
ERRORS = {
    name for module in (errors, builtins) for name, kind in vars(module).items() if inspect.isclass(kind) and issubclass(kind, Exception)
}
LOGGING = {"debug", "info", "warning", "error", "exception", "critical"}
MAKE_ERRORS_ELSEWHERE = {"core.errors", "core.readers.sniff"}
"""Where sentences stand in tables or methods of errors: what a file is that nobody reads, and what to do instead."""
SENTENCE = re.compile(r"^\W*[A-Z{].*\w\W* .*\w\W* .*[.!?]$", re.DOTALL)


def written(node: ast.AST) -> str | None:
    """A string as it stands in the code, its values as {}."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def is_of_an_error(node: ast.AST) -> bool:
    """Whether what stands in a node is said by an error, or told to a log alone."""
    if isinstance(node, ast.Raise):
        return True
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute):
        return node.func.attr in LOGGING
    return isinstance(node.func, ast.Name) and node.func.id in ERRORS


def said_by_errors(node: ast.AST) -> Iterator[ast.AST]:
    for inside in ast.walk(node):
        if is_of_an_error(inside):
            yield from ast.walk(inside)


def sentences(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, text) of what reads like an English sentence and is no docstring and of no error."""
    skipped = {id(inside) for inside in said_by_errors(tree)}
    names = {inside.id for inside in said_by_errors(tree) if isinstance(inside, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))  # a docstring
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if {getattr(target, "id", "") for target in targets} <= names:
                skipped |= {id(inside) for inside in ast.walk(node)}  # a name for what errors say
    for node in ast.walk(tree):
        text = written(node)
        if text and id(node) not in skipped and SENTENCE.match(text):
            yield getattr(node, "lineno", 0), text


def test_rooms_left_of_the_report_hold_no_sentence_but_those_of_errors() -> None:
    files = [file for file in code_files("core", "models") if unit_of(module_name(file)) in BELOW]
    found = [
        f"{file.relative_to(PROJECT)}:{line} {text}"
        for file in files
        if module_name(file) not in MAKE_ERRORS_ELSEWHERE
        for line, text in sentences(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ('told = "The header names no body part."', True),
        ('told = f"{name} is stored south-up."', True),
        ('raise ValueError("It is no number at all.")', False),
        ('ADVICE = "Export it again, please."\nraise ValueError(ADVICE)', False),
        ('hint = "It is not supported."\nhint += " Export it again, please."\nraise ValueError(hint)', False),
        ('told = "It is not supported."\ntold += " Export it again, please."', True),
        ('def broken() -> InputError:\n    return InputError("It is cut off.", "Copy it again.")', False),
        ('"""What this module is for."""', False),
        ('LOG.warning("The batch was halved.")', False),
        ('notice("dicom.modality-not-told")', False),
        ('name = "B04.tif"', False),
    ],
)
def test_a_sentence_is_told_from_a_name(code: str, is_found: bool) -> None:
    assert bool(list(sentences(ast.parse(code)))) is is_found


@pytest.mark.parametrize("document", ["README.md", "CHANGELOG.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "NOTICE"])
def test_what_may_be_set_of_a_method_is_called_a_parameter(document: str) -> None:
    assert not re.findall(r"(?i)\bknobs?\b", (PROJECT / document).read_text(encoding="utf-8"))
