# make demo    open the sample slide (without a display: write pictures of it)
# make test    lint, type check, import contracts, manifest, whole test suite
# make lint    the checks alone
# make bench   timings; REPEATS=5 is how often each way to pan and zoom is tried
# make soak    slow and destructive trials
# make clean   remove what these made, the environment included
#
# Each makes the environment first if it is missing or older than the two files that
# describe it. PYTHON=... names the interpreter to start from.

VENV := .venv
BIN := $(VENV)/bin
SETUP := pyproject.toml constraints.txt
WINDOW := .ci/with-display
PYTEST := $(BIN)/python -m pytest
export PYTHON
REPEATS ?= 5

.PHONY: demo test lint bench soak clean system

demo: $(VENV)/.demo-ready system
	.ci/demo $(BIN)

test: $(VENV)/.dev-ready system lint
	$(WINDOW) --limit 2700 $(PYTEST)

lint: $(VENV)/.dev-ready
	.ci/lint $(BIN)

bench: $(VENV)/.dev-ready system
	$(WINDOW) $(PYTEST) tests/benchmarks --benchmark-enable --benchmark-only
	$(BIN)/python tests/benchmarks/panzoom.py --repeats $(REPEATS)

soak: $(VENV)/.dev-ready system
	$(WINDOW) $(PYTEST) -m soak

clean:
	rm -rf $(VENV) build dist demo_output .cache .benchmarks .hypothesis \
		.mypy_cache .pytest_cache .ruff_cache .import_linter_cache

system:
	@.ci/system-packages

$(VENV)/.demo-ready: $(SETUP)
	.ci/venv $(VENV) all
	touch $@

# The environment for tests holds all that the demo needs.
$(VENV)/.dev-ready: $(SETUP)
	.ci/venv $(VENV) dev
	touch $@ $(VENV)/.demo-ready
