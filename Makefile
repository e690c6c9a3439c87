.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where the lock is newer than the stamp, the environment is made again.
STAMP := $(VENV)/.installed

LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.PHONY: help setup lock

help: ## What can be made here
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## The virtual environment, from the hashed lock

$(STAMP): requirements/dev.txt pyproject.toml
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { echo "Python's venv is needed (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "archiver needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock: $(STAMP) ## Resolve the dependencies anew
	$(LOCK) pyproject.toml -o requirements/run.txt
	$(LOCK) pyproject.toml --extra demo --group dev -o requirements/dev.txt

.PHONY: demo check test test-older test-fast test-image bench cluster image controlplane e2e-node e2e-pods e2e-machine e2e-kind

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
# The archive that `make image` makes, and the name of the image in it. Another archive: IMAGE=…
ARCHIVE := dist/kubernaut-archiver-$(VERSION).oci.tar
IMAGE ?= $(ARCHIVE)
IMAGE_NAME ?= kubernaut-archiver:$(VERSION)
# What is in the image; folders too, so that a file that went is missed.
IMAGE_SOURCES := pyproject.toml README.md requirements/run.txt \
	$(shell find archiver/ image/ -name __pycache__ -prune -o -print)
# Ours is made anew where it is older than that; one that somebody names is taken as it is.
BUILDS_IMAGE = $(if $(filter $(ARCHIVE),$(IMAGE)),--build-image)
# Where the archive cannot be made, Docker makes the image, of which kind has need anyway.
BY_DOCKER = $(if $(BUILDS_IMAGE),$(DOCKER)$(shell $(BIN)/python -m image --check 2>&1 || echo docker))

demo: $(STAMP) ## The main job on an embedded PostgreSQL and sample resources, no cluster needed
	@$(BIN)/python -m demo

check: $(STAMP) ## Format, lint, types, layers, documents and manifests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/unit/docs tests/unit/deploy tests/unit/test_settings.py

controlplane: $(STAMP) ## The binaries of the test control plane (built once, then cached)
	@$(BIN)/python -m tests.controlplane build

# What needs a cluster with a node: e2e-node, e2e-kind.
NO_NODE := --ignore tests/e2e/node --ignore tests/e2e/machine
# What another release of Kubernetes can change.
OF_A_RELEASE := -m "not same_on_all_releases"

# One process for each core, each with servers of its own; the tests of one file stay together, and
# files start as they come: xdist would begin with those that have many tests, not with the longest.
WORKERS ?= logical
AT_ONCE := --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder

# By env, not by a shell: that would not pass on the signal that ends make.
test: $(STAMP) controlplane ## Every test that needs no node and no image, on both releases of Kubernetes
	$(BIN)/coverage erase
	env COVERAGE_PROCESS_START=pyproject.toml $(BIN)/python -m pytest $(AT_ONCE) tests/integration tests/contract tests/unit
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include='archiver/domain/*,archiver/pipeline.py,archiver/ahead.py,archiver/storing.py,archiver/marking.py,archiver/settling.py,archiver/backlog.py,archiver/pending.py,archiver/read_back.py,archiver/limits.py,archiver/kept.py,archiver/pretend.py,archiver/sharding.py' --fail-under=100
	$(BIN)/python -m pytest $(AT_ONCE) tests/e2e $(NO_NODE)
	$(MAKE) test-older

test-older: $(STAMP) ## The end-to-end tests on the Kubernetes release three minors older
	env KUBERNETES_VERSION=1.34 $(BIN)/python -m tests.controlplane build
	env KUBERNETES_VERSION=1.34 $(BIN)/python -m pytest $(AT_ONCE) tests/e2e $(NO_NODE) $(OF_A_RELEASE)

test-fast: $(STAMP) ## The tests that start no server
	$(BIN)/python -m pytest $(AT_ONCE) tests/unit

cluster: $(STAMP) ## A control plane to look around in; with a node and our image on it: make cluster NODE=1
ifdef NODE
	@$(BIN)/python -m tests.node needs $(BUILDS_IMAGE)
	@$(MAKE) --no-print-directory --quiet $(IMAGE)
	@$(BIN)/python -m tests.node up --image $(IMAGE)
else
	@$(BIN)/python -m tests.controlplane up
endif

e2e-node: e2e-pods e2e-machine ## The image in pods, on a node of our own, and what is left of it (Linux, root)

# With -j2 beside one another: the first one waits for clocks and containers most of the time.
e2e-pods: $(STAMP) ## The first half of e2e-node
	@$(BIN)/python -m tests.node needs $(BUILDS_IMAGE)
	@$(MAKE) --no-print-directory --quiet $(IMAGE)
	$(BIN)/python -m tests.node run --image $(IMAGE) -- $(BIN)/python -m pytest tests/e2e/node

e2e-machine: $(STAMP) ## The other half
	@$(BIN)/python -m tests.node needs
	$(BIN)/python -m pytest tests/e2e/machine

e2e-kind: $(STAMP) ## The same, and all end-to-end tests that any cluster allows, on kind (Docker and kind)
	@$(BIN)/python -m tests.node.kind needs
	@$(MAKE) --no-print-directory --quiet $(if $(BY_DOCKER),image DOCKER=docker,$(IMAGE))
	$(BIN)/python -m tests.node.kind run $(if $(BY_DOCKER),,--archive $(IMAGE)) --name $(IMAGE_NAME) -- $(BIN)/python -m pytest tests/e2e --ignore tests/e2e/machine

bench: $(STAMP) controlplane ## Against the bare API server and PostgreSQL; more: make bench N="1000 10000 50000" ROWS=10000000
	$(BIN)/python -m bench $(N)
	$(BIN)/python -m bench.stages
	$(BIN)/python -m bench.latency
	$(BIN)/python -m bench.reading $(if $(ROWS),--rows $(ROWS))

image: $(STAMP) ## The release image as an OCI archive, without Docker; with it: make image DOCKER=docker
ifdef DOCKER
	arguments=$$($(BIN)/python -m image --build-args) && $(DOCKER) build --tag $(IMAGE_NAME) $$arguments .
else
	@$(BIN)/python -m image
endif

$(ARCHIVE): $(IMAGE_SOURCES) | $(STAMP)
	@$(BIN)/python -m image --output $@

$(filter-out $(ARCHIVE),$(IMAGE)):
	@echo "IMAGE=$@ names no file: it takes an OCI archive, such as make image writes" >&2; exit 1

test-image: $(STAMP) ## The image, built twice and run as in a pod (Debian, root)
	$(BIN)/python -m pytest tests/image
