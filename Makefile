# Each target makes .venv from the lock if there is none, and brings it up to date when the lock has changed.
#
#   make demo     a failing agent, a stand-in Slack and the real bot; open the printed address and press the buttons
#   make test     everything that runs on this machine alone
#   make check    lint, format, types, import contracts
#   make peers    tests against real programs that nobody here wrote (they skip, with the reason, where one is missing)
#
# ARGS= goes to the program behind a target: make demo ARGS=--check, make test ARGS="tests/bot -k settings".

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=

BIN    := $(VENV)/bin
STAMP  := $(VENV)/.up-to-date
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help demo test check peers coverage lock clean venv

help:
	@sed -n 's/^#   //p' Makefile

venv: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || { \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Pullcord needs Python 3.11 or later; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }; \
	  echo "· making $(VENV) with $$($(PYTHON) --version)"; \
	  $(PYTHON) -m venv $(VENV) || \
	    { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment (Debian: apt-get install python3-venv)" >&2; exit 1; }; }
	@echo "· installing what requirements.lock names (about a minute the first time)"
	@$(PIP) install -qq --require-hashes -r requirements.lock
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/pullcord demo $(ARGS)

test: $(STAMP)
	@$(BIN)/python -m pytest -m "not peers" $(ARGS)

check: $(STAMP)
	@echo "· ruff check";  $(BIN)/ruff check --quiet .
	@echo "· ruff format"; $(BIN)/ruff format --quiet --check . || \
	  { echo "not formatted as ruff does; run $(BIN)/ruff format ." >&2; exit 1; }
	@echo "· mypy";        $(BIN)/mypy --no-error-summary
	@echo "· import contracts"; $(BIN)/lint-imports --no-logo

# The first time Arize Phoenix and MLflow are installed, each apart, under $XDG_CACHE_HOME/pullcord/peers (0.9 GB each,
# some minutes; PEERS_INSTALL_SECONDS=60 gives up sooner). 5 is pytest's "no tests were found", no failure for peers.
peers: $(STAMP)
	@$(BIN)/python -m pytest -m peers $(ARGS) || { code=$$?; test $$code -eq 5 || exit $$code; }

coverage: $(STAMP)
	@$(BIN)/python -m pytest -m "not peers" --cov --cov-report=term $(ARGS)

# Needs `uv`; pip-tools' `pip-compile --generate-hashes --strip-extras --no-header --no-emit-index-url` does the same.
# The locks name no index, so whatever index or mirror pip is set up with serves them; the hashes hold for each.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
           --no-emit-index-url --no-emit-find-links pyproject.toml

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv on the PATH (or use pip-compile, see the Makefile)" >&2; exit 1; }
	@echo "· requirements.lock (all), requirements-runtime.lock (the image)"
	@$(COMPILE) --extra dev --output-file requirements.lock $(ARGS)
	@$(COMPILE) --extra build --constraint requirements.lock --output-file requirements-runtime.lock
	@! grep -nE '://' requirements.lock requirements-runtime.lock

clean:
	@rm -rf $(VENV) dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
