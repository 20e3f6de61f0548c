"""How the house is parted: no folder is too full to be looked through, and no name means two things."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
MOST_FILES = 18
"""Python files a folder; what a person looks through without a search."""
ROOTS = ("core", "models", "training", "pages", "tests", "benchmarks", "sample_data")
FOLDERS = sorted({file.parent for root in ROOTS for file in (PROJECT / root).rglob("*.py")})
SIBLINGS = {
    "DEFAULTS": "core/explain/methods",
    "PAGE": "core/ui",
    "as_values": "core/cli",
    "cost_of": "core/explain/methods",
    "empty_state": "core/ui",
    "write": "core/export",
}
"""Names that modules beside each other share on purpose, since they answer one question, and where."""
COMMANDS = "core/cli"
"""A command is called as its function, which is called as what it starts."""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(PROJECT)))
def test_no_folder_is_too_full(folder: Path) -> None:
    files = sorted(file.name for file in folder.glob("*.py"))
    assert len(files) <= MOST_FILES, f"{len(files)} files: part it into rooms"


def public_names(file: Path) -> list[str]:
    """Classes, functions and constants of a module that others may use."""
    names: list[str] = []
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
    return [name for name in names if not name.startswith("_")]


def test_no_two_public_names_of_core_are_alike() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for file in sorted((PROJECT / "core").rglob("*.py")):
        if file.name == "__init__.py":
            continue
        where = file.relative_to(PROJECT).as_posix()
        for name in public_names(file):
            is_shared = name in SIBLINGS and where.startswith(SIBLINGS[name])
            is_command = where == f"{COMMANDS}/{name.rstrip('_')}.py"
            if not is_shared and not is_command:
                places[name].append(where)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
