# PyTorch's optimizers in TypeScript, proven against PyTorch. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup conformance fuzz bench gpu-check test lint types format clean machine tensorflow oracle FORCE

# The rarest planted fault takes some thousand programs.
RUNS ?= $(if $(filter-out 0,$(FAULTS)),20000,2000)
TORCH ?= 2.15.0
BENCH ?= optimizer checkpoint
PYTHON ?= $(if $(filter 2.1.2,$(TORCH)),$(or $(shell command -v python3.11),python3),python3)
export PYTHON TORCH ORACLE_PYTHON TF_FLAVOR

# The oracle's Python: the environment that is made here, or one that was given.
REQUIREMENTS := python-oracle/requirements-torch-$(TORCH).txt
VENV := .venv$(if $(filter-out 2.15.0,$(TORCH)),-torch-$(TORCH))
ORACLE := $(or $(ORACLE_PYTHON),$(CURDIR)/$(VENV)/bin/python)

# All pairs of the exchange of checkpoints, torch 2.1.2 among them.
WITH_OLD := $(filter-out 0,$(EXCHANGE))

# Each step of set-up leaves a file that is written last.
PACKAGES := node_modules/.package-lock.json
BUILT := conformance/dist/.built
INSTALLED := $(if $(ORACLE_PYTHON),,$(VENV)/.installed)

# What the oracle's Python needs besides torch and the wire.
test: export TOOLS = pytest ruff
lint format: export TOOLS = ruff

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' Makefile | expand -t 20
	@echo
	@echo 'Variables: RUNS=2000 (20000 with FAULTS=1)  SEED=random  TORCH=2.15.0|2.1.2  FAULTS=1  EXCHANGE=1  TF_FLAVOR=cpu|gpu'
	@echo '           ORACLE_PYTHON=a Python that has torch  PYTHON=python3  BENCH=optimizer|checkpoint'

setup: tensorflow oracle ## download, compile and install all that the others need

# make turns every failure into its own exit status, 2; `npx torch-conformance verify` gives 1 for a difference and 2
# where it could not run.
conformance: setup ## check the optimizers against torch.optim, bit for bit
	@$(if $(WITH_OLD),$(MAKE) oracle TORCH=2.1.2 ORACLE_PYTHON= PYTHON=$(or $(shell command -v python3.11),python3))
	@node conformance/dist/cli.js $(if $(WITH_OLD),exchange --old,verify) --runs=$(RUNS) --python $(ORACLE) \
	  $(if $(filter file,$(origin TORCH)),,--torch $(TORCH)) \
	  $(if $(SEED),--seed=$(SEED)) $(if $(filter-out 0,$(FAULTS)),--faults)

fuzz: $(BUILT) oracle ## read 200,000 mutated checkpoints, and look for what must not come of any file
	@node conformance/dist/cli.js fuzz --python $(ORACLE) \
	  $(if $(filter-out file,$(origin RUNS)),--runs=$(RUNS)) $(if $(SEED),--seed=$(SEED))

bench: setup ## measure steps and checkpoints, beside torch, optax, tfjs and safetensors
	$(if $(filter-out optimizer checkpoint,$(BENCH)),$(error BENCH is optimizer or checkpoint (or both, the default)))
	@$(if $(filter optimizer,$(BENCH)),$(MAKE) .venv-bench/.installed || echo 'bench: optax is left out (see above)' >&2)
	@status=0; for name in $(BENCH); do \
	  node conformance/dist/bench/$$name/main.js --python $(ORACLE) || status=1; \
	done; exit $$status

# jax and optax have versions of NumPy of their own.
.venv-bench/.installed: python-oracle/requirements-bench.txt | machine
	@echo 'Python environment with jax and optax: 0.2 GB to download'
	@rm -rf .venv-bench
	@{ $(PYTHON) -m venv .venv-bench && .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check \
	  --no-deps --no-compile --require-hashes --requirement $<; } || { rm -rf .venv-bench; exit 1; }
	@touch $@

gpu-check: setup ## on a machine with an NVIDIA GPU: all that it is to show, kept in conformance/results/
	@node conformance/dist/gpu_check/main.js --python $(ORACLE) \
	  $(if $(filter-out file,$(origin RUNS)),--runs=$(RUNS)) $(if $(SEED),--seed=$(SEED))

# All parts run, also after a failure.
test: setup ## run all tests, lint and type checks
	@mkdir -p build/test; status=0; export ORACLE_PYTHON=$(ORACLE); \
	echo '== AVA'; node_modules/.bin/ava --no-color 2>&1 | tee build/test/ava.txt || status=1; \
	echo '== pytest'; $(ORACLE) -m pytest -q --junitxml=build/test/pytest.xml python-oracle/tests ts/native || status=1; \
	$(MAKE) lint types || status=1; \
	exit $$status

lint: $(PACKAGES) oracle ## check style: oxlint, prettier, ruff
	@echo '== lint'
	@node_modules/.bin/oxlint --deny-warnings
	@node_modules/.bin/prettier --check --log-level warn .
	@$(ORACLE) -m ruff check --quiet
	@$(ORACLE) -m ruff format --check --quiet

types: $(BUILT) oracle ## check types: tsc, pyright
	@echo '== types'
	@node_modules/.bin/pyright --pythonpath $(ORACLE)

format: $(PACKAGES) oracle ## format all sources
	@node_modules/.bin/prettier --write --log-level warn .
	@$(ORACLE) -m ruff check --quiet --fix
	@$(ORACLE) -m ruff format --quiet

clean: ## remove what is built; node_modules and the Python environments stay
	rm -rf build ts/dist conformance/dist

machine:
	@ts/native/check_machine.sh

$(PACKAGES): package-lock.json package.json ts/package.json conformance/package.json | machine
	@echo '[1/4] npm packages'
	@npm ci --ignore-scripts --fetch-retry-mintimeout=2000 --fetch-retry-maxtimeout=8000 || { echo 'set-up: npm could not install the packages: check the network (npm ping) and the disk (df -h .), and try again' >&2; exit 1; }
	@touch $@

# The directories are there too, so that a deleted source is noticed; what was built from it would still be tested.
$(BUILT): $(PACKAGES) tsconfig.json ts/tsconfig.json conformance/tsconfig.json $(shell find ts/src conformance/src)
	@echo '[2/4] TypeScript'
	@node_modules/.bin/tsc -b
	@find ts/dist conformance/dist -name '*.js' | while read -r file; do \
	  source=$${file/dist/src}; [[ -e $${source%.js}.ts ]] || rm "$${file%.js}".*; \
	done
	@touch $@

tensorflow: $(BUILT)
	@printf '[3/4] '
	@node ts/dist/cli/main.js setup-tensorflow

oracle: $(INSTALLED) | machine

# A link to a Python that is gone counts as no file.
$(VENV)/.installed: $(REQUIREMENTS) $(if $(wildcard $(VENV)/bin/python),,FORCE) | machine
	@echo '[4/4] Python environment with torch $(TORCH): 3 GB to download, a minute or more'
	@python-oracle/python_env.sh $(VENV) $(REQUIREMENTS)

python-oracle/requirements-torch-%.txt:
	@echo 'set-up: there are environments for TORCH=2.15.0 and TORCH=2.1.2; for another, ORACLE_PYTHON=path uses a Python that has it' >&2; exit 1
