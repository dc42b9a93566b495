# The commands of this project. Each installs what it needs into the checkout's own environments.
SHELL := /bin/bash
BIN := .venv/bin
INSTALLED := .venv/installed
VLLM := .venv-vllm/installed
# What can be asked of compiled modules: tests that take a class apart or derive from one need the sources.
COMPILED_TESTS := tests/serving/test_compiled.py tests/serving/wire/test_server.py \
    $(addprefix tests/serving/router/test_,as_it_arrives.py budget.py circuit.py faithful.py kept.py limits.py \
    members.py moment.py policy.py shadow.py spool.py)
export PYTHON ?= python3
PYTEST = PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest
PYTEST_POLITELY = PATH="$(CURDIR)/$(BIN):$$PATH" nice -n 10 $(BIN)/pytest --numprocesses 2

.DEFAULT_GOAL := help
.PHONY: help install vllm browser prometheus compose check check-form check-types format test test-stacks test-compiled test-rooms demo models lock bench-router

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(INSTALLED) ## the rooms, the embedded engine and the tools, into .venv
$(INSTALLED): pyproject.toml requirements/lock.txt scripts/install
	@echo "installing into .venv …"
	@scripts/install

vllm: $(VLLM) ## real vLLM for the CPU, into .venv-vllm
$(VLLM): $(INSTALLED) requirements/vllm.txt scripts/vllm
	@echo "installing vLLM into .venv-vllm …"
	@scripts/vllm

browser: ## Chromium, for the console's tests
	@scripts/browser

prometheus: ## Prometheus and Alertmanager, for the tests of dashboards and alerts
	@scripts/prometheus

compose: $(INSTALLED) ## Docker Compose, which checks compose.yaml
	@scripts/compose

check: $(INSTALLED) ## formatting, lint, types, import contracts, architecture
	$(MAKE) --jobs 2 --output-sync=target check-form check-types

check-form:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pytest --quiet tests/architecture

check-types:
	$(BIN)/mypy

format: $(INSTALLED) ## put the code into form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(INSTALLED) $(VLLM) browser prometheus compose ## the whole suite: real engines, browser, PostgreSQL, Prometheus
	$(MAKE) --jobs 2 --output-sync=target test-stacks test-rooms

test-stacks: # journeys through every room, one at a time; they have right of way
	$(PYTEST) -m stack $$(grep --recursive --files-with-matches --include='test_*.py' mark.stack tests)

test-compiled: # not optimised: the tests are over before the C compiler would be
	OPTIMISE=0 nice -n 10 scripts/compile
	$(PYTEST_POLITELY) --override-ini pythonpath=.compiled $(COMPILED_TESTS)

test-rooms: test-compiled # what was asked of compiled modules is not asked again
	$(PYTEST_POLITELY) -m "not stack" $(addprefix --ignore=,$(COMPILED_TESTS))

demo: $(INSTALLED) $(if $(filter vllm,$(ENGINE)),$(VLLM)) ## the whole loop as a story (ONCE=1 ends after it; TRAIN=1 trains v1 first; ENGINE=vllm)
	$(BIN)/python -m examples.task_api.demo $(strip $(if $(ONCE),--once) $(if $(TRAIN),--train) $(if $(ENGINE),--engine $(ENGINE)))

models: $(INSTALLED) ## rebuild the example's base and adapters from nothing
	$(BIN)/python -m training build --out examples/task_api

bench-router: $(INSTALLED) ## the router beside its peers, half an hour (QUICK=1: 3 minutes; PEERS='ours,nginx mirror'; ROUNDS=n)
	@QUICK="$(QUICK)" scripts/bench-peers
	$(BIN)/python -m benchmarks.router $(if $(QUICK),--quick) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	    $(if $(PEERS),--peers "$(PEERS)")

lock: $(INSTALLED) ## resolve requirements/lock.txt anew
	$(BIN)/uv pip compile --quiet --python-version 3.11 --no-annotate --no-header --no-emit-package torch \
	    --no-emit-find-links pyproject.toml --extra engine --extra encoder --extra judge --extra tabular --extra ray --extra dev --output-file requirements/lock.txt
