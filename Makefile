# Needs Python 3.11 or newer and make; everything else comes into .venv from the lock files.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ANSWER ?=
PYTEST_ARGS ?=

# Where images set it, every process would compile all that it imports: 5 s of each start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install install-dev demo test lint format bench lock clean

help:
	@echo "make demo [ANSWER=1|2|none]   install, and show a suspicious payment ring the cardholder"
	@echo "make test                     install, and run the tests"
	@echo "make lint                     style, types, and which room may use which"
	@echo "make bench                    the benchmarks behind the figures in the README"
	@echo "make install                  only set up .venv"

install: .venv/installed

install-dev: .venv/installed-dev

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Ringfence needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing what requirements.lock names ..."
	@$(PIP) --no-compile --require-hashes -r requirements.lock
	@$(PIP) --no-compile --no-deps --no-build-isolation -e .
	@# Compiles what is used, not all that is installed: a quarter of the disk space.
	@$(BIN)/python -c 'import alembic, boto3, dbos, lightgbm, nicegui, polars, ringfence.web.server'
	@touch $@

.venv/installed-dev: requirements-dev.lock .venv/installed
	@echo "Installing what requirements-dev.lock names ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

demo: install
	@$(BIN)/ringfence demo $(if $(ANSWER),--answer $(ANSWER))

test: install-dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install-dev
	$(BIN)/python -m bench

# Needs uv. Resolves anew what pyproject.toml asks for.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  pyproject.toml build.in --group dev -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  -c requirements-dev.lock pyproject.toml build.in -o requirements.lock

clean:
	rm -rf .venv .demo build dist
