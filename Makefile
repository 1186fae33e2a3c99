# PYTHON3 may name another interpreter: make test PYTHON3=python3.13
PYTHON3 ?= python3
# Extras that the tests and the example site need, comma separated.
EXTRAS := flask,django,redis,s3,azure,gcs
# More arguments for pytest: make test ARGS="-k keys"
ARGS ?=
# How many processes run the tests, each with test servers of its own.
WORKERS ?= 2

PYTHON := .venv/bin/python
READY := .venv/.ready
INSTALL := --quiet --group dev --editable '.[$(EXTRAS)]'

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test check stress bench docs clean browser servers versions

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(READY) ## Serve the example site (on another store: make run STORE=<url>)
	@$(PYTHON) -m example_site $${STORE:+--store "$$STORE"}

test: $(READY) browser servers versions ## Run the tests, after installing what they need
	$(PYTHON) -m pytest --numprocesses $(WORKERS) --dist loadscope $(ARGS)

check: $(READY) ## Check format, lint and types
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m ruff check
	$(PYTHON) -m mypy

stress: $(READY) browser servers versions ## Run the long repetitions that `make test` leaves out
	$(PYTHON) -m pytest -m stress $(ARGS)

bench: $(READY) servers ## Measure against the bare calls and print ratios
	$(PYTHON) -m benchmarks

docs: $(READY) ## Make a site of the documentation: build/docs/index.html
	$(PYTHON) -m sphinx -q -E -W --keep-going docs build/docs
	$(PYTHON) tools/links.py build/docs

clean: ## Remove .venv, caches and builds; data/ and instance/ are yours and stay
	rm -rf .venv .upstream .versions build dist test-results tools/azurite/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . \( -path ./data -o -path ./instance -o -path ./.git \) -prune \
		-o -type d -name __pycache__ -prune -exec rm -rf {} +

browser: $(READY)
	@$(PYTHON) tools/browser.py

servers: $(READY)
	@$(PYTHON) tools/servers.py

versions: $(READY)
	@$(PYTHON) tools/versions.py

# The stamp lies inside .venv, so that removing the one removes the other.
# pip reads --group from 25.1 on, and a new environment holds an older one.
# Where uv fails, pip may still succeed: the two read different settings.
$(READY): pyproject.toml
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "minimalkv needs Python 3.11 or newer as $(PYTHON3):" \
			"install one, or name it with make PYTHON3=<path>." >&2; exit 1; }
	@test -x $(PYTHON) || $(PYTHON3) -m venv --clear .venv
	@echo "Setting up .venv ..."
	@{ command -v uv >/dev/null && uv pip install --python $(PYTHON) $(INSTALL); } || { \
		$(PYTHON) -m pip install --quiet --upgrade 'pip>=25.1' && \
		$(PYTHON) -m pip install $(INSTALL); }
	@touch $@
