# make demo   set up an environment and run the whole idea once
# make test   set up an environment and run the tests (make test-all: the slow ones too)
# make check  format, lint and types
# make docs   build the documentation site in docs/_build, without network
# make proofs have Coq check the theorems, if it is installed
# make wheels PYTHON_VERSION=3.12   files in wheels/ for a machine without a package index
# make peers  an environment of other libraries, for `python -m experiments speed --peers`
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Two processes, neighbouring tests in one: the tests of a loss share its programs.
PARALLEL := -n 2 --dist worksteal
export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.cache/jax

.PHONY: demo test test-all check docs proofs wheels peers clean

demo: $(VENV)/.ready
	$(BIN)/jaxseg demo

# Networks compile in a fifth of the time at level 1; test-all compiles as users do.
test: export XLA_FLAGS := --xla_backend_optimization_level=1 $(XLA_FLAGS)
test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest $(PARALLEL)

test-all: $(VENV)/.ready-dev
	$(BIN)/python -m pytest $(PARALLEL) -m "slow or not slow"

check: $(VENV)/.ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

docs: $(VENV)/.ready-dev
	mkdir -p docs/_static
	$(BIN)/python -m figures explorer --out docs/_static
	$(BIN)/python -m sphinx -q -W --keep-going -c docs . docs/_build
	@echo "docs/_build/docs/index.html"

proofs:
	@command -v coqc > /dev/null || { echo "proofs are checked by Coq: \
	apt-get install --no-install-recommends coq libcoq-coquelicot"; exit 1; }
	@$(MAKE) --no-print-directory $(VENV)/.ready
	$(BIN)/python -m theory proofs

# For a machine that has JAX, with CUDA perhaps: all else, for Linux on x86-64.
PYTHON_VERSION ?= 3.12
GLIBC := 17 24 27 28 31 34
wheels: $(BIN)/python
	rm -rf wheels && mkdir -p wheels .cache
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir wheels .
	$(BIN)/python -c "import sys; from pip._vendor.packaging.requirements import \
	Requirement as R; [print(r.name + str(r.specifier)) for r in map(R, (x.strip() for x \
	in open('constraints.txt') if x[0] != '#')) if r.marker is None or \
	r.marker.evaluate({'python_version': '$(PYTHON_VERSION)'})]" > .cache/constraints.txt
	$(BIN)/python -m pip download --quiet --dest wheels --only-binary=:all: \
	  --python-version $(PYTHON_VERSION) --implementation cp --platform any \
	  --platform manylinux2014_x86_64 \
	  $(foreach v,$(GLIBC),--platform manylinux_2_$(v)_x86_64) \
	  -c .cache/constraints.txt "jaxseg[all] @ file://$(CURDIR)/$$(ls wheels/jaxseg-*.whl)"
	rm -f wheels/jax-*.whl wheels/jaxlib-*.whl
	@du -sh wheels

peers:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet torch==2.13.0
	.venv-peers/bin/python -m pip install --quiet monai==1.6.1 exacta==0.0.1a5 \
	  scipy edt==3.1.2
	.venv-peers/bin/python -m pip install --quiet --no-deps \
	  segmentation-models-pytorch==0.6.0 \
	  medpy==0.5.2 simpleitk==2.5.7 surface-distance==0.1 absl-py==2.5.1 \
	  efficientnet-lite-pytorch==0.1.0

clean:
	rm -rf $(VENV) .venv-peers wheels .cache .pytest_cache .ruff_cache build docs/_build docs/_static *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "jaxseg needs Python 3.11 or newer: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.ready: $(BIN)/python pyproject.toml setup.py constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[all]"
	touch $@

$(VENV)/.ready-dev: $(BIN)/python pyproject.toml setup.py constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@ $(VENV)/.ready
