# `make app` serves the application, `make test` runs every test; both make the environment first. `make help` lists the rest.
#
# PYTHON       the Python that makes .venv, 3.11 or newer
# TORCH_INDEX  the package index that torch is taken from; empty: pip's own (README, "A CPU or a CUDA build")
# ARGS         options for pytest, as in: make test ARGS="-k rollout"
# WORKERS      processes that share the tests; 0: one, which starts sooner for a few tests. Each holds about 2 GB.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.PHONY: help app test install install-tools test-system check samples force

PYTHON ?= python3
TORCH_INDEX ?=
ARGS ?=
WORKERS ?= auto

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
MOST_WORKERS := 4
# Two makes at a time must not install into one environment: the second waits, then finds the work done.
ALONE := $(if $(shell command -v flock),flock .make.lock)

# What the environment was made for: Python's version and this folder (its scripts hold the folder's path).
IDENTITY := $(shell $(PYTHON) -c 'import hashlib, os, sys; \
	print("%d.%d" % sys.version_info[:2], hashlib.sha256(os.getcwd().encode()).hexdigest()[:12])')
MADE := $(shell test -x $(BIN)/python && cat .venv/.made 2>/dev/null)

help:
	@echo "make app       install, then serve the application on http://localhost:8501"
	@echo "make test      install, then run every test, browser tests included"
	@echo "make install   the environment in .venv, with $(BIN)/sightline"
	@echo "make check     the gate: ruff, mypy --strict, layers, public surface"
	@echo "make samples   write sample_data anew"

app: install
	@exec $(BIN)/sightline app

test: install-tools test-system
	@exec $(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses $(MOST_WORKERS) --dist loadgroup --no-loadscope-reorder $(ARGS)

check: install-tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py tests/test_surface.py

samples: install
	$(BIN)/python -m sample_data.make_samples

install:
	@$(ALONE) $(MAKE) --silent .venv/.installed

install-tools: install
	@$(ALONE) $(MAKE) --silent .venv/.installed-tools

# What some tests need besides Python. A test whose program is missing skips itself, and says so.
test-system:
	@missing=() lost=(); \
	command -v chromium >/dev/null || { missing+=(chromium); lost+=("tests/e2e"); }; \
	test -n "$$(find /usr/share/fonts /usr/local/share/fonts -name '*.[to]tf' -print -quit 2>/dev/null)" \
		|| { missing+=(fonts-dejavu-core); lost+=("letters in screenshots"); }; \
	command -v dciodvfy >/dev/null || { missing+=(dicom3tools); lost+=("the validation of exports by dciodvfy in tests/unit"); }; \
	command -v dcm2pnm >/dev/null || { missing+=(dcmtk); lost+=("the comparisons with DCMTK in tests/unit"); }; \
	test $${#missing[@]} = 0 || .ci/system-packages "these are skipped: $$(IFS=,; echo "$${lost[*]}" | sed 's/,/, /g')" "$${missing[@]}"

# Stamps are written last, so that a broken installation is taken up again.
.venv/.installed: .venv/.made requirements.txt pyproject.toml
	$(if $(TORCH_INDEX),$(PIP) install --index-url "$(TORCH_INDEX)" "$$(grep '^torch==' requirements.txt)")
	$(PIP) install -r requirements.txt
	$(PIP) install --no-deps -e .
	@touch $@

.venv/.installed-tools: .venv/.installed requirements-dev.txt
	$(PIP) install -r requirements-dev.txt
	@touch $@

ifneq ($(MADE),$(IDENTITY))
.venv/.made: force
endif

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Sightline needs Python 3.11 or newer, and $(PYTHON) is not. Name another: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || .ci/system-packages "no environment can be made" python3-venv
	rm -rf .venv
	$(PYTHON) -m venv --upgrade-deps .venv
	@echo "$(IDENTITY)" > $@
