# Two commands matter: `make demo` and `make test`. Each sets up what it needs, without root, Docker or configuration.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check bench setup pages

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a living construction site in the browser (ARGS="--help" lists its options)
	@$(PYTHON) scripts/setup.py demo
	@$(BIN)/sitewarden demo $(ARGS)

test: ## every test; says at the end what it left out and why (ARGS="-k outbox" selects)
	@$(PYTHON) scripts/setup.py test
	@$(BIN)/python scripts/test.py $(ARGS)

check: ## style, types and the borders between the packages
	@$(PYTHON) scripts/setup.py check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: ## the benchmarks, figures also in bench/results.json (QUICK=1 for a short run)
	@$(PYTHON) scripts/setup.py test
	@$(BIN)/python -m bench $(if $(filter-out 0,$(QUICK)),--quick) $(ARGS)

setup: ## only the set-up: environment, dependencies, web pages
	@$(PYTHON) scripts/setup.py test

pages: ## only the web pages
	@$(PYTHON) scripts/setup.py pages
