# Every target installs what it needs. Run `make` on its own to list them.
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
# botocore, and so SAM, reads AWS_DEFAULT_REGION only; elsewhere AWS_REGION is read, and wins.
ifneq ($(AWS_REGION),)
export AWS_DEFAULT_REGION := $(AWS_REGION)
endif
# SAM looks for an executable called python3.13.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup tools build deploy demo demo-audit demo-picture local test lint format types unit e2e rules openapi schemas \
	score bench coldstart faults fuzz calibrate references compare validate audit lock clean

help:
	@awk -F ':.*## ' '/^##@ /{printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## /{printf "  make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nFor demo, local, build and deploy, PARAMETERS="Name=value ..." sets parameters.\n'

##@ Try it

demo: setup tools ## Run the whole system locally on sample events; JSON=1
	@$(BIN)/python -m tools.demo

demo-audit: setup ## Audit made-up lead sources whose true rates are known: SEED=1
	@$(BIN)/python -m tools.demo_audit --seed $(SEED)

local: setup tools ## Like demo, but leave the stack running (.local/stack.json)
	@exec $(BIN)/python -m tools.demo --keep-running

demo-picture: setup tools ## Run the demo and save its output as docs/demo.svg
	@$(BIN)/python -m tools.demo --svg docs/demo.svg

##@ Check it

test: setup tools lint types validate ## Run all checks and tests, but for the slow end-to-end ones
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" --ignore tests/e2e
	@$(BIN)/python -m pytest -m "not slow" tests/e2e

unit: setup ## Run only the fast tests
	@$(BIN)/python -m pytest tests/unit

e2e: setup tools $(TOOLS)/schemathesis/.ready $(TOOLS)/recipes/.ready ## Run the end-to-end tests, and all slow ones
	@$(BIN)/python -m pytest tests/e2e
	@$(BIN)/python -m pytest -m slow tests --ignore tests/e2e

lint: setup ## Check formatting and lint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

format: setup ## Format the code and fix what ruff can fix
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: setup ## Check types with mypy
	@$(BIN)/mypy

audit: $(TOOLS)/audit/.ready ## Report known vulnerabilities of pinned packages (network)
	@for file in layers/shared/requirements.txt requirements/*.txt; do \
		echo "$$file"; \
		$(TOOLS)/audit/bin/pip-audit --strict --require-hashes --disable-pip -r $$file || exit 1; \
	done

validate: setup tools ## Check the template with sam validate --lint, and the examples with cfn-lint
	@$(TOOLS)/sam/bin/sam validate --lint --region us-east-1
	@$(TOOLS)/sam/bin/cfn-lint examples/*.yaml

##@ Deploy it

build: setup tools ## Build the template into .aws-sam/build
	@$(TOOLS)/sam/bin/sam build $(OVERRIDES)

deploy: build ## Build, then deploy with your AWS credentials: STACK=name TAGS="team=mail"
	@$(TOOLS)/sam/bin/sam deploy $(if $(STACK),--stack-name $(STACK)) \
		$(if $(TAGS),--tags $(TAGS)) $(OVERRIDES)

##@ Measure it

score: setup ## Score the classifier on replies in ../shared (not included)
	@$(BIN)/python -m tools.score

bench: setup tools ## Benchmark bounceledger against the alternatives
	@$(BIN)/python bench/classify.py
	@$(BIN)/python bench/hostile.py
	@$(BIN)/python bench/ledger.py
	@$(BIN)/python bench/rechecks.py
	@$(BIN)/python bench/counters.py
	@$(BIN)/python bench/distinct.py
	@$(BIN)/python bench/check.py
	@$(BIN)/python bench/audit.py
	@$(BIN)/python bench/webhook.py

coldstart: build $(TOOLS)/coldstart/.ready ## Compare first invocations with a bare boto3 handler's
	@$(BIN)/python bench/coldstart.py

faults: setup tools ## Test the ledger under injected faults: SEED=7 EVENTS=5000
	@$(BIN)/python -m tools.faults --seed $(SEED) --events $(EVENTS)

fuzz: setup ## Fuzz the classifier: FUZZ_SECONDS=600
	@$(BIN)/python tests/fuzz/fuzz_classify.py -max_total_time=$(FUZZ_SECONDS)

calibrate: setup ## Measure the audit's verdicts on synthetic vendors; docs/audit.md
	@$(BIN)/python -m tools.calibrate --write

references: $(TOOLS)/statistics/.ready ## Compare the audit's statistics with scipy and statsmodels
	@$(TOOLS)/statistics/bin/python -m tools.audit_references

compare: $(TOOLS)/compare/.ready ## Compare DNS verdicts with other libraries; docs/domains.md
	@PYTHONPATH=layers/shared $(TOOLS)/compare/bin/python -m tools.compare_dns --write

##@ Maintain it

setup: $(VENV)/.ready ## Install bounceledger and the development tools in .venv

tools: $(TOOLS)/sam/.ready $(TOOLS)/ministack/.ready ## Install the SAM CLI and the local AWS emulator

rules: setup ## Rebuild rules.json after a change to rules.toml
	@$(BIN)/python -m bounceledger.classify.compiled

openapi: setup ## Rebuild the openapi.json that the API serves after a change to openapi.yaml
	@$(BIN)/python -m tools.openapi

schemas: setup ## Copy docs/schemas into the template after a change to a schema
	@$(BIN)/python -m tools.event_schemas

lock: setup ## Re-pin requirements to the newest allowed by the .in files
	@tools/lock.sh layer dev sam ministack schemathesis recipes compare statistics coldstart audit

clean: ## Remove everything that the other targets created
	@rm -rf $(VENV) $(TOOLS) .local .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready: requirements/dev.txt layers/shared/requirements.txt pyproject.toml
	@python=$$(tools/python313.sh) && echo "Setting up $(VENV) with $$python" && \
		$$python -m venv $(VENV)
	@$(BIN)/python $(PIP) install --require-hashes -r requirements/dev.txt
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# Each tool pins its own botocore, so each gets its own environment.
$(TOOLS)/%/.ready: requirements/%.txt
	@python=$$(tools/python313.sh) && echo "Setting up $(TOOLS)/$* with $$python" && \
		$$python -m venv $(TOOLS)/$*
	@$(TOOLS)/$*/bin/python $(PIP) install --require-hashes -r requirements/$*.txt
	@touch $@
