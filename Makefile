# The commands of this project: `make help` lists them.
PYTHON ?= python3
VENV   := .venv
STAMP  := $(VENV)/.synced
OUT    ?= out
CLUSTER ?= dev
SAMPLE := data/sample

# A uv on PATH serves; where there is none, one is installed into .uv/, inside the project.
UV_ON_PATH := $(shell command -v uv 2>/dev/null)
UV := $(if $(UV_ON_PATH),$(UV_ON_PATH),.uv/bin/uv)
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)
export UV_PYTHON_DOWNLOADS := never

BIN := $(VENV)/bin
# The interpreter itself, not a link to it that may go away.
INTERPRETER = $(shell $(PYTHON) -c 'import os, sys; print(os.path.realpath(sys.executable))')
# An environment whose interpreter has gone is made anew.
$(if $(shell $(BIN)/python -c '' 2>/dev/null && echo alive),,$(shell rm -f $(STAMP)))
$(if $(shell .uv/bin/python -c '' 2>/dev/null && echo alive),,$(shell rm -rf .uv))
GRISTMILL := $(BIN)/gristmill

.DEFAULT_GOAL := help
.PHONY: bench bench-full bench-guard bench-manager bench-workflows clean docs emr-demo emr-deploy emr-down emr-logs emr-status emr-submit emr-up fmt help iceberg lint example manager-demo notebook package run s3 sample screenshots setup soak test test-browser test-fast test-more test-real test-s3 types wheel

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Install everything into .venv/ (nothing outside this folder)

.uv/bin/uv: | python
	@echo "No uv on this machine: installing one into .uv/"
	@$(INTERPRETER) -m venv .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check uv

.PHONY: python
python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Gristmill needs Python 3.11 to 3.13; '$(PYTHON)' is another. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }

$(STAMP): pyproject.toml uv.lock | python $(if $(UV_ON_PATH),,.uv/bin/uv)
	@echo "Installing into $(VENV)/ …"
	@$(UV) sync --quiet --locked --extra manager --python $(INTERPRETER)
	@cd $(VENV)/lib/python3.*/site-packages && \
	  ../../../bin/python -m compileall -q -j 0 fsspec numpy polars psutil py4j pyarrow pyspark rich
	@$(BIN)/python -m compileall -q -j 0 lib/gristmill
	@touch $@

run: setup ## Run the three jobs on the sample data and show what came out, in out/
	$(GRISTMILL) run word-count --input $(SAMPLE)/text --output $(OUT) --corpus sample \
	  then access-logs --input $(SAMPLE)/logs --output $(OUT) \
	  then traffic-summary --input $(OUT) --output $(OUT)
	$(GRISTMILL) head $(OUT)/word_counts
	$(GRISTMILL) head $(OUT)/traffic_hourly
	$(GRISTMILL) rejects $(OUT)

# What Java takes to start Spark sooner: made once, in a minute, and worth it before many starts.
.PHONY: classes
classes: setup
	@-$(BIN)/python -m gristmill.warm.archive

test: setup classes ## Run the tests
	$(BIN)/pytest -n 3 --dist worksteal -m "not thorough"

test-more: setup classes ## Run the same on more data, also of real files and on S3 (over an hour)
	$(BIN)/pytest -n 2 --dist worksteal -m thorough tests/unit tests/manager tests/workflow tests/ui tests/crash tests/spark tests/acceptance tests/notebooks tests/real
	GRISTMILL_TEST_WARM=0 $(BIN)/pytest -n 2 --dist worksteal -m "not thorough" tests/acceptance
	@$(UV) sync --quiet --locked --inexact --extra s3 --group aws
	$(BIN)/pytest -n 2 --dist worksteal -m thorough tests/aws

test-real: setup classes ## Run the tests on real files (GRISTMILL_DATA names their folder)
	$(BIN)/pytest -n 2 --dist worksteal -m "not thorough" tests/real

test-fast: setup ## Run the tests that need no Spark (seconds)
	$(BIN)/pytest -n 2 tests/unit

# A notebook begins with Spark as `spark`, and a link to its pages, as %load_ext gristmill gives.
notebook: setup ## Open the notebooks in JupyterLab, which is fetched for it, with Spark ready
	@mkdir -p .cache/ipython/profile_default
	@echo 'c.InteractiveShellApp.extensions = ["gristmill"]' > .cache/ipython/profile_default/ipython_config.py
	IPYTHONDIR=$(CURDIR)/.cache/ipython $(UV) run --quiet --locked --no-sync --with jupyterlab jupyter lab notebooks

screenshots: setup ## Make the pictures of README and docs anew, in Chromium
	@$(UV) sync --quiet --locked --inexact --group browser
	$(BIN)/python docs/screenshots.py

s3: setup ## Install what s3:// takes: s3fs for looking, and Spark's connector (11 MB)
	$(UV) sync --quiet --locked --inexact --extra s3
	@echo "Fetching Spark's connector …"
	@$(BIN)/python -m gristmill.spark.s3a

iceberg: setup ## Install what tables of Iceberg take: pyiceberg, and its runtime for Spark (48 MB)
	$(UV) sync --quiet --locked --inexact --extra iceberg
	@echo "Fetching Iceberg's runtime for Spark …"
	@$(BIN)/python -m gristmill.spark.iceberg

test-s3: setup classes ## Run the tests against an S3 server on this machine (minutes)
	@if $(UV) sync --quiet --locked --inexact --extra s3 --group aws; then \
	  $(BIN)/pytest -n 2 --dist worksteal -m "not thorough" tests/aws; \
	elif [ -n "$$CI" ]; then exit 1; \
	else echo "SKIPPED: the tests on S3 did NOT run, as what they need could not be installed" >&2; fi

# Debian's, where we may install it; elsewhere whoever runs this does, or names one in CHROMIUM.
test-browser: setup ## Run the tests in a real browser (a minute)
	@if [ -n "$$CI" ] && ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null; fi
	@$(UV) sync --quiet --locked --inexact --group browser
	$(BIN)/pytest -n 2 --dist worksteal tests/browser

WHICH_JOB = say which: make emr-submit JOB=access-logs ARGS="--input s3://… --output s3://…"
WHICH_RUN = say which: make emr-logs RUN=…, and make emr-status lists them

emr-deploy: setup ## Make what EMR needs in your AWS account (docs/emr-account.md says with what ARGS)
	$(GRISTMILL) emr deploy $(ARGS)

emr-up: setup ## Make the cluster CLUSTER (default: dev) of emr/clusters on EMR
	$(GRISTMILL) emr up --cluster $(CLUSTER)

emr-submit: setup ## Run JOB with ARGS on CLUSTER, and come back with the answer (FLAGS="--transient")
	$(GRISTMILL) emr submit --cluster $(CLUSTER) $(FLAGS) $(or $(JOB),$(error $(WHICH_JOB))) $(ARGS)

emr-status: setup ## List the newest runs on EMR, or show RUN
	$(GRISTMILL) emr status --cluster $(CLUSTER) $(RUN)

emr-logs: setup ## Show the logs of RUN
	$(GRISTMILL) emr logs --cluster $(CLUSTER) $(or $(RUN),$(error $(WHICH_RUN)))

emr-down: setup ## End the cluster CLUSTER
	$(GRISTMILL) emr down --cluster $(CLUSTER)

emr-demo: setup ## See a job go to EMR and come back, without AWS: all of it runs on this machine
	@$(UV) sync --quiet --locked --inexact --extra s3 --group aws
	@$(BIN)/python -m simulator.demo

example: setup ## Run an example of a workflow: make example NAME=donut-shop
	$(BIN)/python -m examples.run $(or $(NAME),donut-shop)

manager-demo: setup ## See the job manager at work: workers, an array, a step on EMR, a kill -9
	@$(UV) sync --quiet --locked --inexact --extra s3 --extra manager --group aws
	@$(BIN)/python -m simulator.manager_demo

bench-guard: setup ## See that kernels are as fast beside DuckDB as they were (a minute)
	$(BIN)/python benchmarks/guard.py --data .cache/bench

bench: setup ## Time the jobs beside DuckDB, Polars and plain PySpark (a quarter of an hour)
	$(BIN)/python benchmarks/bench.py --rounds 2 --megabytes 300

bench-full: setup ## The same on 2 GB, three times each (hours)
	$(BIN)/python benchmarks/bench.py --rounds 3 --megabytes 2000

bench-manager: setup ## Time the job manager's queue beside procrastinate, pgqueuer, dbos and huey
	@$(UV) venv --quiet --allow-existing --python $(INTERPRETER) .cache/peers
	@VIRTUAL_ENV=.cache/peers $(UV) pip install --quiet "procrastinate==3.10.0" "pgqueuer==1.6.0" "dbos==3.4.0" "huey==3.5.4" asyncpg
	@PYTHONPATH=. $(BIN)/python benchmarks/manager.py --peers .cache/peers/bin/python

bench-workflows: setup ## Time transitions of workflows beside moto's interpreter and dbos
	@$(UV) venv --quiet --allow-existing --python $(INTERPRETER) .cache/peers
	@VIRTUAL_ENV=.cache/peers $(UV) pip install --quiet "dbos==3.4.0" "psycopg[binary]"
	@$(UV) sync --quiet --locked --inexact --extra manager --group aws
	@PYTHONPATH=. $(BIN)/python benchmarks/workflows.py --peers .cache/peers/bin/python

soak: setup ## Kill runs at random for ten minutes, then workers (SEED=1 ROUNDS=240 RUNS=10000)
	$(BIN)/python -m tests.crash.matrix $(or $(TMPDIR),/tmp)/gristmill-soak $(or $(SEED),1) $(or $(ROUNDS),240)
	$(BIN)/python -m tests.crash.matrix $(or $(TMPDIR),/tmp)/gristmill-soak $(or $(SEED),1) $(or $(TABLE_ROUNDS),24) iceberg
	$(BIN)/python -m tests.manager.matrix --runs $(or $(RUNS),10000) --seed $(or $(SEED),1)
	@$(UV) sync --quiet --locked --inexact --extra s3 --extra manager --group aws
	$(BIN)/python -m tests.manager.faults --seed $(or $(SEED),1)

docs: setup ## Make the site of the documentation in .cache/site, its links checked
	@$(UV) sync --quiet --locked --inexact --group docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "the site: .cache/site/index.html; to look at it: $(BIN)/mkdocs serve"

lint: setup ## Check style and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache

types: setup ## Check types, strictly
	$(BIN)/mypy

fmt: setup ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

sample: setup ## Make the committed sample data again (seeded: the same bytes)
	$(GRISTMILL) sample $(SAMPLE)

package: setup ## Build what a cluster is given into dist/, and try it on the cluster's Python
	$(BIN)/python -m gristmill.emr.package dist $(ARGS)

wheel: setup ## Build the wheel into dist/
	$(UV) build --quiet --wheel

clean: ## Remove what this Makefile made
	rm -rf $(VENV) .uv .cache .hypothesis dist $(OUT)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
