"""The public surface: what other programs may import is written down in tests/surface.toml, exists, and is documented.

A change of the surface is a change of tests/surface.toml in the same commit, so that nobody widens or narrows it unawares.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
GUARDED = tomllib.loads((PROJECT / "tests" / "surface.toml").read_text(encoding="utf-8"))["surface"]
# Importing core.ui needs a page's context in places; what it shows is tested by tests/pages.
PACKAGES = sorted(
    ".".join(file.parent.relative_to(PROJECT).parts)
    for root in ("core", "models", "training")
    for file in (PROJECT / root).rglob("__init__.py")
)
MODULES = sorted(file for root in ("core", "models", "training") for file in (PROJECT / root).rglob("*.py"))


def declared(package: str) -> list[str]:
    """The names in a package's __all__, read without importing it."""
    tree = ast.parse((PROJECT / Path(*package.split(".")) / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            return list(ast.literal_eval(node.value))
    return []


def modules_in(package: str) -> list[str]:
    folder = PROJECT / Path(*package.split("."))
    files = {file.stem for file in folder.glob("*.py")} - {"__init__", "__main__"}
    return sorted(files | {file.parent.name for file in folder.glob("*/__init__.py")})


def test_the_surface_is_what_the_guard_list_says() -> None:
    assert {package: declared(package) for package in PACKAGES} == GUARDED


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_it_offers_names_or_all_of_its_modules(package: str) -> None:
    offered = declared(package)
    assert offered, f"{package} has no __all__"
    if set(offered) <= set(modules_in(package)):
        assert offered == modules_in(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_it_is_for(package: str) -> None:
    tree = ast.parse((PROJECT / Path(*package.split(".")) / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{package} has no docstring"


@pytest.mark.parametrize("package", [package for package in PACKAGES if declared(package) != modules_in(package)])
def test_public_names_exist_are_sorted_and_documented(package: str) -> None:
    module = importlib.import_module(package)
    names = GUARDED[package]
    assert names == sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name)), "constants, classes, functions"
    for name in names:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert inspect.getdoc(value), f"{package}.{name} has no docstring"


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_a_module_and_its_public_functions_and_classes_are_documented(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    named = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
    silent = [node.name for node in named if not node.name.startswith("_") and not ast.get_docstring(node)]
    assert ast.get_docstring(tree), f"{file.relative_to(PROJECT)} has no docstring"
    assert not silent, f"{file.relative_to(PROJECT)}: {', '.join(silent)} without a docstring"
