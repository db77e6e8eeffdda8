# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# All development commands. Developers, .ci/run and the workflows use these targets. `make` lists them.
# Settings: PYTHON=/path/to/python3 instead of the newest Python found, FRESHPULL_CACHE for another cache directory.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

ready := .venv/.ready
# A root shell of `su` has no sbin in its PATH.
export PATH := $(CURDIR)/.venv/bin:$(PATH):/usr/sbin:/sbin
# A skipped test is a failure: see tests/conftest.py.
export FRESHPULL_NO_SKIPS := true
tools := tests/tools

# Packages come before .venv: Python is one of them.
.NOTPARALLEL:
.PHONY: help test test-full lint sanity unit galaxy artifact docs oldest cluster integration e2e molecule readme demo bench soak \
    newcomer matrix lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

test: need-test $(ready) ## Run the tests for every change: all stages, of e2e and molecule only the tests marked core
	@python $(tools)/stages.py core

test-full: need-test $(ready) ## Run all tests, also with the oldest versions (an hour or more)
	@python $(tools)/stages.py full

lint: need-lint $(ready) ## Run linters and mypy
	@$(tools)/lint.sh

sanity: need-lint $(ready) ## Run ansible-test sanity, without ignore files
	@$(tools)/sanity.sh

unit: need-unit $(ready) ## Run unit tests
	@python -m pytest -n 2 --dist loadfile tests/unit $(ARGS)

galaxy: need-galaxy $(ready) ## Build the artifact, import it as Galaxy does, and install it
	@$(tools)/galaxy.sh $(ARGS)

artifact: need-unit $(ready) ## Build the artifact for Galaxy in build/: REPOSITORY=https://… (its public address); TAG=… for a release
	@python $(tools)/artifact.py "$(REPOSITORY)" "$(TAG)"

docs: need-unit $(ready) ## Build the documentation site, check its links and look at each page in Chromium; TIER=core without Chromium
	@$(tools)/docs.sh $(ARGS)

oldest: need-cluster $(ready) ## Run unit and integration tests and the search for secrets with the oldest supported versions
	@$(tools)/oldest.sh $(ARGS)

cluster: need-cluster $(ready) ## Build the test cluster (minutes the first time, then cached)
	@$(tools)/cluster.sh

integration: need-cluster $(ready) ## Run ansible-test integration with a real API server and a fake AWS
	@$(tools)/integration.sh $(ARGS)

e2e: need-e2e $(ready) ## Run tests on a real node (without root only those that need no node); TIER=core for those of make test
	@$(tools)/e2e.sh $(ARGS)

molecule: need-cluster $(ready) ## Run molecule scenarios of the role on a real node; TIER=core for those of make test
	@$(tools)/molecule.sh $(ARGS)

readme: need-cluster $(ready) ## Follow the quick start of README.md on a real node, with the collection as users install it
	@$(tools)/readme.sh

demo: need-cluster $(ready) ## Show the collection at work; KUBECONFIG=… CONFIRM=<its context> and AWS keys for your own cluster
	@$(tools)/demo.sh

bench: need-bench $(ready) ## Compare the module with other ways to write pull secrets (half an hour; SIZES='1 10' for a quick run)
	@$(tools)/bench.sh $(SIZES)

soak: need-cluster $(ready) ## Run six days of the refresher in 20 minutes, with AWS down for a third of the time (needs root)
	@$(tools)/soak.sh

newcomer: need-cluster $(ready) ## Run make demo and make test in new Debian and Ubuntu systems (hours; needs root); CELL=… for one of them
	@PYTHONPATH=tests python -m newcomer "$(CELL)"

matrix: need-test $(ready) ## Run the tests with other versions of Ansible, Python and Kubernetes (hours); CELL=… for one cell
	@$(tools)/matrix.sh $(CELL)

lock: need-unit $(ready) ## Update the locked versions of tests/requirements*.in
	@$(tools)/lock.sh

clean: ## Remove the files that the tools created in the checkout (the cache outside stays)
	@rm -rf .venv .cache .ansible .mypy_cache .pytest_cache .ruff_cache build tests/output
	@find . -name __pycache__ -prune -exec rm -rf {} +

need-%:
	@$(tools)/need.sh $*

# Touched by the script when the environment is complete.
$(ready): tests/requirements.txt $(tools)/venv.sh
	@$(tools)/venv.sh
