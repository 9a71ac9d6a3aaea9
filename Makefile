# One command each; `make` alone lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export CARGO_BUILD_JOBS ?= 2

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "edge302 needs Python 3.11 or newer; name one with make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/run: requirements/run.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --require-hashes --only-binary :all: -r requirements/run.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements/dev.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/run

RUST := Cargo.toml Cargo.lock redirect_core/Cargo.toml $(shell find redirect_core/src -name '*.rs')
$(STAMPS)/build: $(RUST) pyproject.toml | $(STAMPS)/run
	@command -v cargo >/dev/null || { echo "edge302 needs Rust: see https://rustup.rs, then try again"; exit 1; }
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: build
build: $(STAMPS)/build ## make .venv, install the locked dependencies, build the extension

.PHONY: lock
lock: $(STAMPS)/dev ## make requirements/*.txt anew from pyproject.toml
	$(BIN)/uv pip compile -q pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements/run.txt
	$(BIN)/uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements/dev.txt
