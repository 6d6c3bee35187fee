# meshscope: two commands matter, `make demo` and `make test`. Both set a fresh Debian machine up.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
APT    := $(if $(filter 0,$(shell id -u)),,sudo )apt-get
ARGS   ?=

TEST_PACKAGES := prometheus prometheus-alertmanager chromium

.PHONY: help setup demo secrets test test-fast test-long check format generate bench lock vendor clean

help: ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(VENV)/.installed $(VENV)/.compiled vendor ## Make the virtual environment and fetch the browser libraries

demo: setup ## Run the demo mesh with the collector and the dashboard; ARGS="--fault latency --after 60s"
	@$(BIN)/meshscope demo $(ARGS)

secrets: $(addprefix deploy/secrets/meshscope_,admin viewer webhook) ## Make the tokens that compose.yaml needs, once

deploy/secrets/%:
	@mkdir -p -m 700 deploy/secrets
	@umask 022 && $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(32))' > $@
	@echo "made $@"

test: setup $(VENV)/.test-packages check ## Everything: lint, types, and all tests with real Envoys, Prometheus and Chromium
	$(BIN)/pytest -m "not e2e and not long" -n auto -q
	$(BIN)/pytest -m "e2e and not long" -q

test-fast: setup ## The tests that start nothing
	$(BIN)/pytest -m "not e2e and not long" -n auto -q

test-long: setup $(VENV)/.test-packages ## The campaigns that take minutes
	$(BIN)/pytest -m long -q

check: setup ## Lint, types, import contracts, drift of generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/meshscope alerts generate --check
	$(BIN)/meshscope dashboards generate --check

format: setup ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: setup ## Write the committed generated files anew
	$(BIN)/meshscope alerts generate
	$(BIN)/meshscope alerts generate --slo deploy/slo/gateway.yaml --out deploy/rules/gateway.yaml
	$(BIN)/meshscope alerts alertmanager --contacts deploy/contacts.yaml --slo deploy/slo/gateway.yaml \
	  --out deploy/alertmanager.yml
	$(BIN)/meshscope dashboards generate
	$(BIN)/python -m tests.collector.receiver.conformance.checklist
	$(BIN)/meshscope mesh bootstrap deploy/mesh/mesh.yaml gateway-v1 --xds 172.30.84.11:18000 \
	  > deploy/envoy/gateway.json

bench: setup ## What a span costs, beside a decoder by opentelemetry-proto; ARGS="--seconds 20"
	$(BIN)/python -m benchmarks.decode
	$(BIN)/python -m benchmarks.ingest $(ARGS)

lock: ## Pin all dependencies anew in requirements.lock
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --group tests --group lint --group build pyproject.toml -o requirements.lock

# The lock has the hash of every wheel; hatchling is in it, so that nothing is fetched unpinned.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: Python 3.11 or newer is needed; name one by: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || $(MAKE) --no-print-directory apt PACKAGES=python3-venv
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Else the first process that decodes spans, or evaluates a query, compiles and is slow for some seconds.
$(VENV)/.compiled: $(VENV)/.installed $(wildcard collector/otlp/scan/*.py collector/promql/kernels/*.py)
	$(BIN)/python -m collector.otlp.scan
	$(BIN)/python -m collector.promql
	$(BIN)/python -m collector.prometheus
	@touch $@

vendor: dashboards/web/static/vendor/.copied ## Copy the browser libraries from npm

dashboards/web/static/vendor/.copied: package.json package-lock.json dashboards/web/vendor.mjs
	@command -v npm >/dev/null || $(MAKE) --no-print-directory apt PACKAGES=npm
	npm ci --silent --no-audit --no-fund
	npm run --silent vendor
	@touch $@

$(VENV)/.test-packages: $(VENV)/.installed
	@missing=""; for package in $(TEST_PACKAGES); do \
	  dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	  test -z "$$missing" || $(MAKE) --no-print-directory apt PACKAGES="$$missing"
	@touch $@

.PHONY: apt
apt:
	@command -v apt-get >/dev/null \
	  || { echo "error: these packages are missing and there is no apt-get:$(PACKAGES)"; exit 1; }
	$(APT) update -qq
	DEBIAN_FRONTEND=noninteractive $(APT) install -y -qq --no-install-recommends $(PACKAGES) >/dev/null

clean: ## Remove what setup and the tests made
	rm -rf $(VENV) node_modules dashboards/web/static/vendor .artifacts .pytest_cache .mypy_cache .ruff_cache
