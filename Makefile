# Every target sets up what it needs. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
TOOLS := .tools
BIN := $(VENV)/bin
SEED ?= 1
EVENTS ?= 5000
FUZZ_SECONDS ?= 600
OVERRIDES = $(if $(PARAMETERS),--parameter-overrides $(PARAMETERS))
PIP := -m pip --disable-pip-version-check --quiet
export SAM_CLI_TELEMETRY := 0
# SAM wants python3.13 by that name.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup tools build deploy demo local test lint format types unit e2e rules score bench faults fuzz \
	compare validate lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- set-up

setup: $(VENV)/.ready ## Virtual environment with the bounceledger command in .venv/bin

tools: $(TOOLS)/sam/.ready $(TOOLS)/ministack/.ready ## SAM CLI and the local AWS emulator

$(VENV)/.ready: requirements/dev.txt layers/shared/requirements.txt pyproject.toml
	@python=$$(tools/python313.sh) && echo "Setting up $(VENV) with $$python" && \
		$$python -m venv $(VENV)
	@$(BIN)/python $(PIP) install -r requirements/dev.txt
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# Each pins a botocore of its own, so each lives in an environment of its own.
$(TOOLS)/%/.ready: requirements/%.txt
	@python=$$(tools/python313.sh) && echo "Setting up $(TOOLS)/$* with $$python" && \
		$$python -m venv $(TOOLS)/$*
	@$(TOOLS)/$*/bin/python $(PIP) install -r requirements/$*.txt
	@touch $@

build: setup tools ## Build the template into .aws-sam/build; PARAMETERS="Name=value ..."
	@$(TOOLS)/sam/bin/sam build $(OVERRIDES)

deploy: build ## Deploy the build with your AWS credentials; PARAMETERS="Name=value ..."
	@$(TOOLS)/sam/bin/sam deploy $(OVERRIDES)

validate: setup tools ## sam validate --lint
	@$(TOOLS)/sam/bin/sam validate --lint --region us-east-1

# ---------------------------------------------------------------- the two commands, and local

demo: setup tools ## Build, run locally, replay the sample events, ask the API, clean up
	@$(BIN)/python -m tools.demo

local: setup tools ## The same, then stay up; .local/stack.json says where
	@exec $(BIN)/python -m tools.demo --stay

test: setup tools lint types validate ## Lint, types, unit, component and end-to-end tests
	@$(BIN)/python -m pytest

# ---------------------------------------------------------------- single checks

lint: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

format: setup ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: setup
	@$(BIN)/mypy

unit: setup ## Only the fast tests
	@$(BIN)/python -m pytest tests/unit

e2e: setup tools ## Only the end-to-end tests
	@$(BIN)/python -m pytest tests/e2e

rules: setup ## Rebuild rules.json after a change of rules.toml
	@$(BIN)/python -m bounceledger.classify.compiled

# ---------------------------------------------------------------- measurements

score: setup ## Score the classifier on labelled replies beside the project; writes docs/accuracy.md
	@$(BIN)/python -m tools.score

bench: setup tools ## Our path and the alternative side by side, as ratios
	@$(BIN)/python bench/classify.py
	@$(BIN)/python bench/ledger.py

faults: setup tools ## The ledger under injected faults: make faults SEED=7 EVENTS=5000
	@$(BIN)/python -m tools.faults --seed $(SEED) --events $(EVENTS)

fuzz: setup ## Fuzz the classifier: make fuzz FUZZ_SECONDS=600
	@$(BIN)/python tests/fuzz/fuzz_classify.py -max_total_time=$(FUZZ_SECONDS)

compare: $(TOOLS)/compare/.ready ## Our DNS verdicts beside those of other libraries; writes docs/domains.md
	@PYTHONPATH=layers/shared $(TOOLS)/compare/bin/python -m tools.compare_dns --write

# ---------------------------------------------------------------- upkeep

lock: ## Pin the newest versions that the .in files admit
	@for name in dev sam ministack compare; do tools/lock.sh $$name || exit 1; done

clean: ## Remove everything that the other targets made
	@rm -rf $(VENV) $(TOOLS) .local .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
