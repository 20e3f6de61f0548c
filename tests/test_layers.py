"""Who may import whom: a unit may import only units to its left, and nothing imports what its layer has no business with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent

# Leftmost first. A module may import modules of its own unit, and of any unit to the left of it.
ORDER = (
    "core.types", "core.errors", "core.settings", "core.jobs", "core.metrics",
    "core.deidentify",
    "core.readers",
    "core.sources",
    "core.prepare",
    "models",
    "core.inference",
    "core.areas", "core.accuracy",
    "core.explain", "core.change",
    "core.report",
    "core.export", "core.store",
    "core.render", "core.pacs",
    "core.workflows",
    "training",
    "core.ui",
    "pages",
    "app",
)  # fmt: skip

# The command line stands beside the order: it may import everything but what draws.
COMMAND_LINE = "core.cli"
DRAWING = ("core.ui", "pages", "app")

NETWORK = (
    "aiohttp", "dicomweb_client", "fsspec", "ftplib", "http.client", "http.server", "httpx", "httpx2", "huggingface_hub", "pooch",
    "pynetdicom", "pystac_client", "requests", "smtplib", "socket", "socketserver", "ssl", "telnetlib", "urllib.request", "urllib3",
    "websocket", "websockets", "xmlrpc",
)  # fmt: skip
MAY_SPEAK_TO_A_NETWORK = ("core.sources", "core.pacs", "models.hub", "models.hub_pace")
BELOW_A_PAGE = ("captum", "PIL", "pydicom", "rasterio", "scipy", "skimage", "torch", "transformers")
PAGE_LINES = 170


@dataclass(frozen=True)
class Import:
    """One import statement: the module it stands in, and the full name of what it asks for."""

    file: Path
    line: int
    importer: str
    target: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(PROJECT)}:{self.line} imports {self.target}"


def module_name(file: Path) -> str:
    parts = list(file.relative_to(PROJECT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def code_files(*roots: str) -> list[Path]:
    found: list[Path] = []
    for root in roots:
        path = PROJECT / root
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


def imports_of(file: Path) -> Iterator[Import]:
    """Every import of a file, those inside functions and under TYPE_CHECKING included."""
    name = module_name(file)
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), filename=str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, name, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, base]).strip(".")
            for alias in node.names:
                yield Import(file, node.lineno, name, f"{base}.{alias.name}")


def is_or_in(name: str, module: str) -> bool:
    return name == module or name.startswith(module + ".")


def unit_of(name: str) -> str | None:
    return next((unit for unit in (*ORDER, COMMAND_LINE) if is_or_in(name, unit)), None)


def belongs_here(name: str) -> bool:
    return name.split(".")[0] in {"core", "models", "training", "pages", "app"}


CODE = ("app.py", "pages", "core", "models", "training")
ALL_IMPORTS = [found for file in code_files(*CODE) for found in imports_of(file)]


def offences(of: list[Import]) -> str:
    return "\n".join(str(found) for found in of)


def allowed(found: Import) -> bool:
    here, there = unit_of(found.importer), unit_of(found.target)
    if here == there:
        return True
    if here is None or there is None or there == COMMAND_LINE:
        return False
    if here == COMMAND_LINE:
        return there not in DRAWING
    return ORDER.index(there) < ORDER.index(here)


def test_every_module_has_a_place_in_the_order() -> None:
    names = [module_name(file) for file in code_files(*CODE)]
    assert [name for name in names if unit_of(name) is None and name != "core"] == []


def test_a_module_imports_only_what_stands_to_its_left() -> None:
    inside = [found for found in ALL_IMPORTS if belongs_here(found.target)]
    assert inside, "no import was found: this test would prove nothing"
    wrong = [found for found in inside if not allowed(found)]
    assert not wrong, offences(wrong)


def test_no_module_is_imported_by_a_name_that_is_made_up_at_run_time() -> None:
    """importlib would walk around the order."""
    wrong = [found for found in ALL_IMPORTS if is_or_in(found.target, "importlib") and not is_or_in(found.target, "importlib.metadata")]
    assert not wrong, offences(wrong)


def test_streamlit_is_imported_where_something_is_drawn_and_nowhere_else() -> None:
    wrong = [found for found in ALL_IMPORTS if is_or_in(found.target, "streamlit") and unit_of(found.importer) not in DRAWING]
    assert not wrong, offences(wrong)


def test_only_sources_pacs_and_the_hub_speak_to_a_network() -> None:
    wrong = [
        found
        for found in ALL_IMPORTS
        if any(is_or_in(found.target, module) for module in NETWORK)
        and not any(is_or_in(found.importer, room) for room in MAY_SPEAK_TO_A_NETWORK)
    ]
    assert not wrong, offences(wrong)


def test_torchvision_is_imported_nowhere() -> None:
    """Its release on the index does not fit torch's, and while it is installed transformers does not import."""
    everywhere = [found for file in code_files(*CODE, "tests", "sample_data") for found in imports_of(file)]
    wrong = [found for found in everywhere if is_or_in(found.target, "torchvision")]
    assert not wrong, offences(wrong)


def test_a_page_draws_and_leaves_pixels_to_core() -> None:
    drawn = [found for file in code_files("pages", "app.py") for found in imports_of(file)]
    wrong = [found for found in drawn if any(is_or_in(found.target, module) for module in BELOW_A_PAGE)]
    assert not wrong, offences(wrong)


def test_a_page_can_be_held_in_the_head() -> None:
    lengths = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for file in code_files("pages", "app.py")}
    assert {name: lines for name, lines in lengths.items() if lines > PAGE_LINES} == {}


@pytest.mark.parametrize(
    ("importer", "target", "verdict"),
    [
        ("core.readers.dicom.image", "core.errors.NoPixels", True),
        ("core.errors", "core.settings.settings", False),
        ("core.types", "core.errors.InputError", False),
        ("core.explain.methods.rollout", "core.change.classes", False),
        ("core.explain.methods.rollout", "core.explain.regions", True),
        ("core.cli", "core.workflows.image", True),
        ("core.cli", "core.ui.viewer", False),
        ("core.workflows.image", "core.cli.main", False),
        ("models.registry", "core.prepare.tensor", True),
        ("core.prepare.tensor", "models.registry", False),
    ],
)
def test_the_order_is_read_as_it_is_written(importer: str, target: str, verdict: bool) -> None:
    assert allowed(Import(PROJECT / "app.py", 1, importer, target)) is verdict


def test_only_the_domains_ask_which_kind_of_image_a_model_is_of() -> None:
    """Another kind of image is one file in core/prepare/domains, and no edit elsewhere. Model folders and recipes are checked by name."""
    allowed = (
        "core.types", "core.prepare.domains", "models.preprocessing", "models.change_registry", "training.config",
        "training.evaluate.robustness", "core.change.methods.bands",
    )  # fmt: skip
    asking = [
        f"{module_name(file)}:{node.lineno}"
        for file in code_files(*CODE)
        if not any(is_or_in(module_name(file), room) for room in allowed)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Domain"
    ]
    assert asking == []
