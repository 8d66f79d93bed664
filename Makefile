# Two commands do all set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_DIR ?= runs/demo

.PHONY: demo test fuzz audit lint types check docs release-check clean

$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[train,report]'
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[test,dev]'
	$(BIN)/lianpu models fetch mediapipe || true  # without them their tests are skipped
	touch $@

demo: $(VENV)/.installed
	$(BIN)/lianpu demo --run-dir $(DEMO_DIR)

test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal  # two processes of one thread each: torch's threads only wait for each other on so small work

FUZZ_SECONDS ?= 3600
fuzz: $(VENV)/.installed-test  # broken inputs for an hour, then a kill and a full disk at each write
	OMP_NUM_THREADS=1 PYTHONPATH=. $(BIN)/python -m tests.robustness.fuzz --seconds $(FUZZ_SECONDS)
	OMP_NUM_THREADS=1 LIANPU_FUZZ=1 $(BIN)/python -m pytest -q tests/robustness/test_crashes.py --timeout 7200

audit: $(VENV)/.installed-test  # known holes of what is installed; a line says so where no index of them answers
	$(BIN)/python -m pip install --quiet pip-audit || true
	$(BIN)/python tests/robustness/audit.py

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

check: test lint types

.venv-docs/.installed: pyproject.toml  # apart from the others: a base installation and what writes the site
	test -x .venv-docs/bin/python || $(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --editable '.[docs]'
	touch $@

docs: .venv-docs/.installed  # the site, in build/site; a warning ends it
	.venv-docs/bin/mkdocs build --strict

TAG ?=
.venv-release/.installed:
	test -x .venv-release/bin/python || $(PYTHON) -m venv .venv-release
	.venv-release/bin/python -m pip install --quiet build twine
	touch $@

release-check: .venv-release/.installed  # wheel and source archive in dist, and what speaks against publishing them (TAG=v0.1.0: as that version)
	rm -rf dist
	.venv-release/bin/python -m build --outdir dist .
	.venv-release/bin/python tests/robustness/release.py dist $(TAG)
	.venv-release/bin/python -m twine check --strict dist/*

clean:
	rm -rf $(VENV) .venv-docs .venv-release build dist
