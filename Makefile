# All development commands. Developers, .ci/run and the workflows use these targets. `make` lists them.
# Settings: PYTHON=/path/to/python3 instead of the newest Python found, FRESHPULL_CACHE for another cache directory.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

ready := .venv/.ready
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# A skipped test is a failure: see tests/conftest.py.
export FRESHPULL_NO_SKIPS := true
tools := tests/tools

.PHONY: help test test-full lint sanity unit oldest cluster integration e2e molecule demo bench soak matrix lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

test: $(ready) ## Run the tests for every change: all stages, of e2e and molecule only the tests marked core
	@python $(tools)/stages.py core

test-full: $(ready) ## Run all tests, also with the oldest versions (an hour or more)
	@python $(tools)/stages.py full

lint: $(ready) ## Run linters and mypy
	@$(tools)/need.sh lint
	@$(tools)/lint.sh

sanity: $(ready) ## Run ansible-test sanity, without ignore files
	@$(tools)/need.sh lint
	@$(tools)/sanity.sh

unit: $(ready) ## Run unit tests
	@$(tools)/need.sh unit
	@python -m pytest -n 2 --dist loadfile tests/unit $(ARGS)

oldest: $(ready) ## Run unit and integration tests and the search for secrets with the oldest supported versions
	@$(tools)/need.sh cluster
	@$(tools)/oldest.sh $(ARGS)

cluster: $(ready) ## Build the test cluster (minutes the first time, then cached)
	@$(tools)/need.sh cluster
	@$(tools)/cluster.sh

integration: $(ready) ## Run ansible-test integration with a real API server and a fake AWS
	@$(tools)/need.sh cluster
	@$(tools)/integration.sh $(ARGS)

e2e: $(ready) ## Run tests on a real node (without root only those that need no node); TIER=core for those of make test
	@$(tools)/need.sh e2e
	@$(tools)/e2e.sh $(ARGS)

molecule: $(ready) ## Run molecule scenarios of the role on a real node; TIER=core for those of make test
	@$(tools)/need.sh cluster
	@$(tools)/molecule.sh $(ARGS)

demo: $(ready) ## Show the collection at work; KUBECONFIG=… CONFIRM=<its context> and AWS keys for your own cluster
	@$(tools)/need.sh cluster
	@$(tools)/demo.sh

bench: $(ready) ## Compare the module with other ways to write pull secrets (half an hour; SIZES='1 10' for a quick run)
	@$(tools)/need.sh cluster
	@$(tools)/need.sh bench
	@$(tools)/bench.sh $(SIZES)

soak: $(ready) ## Run six days of the refresher in 20 minutes, with AWS down for a third of the time (needs root)
	@$(tools)/need.sh cluster
	@$(tools)/soak.sh

matrix: $(ready) ## Run the tests with other versions of Ansible, Python and Kubernetes (hours); CELL=… for one cell
	@$(tools)/need.sh lint
	@$(tools)/need.sh e2e
	@$(tools)/matrix.sh $(CELL)

lock: $(ready) ## Update the locked versions of tests/requirements*.in
	@$(tools)/lock.sh

clean: ## Remove the files that the tools created in the checkout (the cache outside stays)
	@rm -rf .venv .cache .ansible .mypy_cache .pytest_cache .ruff_cache build tests/output
	@find . -name __pycache__ -prune -exec rm -rf {} +

# Touched by the script when the environment is complete.
$(ready): tests/requirements.txt $(tools)/venv.sh
	@$(tools)/venv.sh
