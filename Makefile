# Everything a newcomer needs: `make demo`, `make test`. Needs Python 3.11 or newer and nothing else.
#
# TORCH chooses the torch build: any arguments that pip understands, for example
#   make demo TORCH='torch==2.13.0 --index-url URL_OF_THE_CPU_OR_CUDA_INDEX'
# (pytorch.org, "Get started", names the addresses). PYTHON chooses the interpreter.
TORCH ?= torch==2.13.0
PYTHON ?= $(shell command -v python3.11 || command -v python3)
OUT ?= runs/demo
# Test files at a time: a worker for each core, up to four, as each takes up to two gigabytes.
WORKERS ?= -n auto --maxprocesses 4 --dist loadfile

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help install demo test test-all check binaries format lock wheel clean
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/run  ## create .venv with Errata and its pinned dependencies

.venv/run: pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(PIP) $(TORCH)
	$(PIP) --constraint requirements.lock --editable .
	@touch $@

.venv/dev: .venv/run
	$(PIP) --constraint requirements.lock --editable '.[dev]'
	@touch $@

demo: .venv/run  ## the main job, end to end, on this machine
	$(BIN)/errata demo --out $(OUT)

test: .venv/dev  ## the default tests: minutes, offline, CPU only
	$(BIN)/python -m pytest $(WORKERS)

test-all: .venv/dev  ## every test: slow ones too, and where there is a GPU those that need one
	$(BIN)/python -m pytest $(WORKERS) -m ''

check: .venv/dev binaries  ## format, lint, types, the import contract, and no binary file that is not meant
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

binaries:  ## no binary file is tracked that .gitattributes does not name
	@! git ls-files --eol | grep '^i/-text' | grep -v 'attr/-text' || \
	  { echo 'these binary files are tracked and .gitattributes does not name them' >&2; exit 1; }

format: .venv/dev  ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/dev  ## write the tested versions of what is installed now
	$(BIN)/python -m pip freeze --exclude-editable --exclude torch > requirements.lock

wheel: .venv/run  ## build dist/*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## remove what make made
	rm -rf .venv dist build
