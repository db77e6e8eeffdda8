# The one front door: people, .ci/run and the workflows all come in here. `make` alone lists what there is.
# Settings: PYTHON=/path/to/python3 for another Python than the newest found, FRESHPULL_CACHE for another cache folder.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

ready := .venv/.ready
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# A test that is skipped did not test: see tests/conftest.py.
export FRESHPULL_NO_SKIPS := true
tools := tests/tools

.PHONY: help test test-full lint sanity unit oldest cluster integration e2e molecule demo bench soak lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

test: $(ready) ## What every change must pass: lint to unit, integration and demo, and of e2e and molecule the tests marked core
	@python $(tools)/stages.py core

test-full: $(ready) ## All tests, those with the oldest versions included (an hour or more)
	@python $(tools)/stages.py full

lint: $(ready) ## Linters and types
	@$(tools)/need.sh lint
	@$(tools)/lint.sh

sanity: $(ready) ## ansible-test sanity, without a single exception
	@$(tools)/need.sh lint
	@$(tools)/sanity.sh

unit: $(ready) ## Unit tests
	@$(tools)/need.sh unit
	@python -m pytest -n 2 --dist loadfile tests/unit $(ARGS)

oldest: $(ready) ## Unit and integration tests with the oldest versions that are claimed to work
	@$(tools)/need.sh cluster
	@$(tools)/oldest.sh $(ARGS)

cluster: $(ready) ## Build the test cluster (minutes the first time, kept in the cache)
	@$(tools)/need.sh cluster
	@$(tools)/cluster.sh

integration: $(ready) ## ansible-test integration against a real API server and a fake AWS
	@$(tools)/need.sh cluster
	@$(tools)/integration.sh $(ARGS)

e2e: $(ready) ## Tests on a real node (needs root; without it those that need the API server only); TIER=core for those of make test
	@$(tools)/need.sh e2e
	@$(tools)/e2e.sh $(ARGS)

molecule: $(ready) ## The role's molecule scenarios on a real node; TIER=core for those of make test
	@$(tools)/need.sh cluster
	@$(tools)/molecule.sh $(ARGS)

demo: $(ready) ## See it all work; with KUBECONFIG=… CONFIRM=<its context> and AWS keys on a cluster of yours
	@$(tools)/need.sh cluster
	@$(tools)/demo.sh

bench: $(ready) ## Measure the module against other ways to do it (half an hour; SIZES='1 10' for a quick look)
	@$(tools)/need.sh cluster
	@$(tools)/need.sh bench
	@$(tools)/bench.sh $(SIZES)

soak: $(ready) ## Six days of the refresher in 20 minutes, with AWS down for a third of them (needs root)
	@$(tools)/need.sh cluster
	@$(tools)/soak.sh

lock: $(ready) ## Resolve tests/requirements.in anew
	@$(tools)/lock.sh

clean: ## Remove what the tools made in the checkout (the cache outside it stays)
	@rm -rf .venv .cache .ansible .mypy_cache .pytest_cache .ruff_cache build tests/output
	@find . -name __pycache__ -prune -exec rm -rf {} +

# Touched by the script when the environment is complete.
$(ready): tests/requirements.txt $(tools)/venv.sh
	@$(tools)/venv.sh
