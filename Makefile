# Matchfleet's one front door: `make` alone lists the verbs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
PYTHON ?= python3
UV := .tools/bin/uv
RUN := .venv/bin/python
CLUSTER := $(PYTHON) -m tools.cluster
NAME ?= matchfleet
E2E_NAME := matchfleet-e2e
# Tests wait more than they compute, so there is one process more than processors.
PROCESSES ?= $(shell echo $$(($$(nproc) + 1)))
BESIDE := -n $(PROCESSES) --dist worksteal

##@ Run it
.PHONY: demo up down clean doctor
demo: ## The whole product as local processes, and one match (ONCE=1: end after the match)
	@$(CLUSTER) doctor --demo
	@$(MAKE) --no-print-directory .build/venv
	@exec $(RUN) -m matchfleet_local.demo

up: ## The same on a kind cluster called matchfleet, by the Helm chart (QUICK=1: one match only)
	@$(CLUSTER) doctor
	@$(MAKE) --no-print-directory .build/venv
	@$(CLUSTER) up --name $(NAME)
	@exec $(RUN) -m tools.install --name $(NAME) $(if $(QUICK),--quick)

down: ## Stop the cluster and the engine that `make up` started
	@$(CLUSTER) down --name $(NAME)

clean: ## Remove all that the project made, build caches included
	@$(CLUSTER) clean

doctor: ## What this machine has, what is missing, and the minutes to expect
	@$(CLUSTER) doctor

##@ Build it
.PHONY: setup images generate fmt
setup: .build/venv ## Install the development environment into .venv

images: ## Build the container images (REGISTRY=... PUSH=1 publishes them)
	@$(CLUSTER) images $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(PUSH),--push)

generate: .build/venv ## Make the generated files anew: protocol buffers, OpenAPI
	@$(RUN) proto/generate.py
	@$(RUN) -m matchfleet_api openapi > docs/openapi.json

fmt: .build/venv ## Format the code
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

##@ Test it
.PHONY: test check lint types imports unit unit-second integration parts chaos contract
.PHONY: e2e e2e-local e2e-kind e2e-cluster e2e-stories e2e-down bench-operator chaos-operator
test: ## Everything that CI runs, in order of cost
	@exec $(PYTHON) -m tools.test

check: .build/venv ## Lint, types, import contracts and unit tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint types imports unit

lint: .build/venv
	@.venv/bin/ruff format --check . && .venv/bin/ruff check .
	@$(RUN) tools/layout.py

types: .build/venv
	@.venv/bin/mypy contracts telemetry adapters operator gameserver api workers bots client local tools

imports: .build/venv
	@.venv/bin/lint-imports --no-logo

unit: .build/venv ## Unit tests: no network, no sleep
	@$(RUN) -m pytest tests/unit

unit-second: $(UV)
	@PYENV_VERSION=$$(pyenv latest 3.13 2>/dev/null || true); export PYENV_VERSION; \
	  found=$$($(UV) python find --no-project 3.13 2>/dev/null) || { echo "no Python 3.13 on this machine: the images run it, so e2e covers it"; exit 0; }; \
	  UV_PROJECT_ENVIRONMENT=.build/venv-3.13 $(UV) sync --frozen --all-packages --quiet --python "$$found" && \
	  .build/venv-3.13/bin/python -m pytest tests/unit

integration: parts e2e-local ## Against real PostgreSQL, Redis, RabbitMQ, kube-apiserver, and the whole flow on local processes

parts: .build/venv
	@$(CLUSTER) kube-binary > /dev/null
	@$(RUN) -m pytest tests/integration $(BESIDE)

chaos: .build/venv ## The operator under a choice of faults and random edits
	@$(CLUSTER) kube-binary > /dev/null
	@$(RUN) -m pytest tests/chaos

chaos-operator: .build/venv ## Every fault plan and random walk of the operator (PLAN=warm/patch-pods-1/stall: one)
	@$(CLUSTER) kube-binary > /dev/null
	@PYTHONPATH=tests/plugins:. $(RUN) -m chaos.campaign $(PLAN)

contract: .build/venv ## One suite for local and the real API server; chart, CRDs, generated code
	@$(CLUSTER) kube-binary > /dev/null
	@$(RUN) -m pytest tests/contract $(BESIDE)

e2e-local: .build/venv
	@$(RUN) -m pytest tests/e2e --substrate local $(if $(K),-k "$(K)",-n 2 --dist worksteal)

e2e: .build/venv ## One story on a running cluster: make e2e K=story_3 (NAME=matchfleet)
	@$(RUN) tools/e2e.py --name $(NAME) $(if $(K),-k "$(K)")

e2e-kind: ## The stories on a kind cluster of their own, made fresh and removed at the end
	@$(MAKE) --no-print-directory e2e-cluster
	@$(MAKE) --no-print-directory e2e-stories && code=0 || code=$$?; \
	  $(MAKE) --no-print-directory e2e-down; exit $$code

# The three parts of e2e-kind; a cluster of another name is never touched.
e2e-cluster: e2e-down
	@$(MAKE) --no-print-directory up NAME=$(E2E_NAME) QUICK=1

e2e-stories: .build/venv
	@$(RUN) tools/e2e.py --name $(E2E_NAME)

e2e-down:
	@$(CLUSTER) down --name $(E2E_NAME)

bench-operator: .build/venv ## How fast the operator is; the last line is JSON (PARTS=claims,lives)
	@$(CLUSTER) kube-binary > /dev/null
	@$(RUN) -m tests.bench.matchfleet_operator $(if $(PARTS),--parts $(PARTS))

# The virtual environment is current when it is newer than the lock file and every room's manifest.
.build/venv: uv.lock pyproject.toml $(wildcard */pyproject.toml) | $(UV)
	@echo "installing the Python environment"
	@$(UV) sync --frozen --all-packages --quiet --python $$($(PYTHON) -c 'import sys; print(sys.executable)')
	@mkdir -p .build && touch $@

.tools/bin/uv:
	@$(PYTHON) -m venv .tools || { echo "python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

.PHONY: help
help:
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
