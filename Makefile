# Two commands do everything: make demo, make test. Both make their own environment first.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     := 0.13.9
DATA   ?=
SOURCE ?= $(if $(DATA),olist,sample)

.DEFAULT_GOAL := help
.PHONY: help install demo test check bench faults screenshots lock clean

help: ## show this
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Triage needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Installing into $(VENV) (once, some minutes on a slow network) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

install: $(VENV)/installed ## make the environment

demo: $(VENV)/installed ## import, train, gate, score, serve (DATA=<olist folder> for the public extract)
	@$(BIN)/triage demo $(if $(DATA),--source $(SOURCE) --data "$(DATA)")

test: $(VENV)/installed ## run every test
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

check: $(VENV)/installed ## format, lint, types, import contracts, definitions
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/definitions

bench: $(VENV)/installed ## print the measured figures (DATA=<olist folder> adds those of the public extract)
	@$(BIN)/python -m benchmarks $(if $(DATA),--olist "$(DATA)")

faults: $(VENV)/installed ## the sheet of faults: kills, swaps, spoilt bundles, bad days (KILLS=20, HOSTILE=1000, RECORDING=1, RESTART=<orders>, HOME_OF=<home>)
	@$(BIN)/python -m benchmarks.faults --promises --kills $(or $(KILLS),20) --swaps $(or $(SWAPS),20) \
		--spoilt $(or $(SPOILT),50) $(if $(HOME_OF),--home "$(HOME_OF)") \
		$(if $(HOSTILE),--hostile $(HOSTILE)) $(if $(RECORDING),--recording) $(if $(RESTART),--restart $(RESTART))

screenshots: $(VENV)/installed ## a picture of every page and state of the demo into docs/ (HOME_OF=<home>)
	@$(BIN)/python -m tests.e2e.pictures $(if $(HOME_OF),--home "$(HOME_OF)")

lock: $(VENV)/installed ## resolve requirements.lock anew
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --upgrade --quiet -o requirements.lock

clean: ## remove what was generated
	rm -rf $(VENV) .triage .pytest_cache .mypy_cache .ruff_cache
