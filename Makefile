# One command each; `make` alone lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make
# Only wheels with a known hash are installed: no package's build script runs here.
PIP_INSTALL := $(BIN)/python -m pip install -q --require-hashes --only-binary :all:
CARGO_CHECKS := --locked --workspace --all-targets
FUZZ := redirect_core/fuzz/Cargo.toml
export PATH := $(CURDIR)/$(BIN):$(PATH):$(HOME)/.cargo/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export CARGO_BUILD_JOBS ?= 2

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "edge302 needs Python 3.11 or newer; name one with make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) can't make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(STAMPS)/run: requirements/run.txt | $(BIN)/python
	@echo "installing the locked dependencies into $(VENV)"
	@$(PIP_INSTALL) -r requirements/run.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements/dev.txt | $(BIN)/python
	@echo "installing the locked development dependencies into $(VENV)"
	@$(PIP_INSTALL) -r requirements/dev.txt
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/run

RUST := Cargo.toml Cargo.lock redirect_core/Cargo.toml $(shell find redirect_core/src -name '*.rs')
$(STAMPS)/build: $(RUST) pyproject.toml | $(STAMPS)/run
	@command -v cargo >/dev/null || { echo "edge302 needs Rust: see https://rustup.rs, then try again"; exit 1; }
	@echo "building the extension in release mode"
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: build
build: $(STAMPS)/build ## make .venv, install the locked dependencies, build the extension

.PHONY: run
run: build ## start edge302 on this machine (ARGS="--port 9000 …"); Ctrl-C drains and stops it
	@exec $(BIN)/python -m devstack.foreground $(BIN)/edge302 up $(ARGS)

.PHONY: stack
stack: $(STAMPS)/dev build services ## run gateways, control planes, PostgreSQL, PgBouncer, Redis and nginx on this machine; Ctrl-C stops all
	@exec $(BIN)/python -m devstack.foreground $(BIN)/python -m devstack.stack $(ARGS)

.PHONY: test test-fast
test: $(STAMPS)/dev build services ## run every test, Rust and Python
	@$(BIN)/python -m devstack.suite

test-fast: $(STAMPS)/dev build ## run what takes under a minute: no whole nodes, nothing slow
	@$(BIN)/python -m devstack.suite --fast

.PHONY: lint
lint: $(STAMPS)/dev build ## formatting, lint, types, import contract, lock files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m devstack.locks --check
	cargo fmt --all --check
	cargo clippy -q $(CARGO_CHECKS) -- -D warnings
	cargo clippy -q $(CARGO_CHECKS) --features extension-module -- -D warnings
	cargo fmt --manifest-path $(FUZZ) --check
	cargo clippy -q --manifest-path $(FUZZ) --locked --target-dir target/fuzz --all-targets -- -D warnings
	cargo fmt --manifest-path bench/targets/redirect_rs/Cargo.toml --check
	cargo clippy -q --locked --all-targets --manifest-path bench/targets/redirect_rs/Cargo.toml --target-dir target/redirect_rs -- -D warnings

.PHONY: lock
lock: $(STAMPS)/dev ## make requirements/*.txt anew from pyproject.toml
	@$(BIN)/python -m devstack.locks

.PHONY: readme
readme: $(STAMPS)/dev ## write the README's tables anew from the settings and the newest results
	@$(BIN)/python -m devstack.readme

# Standard output is the result as JSON and nothing else: `make bench > result.json`. docs/bench.md tells of BENCH_….
.PHONY: bench
bench: ## measure side by side with all that it is compared with; BENCH_BASE_URL=http://…: a server that runs already
	@$(MAKE) --no-print-directory $(STAMPS)/dev build services >&2
	@$(BIN)/python -m bench

# Ten rounds of a minute; PostgreSQL comes to a checkpoint once a minute.
.PHONY: bench-long
bench-long: ## make links in PostgreSQL for ten minutes, one by one, over its checkpoints
	@$(MAKE) --no-print-directory $(STAMPS)/dev build services >&2
	@BENCH_ONLY=writes BENCH_LOADS='POST /api/shorten' BENCH_ROUNDS=10 BENCH_SECONDS=60 $(BIN)/python -m bench

.PHONY: resilience
resilience: ## break each part of the stack for 30 s under load; say what visitors noticed (ARGS="--seconds 5")
	@$(MAKE) --no-print-directory $(STAMPS)/dev build services >&2
	@$(BIN)/python -m bench.resilience $(ARGS)

.PHONY: ledger
ledger: ## break everything on a click's way into ClickHouse under load; say whether all figures agree (ARGS="--kills 3 --seconds 5")
	@$(MAKE) --no-print-directory $(STAMPS)/dev build services >&2
	@$(BIN)/python -m bench.chain $(ARGS)

.PHONY: fuzz
fuzz: $(STAMPS)/dev build ## fuzz the engine and the spool's reader for 15 s each (ARGS="--seconds 600 --target feed")
	@$(BIN)/python -m devstack.fuzz $(ARGS)

.PHONY: instructions
instructions: $(STAMPS)/dev services ## count the instructions a request costs; fail at 2 % more than docs/instruction_baselines.json has
	@$(BIN)/python -m devstack.instructions $(ARGS)

.PHONY: services
services: | $(BIN)/python ## install the servers and tools that tests and bench need (Debian, as root)
	@$(BIN)/python -m devstack.services
	@$(BIN)/python -m devstack.jars

.PHONY: clean
clean: ## remove all that was built; data stays
	rm -rf $(VENV) $(STAMPS) target dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -f redirect_core/*.so
